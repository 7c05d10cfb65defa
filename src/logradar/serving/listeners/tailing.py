"""Tailing: files that grow, and standard input, as senders.

Promised is: every line that a followed file holds is appended at least once, in the order of its file, through
rotation by rename and by copytruncate, as long as the rotated file lies uncompressed beside the path (``delaycompress``
of logrotate) until it is read. The position of each file is stored only after the sink has its lines on disk. So a
process that is killed repeats at its next start at most the lines of the one `append` that was under way
(`ROUND` bytes of all files together), and after an ordinary stop none. A last line without its end is not handed on
until its end comes, or another file has taken its name.
"""

from __future__ import annotations

import asyncio
import glob
import re
import stat
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from logradar.core.errors import InputError
from logradar.core.filenames import readable
from logradar.core.progress import say
from logradar.serving.arrivals import Arrival
from logradar.serving.ingest.decoded import compact, name_of, stream_of
from logradar.serving.ingest.sink import Refused, Sink
from logradar.serving.listeners.batches import append_patiently
from logradar.serving.listeners.file_lines import LIMIT, Line
from logradar.serving.listeners.piped_lines import PipedLines
from logradar.serving.listeners.positions import Positions
from logradar.serving.listeners.rotation import base_of, is_compressed, node_of
from logradar.serving.listeners.trail import Trail
from logradar.sources.opening.files import stem

STDIN: Final = "-"
ROUND: Final = 1 << 20  # bytes that are read before they are appended
_PIECE: Final = 1 << 18  # of one file
_LISTED: Final = 1.0  # seconds between two looks for new files
_GONE: Final = 60.0  # seconds after which a file whose path is gone is closed
_AGAIN: Final = 60.0  # seconds after which a file that could not be read is tried again
_POD: Final = re.compile(r"([^_]+)_([^_]+)_(.+)-[0-9a-f]{64}\.log")  # of /var/log/containers
_POD_FOLDER: Final = re.compile(r"([^_]+)_([^_]+)_[0-9a-f-]{8,}")  # of /var/log/pods, above the container's folder


