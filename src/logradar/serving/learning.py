"""Learning: a service without a bundle collects lines, trains on them in a process of its own, and works with that."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from logradar.core.errors import ConfigError, LogRadarError
from logradar.core.progress import say
from logradar.serving.detection.lines import LineStore
from logradar.serving.store.database import now_us
from logradar.serving.store.store import Store

TRAIN: Final = "train"
NAME: Final = "learnt"  # of the bundle that the service trains by itself
_BEGAN: Final = "learning"  # what the store remembers: since when lines are collected, and until when
_LAST: Final = 2_000  # characters of what a training that failed has said


class Learning:
    """Runs trainings as jobs of the store, one after the other; ``activate`` gets a finished bundle, the name
    that was asked for and by whom, and returns its name."""

    def __init__(
        self, store: Store, lines: LineStore, home: Path, activate: Callable[[Path, str | None, str], str]
    ) -> None:
        self._store, self._lines, self._activate = store, lines, activate
        self._folder = home / "trainings"
        self._ending = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._run, name="learning", daemon=True)

    def __enter__(self) -> Self:
        self._store.end_running_jobs("The service ended before the training did; ask for it again.")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        if self._process is not None:
            self._process.terminate()
        self._thread.join()

    def begin(self, seconds: float) -> None:
        """Collect lines for so long, then train on them; goes on where an earlier start began."""
        if self._store.meta(_BEGAN) is None:
            now = now_us()
            with self._store.writing() as writing:
                writing.meta(_BEGAN, {"since": now, "until": now + round(seconds * 1e6)})

    def ask(
        self, by: str, *, since: int | None = None, name: str | None = None, overrides: tuple[str, ...] = ()
    ) -> str:
        """Train on the lines since a moment (microseconds; None: on all that are kept); returns the id of the job.

        Without a name the new bundle takes the place of the one that judges all services.
        """
        job = uuid.uuid4().hex[:12]
        self._store.add_job(job, TRAIN, {"since": since, "name": name, "overrides": list(overrides)}, by)
        return job

    def sentence(self) -> str:
        """What is being learnt; empty where nothing is."""
        if self._process is not None:
            return "A training is under way."
        plan = self._store.meta(_BEGAN)
        if not plan:
            return ""
        left = max(0.0, (plan["until"] - now_us()) / 1e6)
        rest = f"{left / 60:.0f} more minutes" if left >= 120 else f"{left:.0f} more seconds"
        return f"Lines are collected for {rest}, then learnt."

    def _run(self) -> None:
        while not self._ending.wait(0.5):
            try:
                plan = self._store.meta(_BEGAN)
                if plan and now_us() >= plan["until"]:
                    with self._store.writing() as writing:
                        writing.meta(_BEGAN, None)
                    self.ask("logradar serve --learn", since=plan["since"])
                job = self._store.take_job()
                if job is not None:
                    self._work(job)
            except LogRadarError as error:
                say(f"Training waits: {error}")
                self._ending.wait(5)

    def _work(self, job: Mapping[str, Any]) -> None:
        number, asked = job["job_id"], job["settings"]
        folder = self._folder / number
        try:
            bundle = self._train(folder, asked)
            name = self._activate(bundle, asked["name"], f"job {number}")
        except (LogRadarError, OSError) as error:
            say(f"The training {number} failed: {error}")
            self._store.update_job(number, state="failed", problem=str(error)[:_LAST])
        else:
            self._store.update_job(number, state="done", result={"bundle": name})

    def _train(self, folder: Path, asked: Mapping[str, Any]) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / "collected.jsonl"
        count = self._lines.export(log, since=asked["since"])
        if not count:
            raise ConfigError("No line has arrived yet, so nothing can be learnt; send some logs first.")
        bundle = folder / "bundle"
        command = [sys.executable, "-m", "logradar", "train", str(log), "-o", str(bundle), "--no-labels", "--force"]
        began = time.monotonic()
        self._process = subprocess.Popen(
            [*command, *asked["overrides"]], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        try:
            _, said = self._process.communicate()
            code = self._process.returncode
        finally:
            self._process = None
        log.unlink(missing_ok=True)
        if code != 0:
            raise ConfigError(said.strip()[-_LAST:] or f"The training ended with status {code}.")
        say(f"Learnt {count:,} lines in {time.monotonic() - began:.0f} s.")
        return bundle
