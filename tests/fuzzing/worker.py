"""A warm process that runs ``logradar detect`` on mutated bundles, and its owner that notices its end."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import resource
import select
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

MEMORY: Final = 6 << 30  # bytes of addresses beyond those that the process has when it is warm
SLOWEST: Final = 60.0  # seconds of one detection


@dataclass(frozen=True)
class Outcome:
    """What one detection came to; ``fault`` is empty where it came to what it may."""

    kind: str
    fault: str = ""
    alerts: int = 0


class Worker:
    """Runs detections in another process; a process that dies is replaced."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._process: subprocess.Popen[str] | None = None

    def detect(self, bundle: Path) -> Outcome:
        """``logradar detect bundle log --json``; where alerts come of it, ``logradar review bundle`` too."""
        if self._process is None or self._process.poll() is not None:
            root = Path(__file__).resolve().parents[2]
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzzing.worker"],
                cwd=root,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={**os.environ, "LOGRADAR_TRACEBACK": ""},
            )
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps([str(bundle), str(self.log)]) + "\n")
        process.stdin.flush()
        if not select.select([process.stdout], [], [], SLOWEST)[0]:
            self.close()
            return Outcome("stalled", f"no answer after {SLOWEST:g} s")
        line = process.stdout.readline()
        if not line:
            code = process.wait()
            self.close()
            return Outcome("signal", f"the process ended with {code}")
        return Outcome(**json.loads(line))

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            with self._process:  # which closes its pipes
                self._process.kill()
            self._process = None


def reviewed(code: int, out: str, err: str) -> Outcome | None:
    """What is wrong with a review of a bundle that alerts: it may print a document, or say in a sentence why not."""
    if "Traceback" in err or "Warning:" in err:
        return Outcome("traceback", err[-900:])
    if code == 2 and err.startswith("logradar: ") and not out:
        return None
    try:
        document = json.loads(out, parse_constant=_no_number)
        fits = code == 0 and 0 <= document["taken_for_anomalous"] <= document["sessions"]
    except (ValueError, KeyError, TypeError) as error:
        return Outcome("output", f"{error!r} in {out[:300]!r}")
    return None if fits else Outcome("output", f"a review makes no sense: {out[:300]}")


def judged(code: int, out: str, err: str) -> Outcome:
    """What a detection may come to: alerts that make sense, or status 2 and one sentence."""
    if "Traceback" in err or "Warning:" in err:
        return Outcome("traceback", err[-900:])
    if code == 2:
        last = err.rstrip("\n").rpartition("\n")[2]
        fits = last.startswith("logradar: ") and len(last) < 2000 and not out
        return Outcome("refused", "" if fits else f"no sentence: {err[-500:]!r}")
    if code != 0:
        return Outcome("status", f"exit status {code}: {err[-500:]}")
    try:
        document = json.loads(out, parse_constant=_no_number)
        scores = [(float(alert["score"]), float(alert["threshold"])) for alert in document["alerts"]]
    except (ValueError, KeyError, TypeError) as error:
        return Outcome("output", f"{error!r} in {out[:300]!r}")
    if not all(math.isfinite(score) and score > threshold for score, threshold in scores):
        return Outcome("output", f"scores make no sense: {scores[:5]}")
    if not scores:
        return Outcome("disarmed", f"no alert, and it said: {err[-300:]!r}")
    return Outcome("alerts", "", len(scores))


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _run(words: list[str]) -> tuple[int, str, str]:
    from logradar.cli import main

    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace", write_through=True) for _ in range(2))
    sys.argv = ["logradar", *words]
    code: Any = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as stopped:
            code = stopped.code
        except BaseException:
            traceback.print_exc()
            code = 1
    written, said = (stream.buffer.getvalue().decode() for stream in (out, err))
    return int(code or 0), written, said


def serve() -> None:
    """Answer each line of stdin, a bundle and a log, with an outcome."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        bundle, log = json.loads(line)
        outcome = judged(*_run(["detect", bundle, log, "--json"]))
        if not outcome.fault and outcome.kind == "alerts":
            outcome = reviewed(*_run(["review", bundle, "--json", "--top", "3"])) or outcome
        if outcome.kind == "alerts":
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.RLIM_INFINITY))
        print(json.dumps(outcome.__dict__), file=answers, flush=True)


if __name__ == "__main__":
    serve()