class Tailer:
    """Follows files by path or pattern; ``-`` is standard input. ``positions`` is where it stores how far it read.

    A file that nothing is known of is read from its start, or with ``whole=False`` from its end, without those that
    were rotated away before; one that appears later always from its start. `run` ends by `stop`. ``counts`` says what
    was read: lines, those cut, files, gaps, refusals.
    Raises `InputError` where ``positions`` cannot be written.
    """

    def __init__(
        self,
        sink: Sink,
        patterns: Sequence[str],
        *,
        positions: Path | None = None,
        whole: bool = True,
        files: int = 1_000,
        limit: int = LIMIT,
        look: float = 0.1,
    ) -> None:
        self._sink, self._most, self._limit, self._look = sink, files, limit, look
        self._patterns = [pattern for pattern in patterns if pattern != STDIN]
        self._piped = PipedLines(sink, limit=limit) if STDIN in patterns else None
        self._positions, self._whole = Positions(positions), whole
        self._trails: dict[str, Trail] = {}
        self._services: dict[str, str] = {}
        self._gone: dict[str, float] = {}
        self._left_out: dict[str, float] = {}
        self._reading = threading.Lock()
        self._listed = float("-inf")
        self._next = 0  # the trail that is read first in the next round
        self._stop = asyncio.Event()
        self._lines = self._refusals = self._closed_cut = self._closed_gaps = 0

    async def run(self) -> None:
        """Follow until `stop`; where there is standard input alone, until that ends."""
        tasks = [asyncio.create_task(self._follow())] if self._patterns else []
        if self._piped is not None:
            tasks.append(asyncio.create_task(self._piped.run()))
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with self._reading:  # a thread may still be at it
                for name in list(self._trails):
                    self._close(name)

    def stop(self) -> None:
        """End `run` as soon as what was read is appended; what the sink refuses is read again at the next start."""
        self._stop.set()
        if self._piped is not None:
            self._piped.stop()

    @property
    def counts(self) -> dict[str, int]:
        """Figures since the start."""
        trails = self._trails.values()
        piped = self._piped.counts if self._piped is not None else {"lines": 0, "cut": 0, "refusals": 0}
        return {
            "lines": self._lines + piped["lines"],
            "cut": self._closed_cut + sum(trail.cut for trail in trails) + piped["cut"],
            "files": len(trails),
            "gaps": self._closed_gaps + sum(trail.gaps for trail in trails),
            "refusals": self._refusals + piped["refusals"],
        }

    async def _follow(self) -> None:
        while not self._stop.is_set():
            arrivals, positions = await asyncio.to_thread(self._round)
            if arrivals and not await self._append(arrivals):
                return
            if positions:
                await asyncio.to_thread(self._store, positions)
            if not arrivals:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), self._look)

    async def _append(self, arrivals: list[Arrival]) -> bool:
        """Append; False where the sink refuses and the tailer is stopped meanwhile."""
        kept = await append_patiently(self._sink, arrivals, self._refused, stop=self._stop)
        self._lines += len(arrivals) if kept else 0
        return kept

    def _refused(self, refusal: Refused) -> None:
        self._refusals += 1

    def _store(self, positions: dict[str, dict[str, Any]]) -> None:
        try:
            self._positions.store(positions)
        except OSError as error:  # the lines are appended; without their position some may be repeated
            say(f"How far files were read cannot be stored: {error.strerror}; it is tried again.")

    def _round(self) -> tuple[list[Arrival], dict[str, dict[str, Any]]]:
        """The next lines of all files, and the positions behind them."""
        with self._reading:
            return self._read_round()

    def _read_round(self) -> tuple[list[Arrival], dict[str, dict[str, Any]]]:
        now = time.monotonic()
        if now - self._listed >= _LISTED:
            self._listed = now
            self._list()
        arrivals: list[Arrival] = []
        positions: dict[str, dict[str, Any]] = {}
        names, size = list(self._trails), 0
        first = self._next % len(names) if names else 0
        for place, name in enumerate(names[first:] + names[:first]):
            if size >= ROUND:
                self._next = first + place
                break
            trail = self._trails[name]
            before = trail.position
            try:
                lines = trail.read(_PIECE)
            except (InputError, OSError) as error:
                self._leave_out(name, error)
                continue
            size += sum(len(line.text) + 1 for line in lines)
            arrivals += self._arrivals(name, lines)
            if (after := trail.position) != before or self._positions.get(name) is None:
                positions[name] = after
            self._forget_gone(name, trail, now)
        return arrivals, positions

    def _arrivals(self, name: str, lines: list[Line]) -> list[Arrival]:
        if not lines:
            return []
        stream, service, pod = stream_of("tail", name), self._service(name), _pod_of(Path(name))
        return [
            Arrival(stream, line.text.decode("utf-8", "replace"), service=service, attributes=pod) for line in lines
        ]

    def _service(self, name: str) -> str | None:
        """As for the files of an INPUT: by the file's name, unless all have the same."""
        if _pod_of(Path(name)) is None and len(set(self._services.values())) < 2:
            return None
        return name_of(self._services.get(name))

    def _list(self) -> None:
        """Begin with files that are new."""
        begun = {trail.node for trail in self._trails.values()}
        for pattern in self._patterns:
            literal = not glob.has_magic(pattern)
            for name in [pattern] if literal else sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207
                path = Path(name).absolute()
                if str(path) in self._trails or self._is_left_out(str(path)) or (not literal and self._is_other(path)):
                    continue
                try:
                    info = path.stat()
                except OSError:
                    continue
                if not stat.S_ISREG(info.st_mode) or node_of(info) in begun:
                    continue
                if len(self._trails) >= self._most:
                    self._leave_out(str(path), InputError(f"More than {self._most:,} files are not followed at once."))
                    continue
                try:
                    known = self._positions.get(str(path))
                    if known is None and any(trail.has_read(path) for trail in self._trails.values()):
                        self._left_out[str(path)] = time.monotonic()
                        continue
                    self._trails[str(path)] = Trail(path, known=known, whole=self._whole, limit=self._limit)
                except (InputError, OSError) as error:
                    self._leave_out(str(path), error)
                    continue
                self._services[str(path)] = readable(stem(path))
                begun.add(self._trails[str(path)].node)
        self._whole = True

    def _is_other(self, path: Path) -> bool:
        """Whether a file of a pattern is read with another one, or not at all: rotated, compressed, hidden."""
        if path.name.startswith(".") or is_compressed(path.name):
            return True
        bases = [path.with_name(base) for base in base_of(path.name)]
        return any(base.exists() or str(base) in self._trails for base in bases)

    def _is_left_out(self, name: str) -> bool:
        return time.monotonic() - self._left_out.get(name, float("-inf")) < _AGAIN

    def _leave_out(self, name: str, error: Exception) -> None:
        reason = str(error) if isinstance(error, InputError) else f"'{readable(name)}' cannot be read: {error}."
        if name not in self._left_out:
            say(reason)
        self._left_out[name] = time.monotonic()
        self._close(name)

    def _forget_gone(self, name: str, trail: Trail, now: float) -> None:
        if not trail.is_gone:
            self._gone.pop(name, None)
        elif now - self._gone.setdefault(name, now) > _GONE:
            if trail.is_deleted:
                self._positions.forget(name)
            self._close(name)

    def _close(self, name: str) -> None:
        self._gone.pop(name, None)
        self._services.pop(name, None)
        if (trail := self._trails.pop(name, None)) is not None:
            self._closed_cut, self._closed_gaps = self._closed_cut + trail.cut, self._closed_gaps + trail.gaps
            trail.close()


def _pod_of(path: Path) -> str | None:
    """The attributes of a container's log, by the names that Kubernetes gives; None for other files."""
    found = _POD.fullmatch(path.name)
    names = found.groups() if found else None
    if names is None and (folder := _POD_FOLDER.fullmatch(path.parent.parent.name)):
        names = (folder[2], folder[1], path.parent.name)
    if names is None:
        return None
    pod, namespace, container = names
    return compact({"k8s.pod.name": pod, "k8s.namespace.name": namespace, "k8s.container.name": container})
