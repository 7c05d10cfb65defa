"""The journal: loggers for the services, one log file per service, and the labels and true origins of the lines.

The loggers belong to a private `logging.Manager`, so that they and the logging of the program that runs the
simulation do not affect each other.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from abc import ABC, abstractmethod
from array import array
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from contextvars import ContextVar
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, Any, Final, Protocol, Self

import pyarrow as pa
import pyarrow.parquet as pq

from logradar.simulation.trace import Trace

PACKAGE: Final = Path(__file__).parents[1]
LINES_KEPT: Final = 1 << 12
ORIGINS_KEPT: Final = 1 << 17
_LOGGING: Final = logging.Logger.info.__code__.co_filename
_LEVELS: Final = MappingProxyType({10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"})
_MILLIS: Final = tuple(f",{ms:03d} " for ms in range(1000))

LABELS: Final = "labels.csv"
ORIGINS: Final = "origins.parquet"
ORIGIN: Final = pa.schema(
    [
        pa.field("source", pa.dictionary(pa.int32(), pa.string()), nullable=False),  # log file
        pa.field("line", pa.int64(), nullable=False),  # 1-based line where the record begins
        pa.field("path", pa.dictionary(pa.int32(), pa.string()), nullable=False),  # relative to the package
        pa.field("code_line", pa.int32(), nullable=False),  # 1-based line of the log call
    ]
)

running: Final[ContextVar[Keeper]] = ContextVar("running")


class ShopRecord(logging.LogRecord):
    """A log record without the fields that a simulation does not need (threads, processes, the wall clock)."""

    def __init__(
        self, name: str, level: int, pathname: str, lineno: int, msg: object, args: Any, exc_info: Any, func: str
    ) -> None:
        self.name, self.msg, self.args = name, msg, args
        self.levelno, self.levelname = level, _LEVELS[level]
        self.pathname, self.lineno, self.funcName = pathname, lineno, func
        self.exc_info = exc_info


class ShopLogger(logging.Logger):
    """A logger whose records go to the running simulation; without one they are dropped."""

    def __init__(self, name: str, level: int = logging.NOTSET) -> None:
        super().__init__(name, level)
        self.service = name.partition(".")[0]

    def _log(self, level: int, msg: object, args: Any, exc_info: Any = None, *_: Any, **__: Any) -> None:
        frame = sys._getframe(2)
        while frame.f_code.co_filename == _LOGGING and frame.f_back is not None:
            frame = frame.f_back
        code = frame.f_code
        error = sys.exc_info() if exc_info else None
        record = ShopRecord(self.name, level, code.co_filename, frame.f_lineno, msg, args, error, code.co_name)
        self.handle(record)

    def handle(self, record: logging.LogRecord) -> None:
        """Write the record to the running simulation."""
        keeper = running.get(None)
        if keeper is not None:
            keeper.write(self.service, record)


_manager: Final = logging.Manager(logging.RootLogger(logging.DEBUG))
_manager.setLoggerClass(ShopLogger)


def get_logger(name: str) -> logging.Logger:
    """The shop's logger ``service.component``."""
    return _manager.getLogger(name)


class Clock(Protocol):
    """The virtual time in ms since the beginning, and the trace that is running."""

    @property
    def now(self) -> int:
        """Milliseconds."""

    @property
    def trace(self) -> Trace:
        """The request or job to which records belong now."""


class ServiceClock:
    """The clock of one service: its error (``skew``, ms), and the beginning of its time stamps."""

    def __init__(self) -> None:
        self.skew = 0
        self._second = -1
        self._prefix = ""

    def prefix(self, second: int) -> str:
        """Date and time to the second, computed once per second."""
        if second != self._second:
            self._second = second
            self._prefix = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second))
        return self._prefix


class Keeper(ABC):
    """Takes the records and labels of a simulation; a context manager, inside which the shop's loggers write to it.

    ``files`` has the clock of each service. ``start`` is the virtual time of the beginning in ms since 1970,
    UTC; ``clock`` gives the time since then and the running trace.
    """

    files: Mapping[str, ServiceClock]

    def __init__(self, start: int, clock: Clock) -> None:
        self.records = 0
        self.sessions: Counter[str] = Counter()
        self._clock, self._start = clock, start

    def __enter__(self) -> Self:
        self._token = running.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        running.reset(self._token)

    @abstractmethod
    def write(self, service: str, record: logging.LogRecord) -> None:
        """Take a record of the running trace."""

    def label(self, trace: Trace) -> None:
        """Take the label of a trace that has ended: ``trace.struck``."""
        self.sessions[trace.struck] += 1

    def stamped(self, service: ServiceClock, record: logging.LogRecord) -> tuple[int, str]:
        """The record's time by the service's own clock (ms since 1970) and its text."""
        trace = self._clock.trace
        stamp = self._start + self._clock.now + service.skew
        if stamp >= trace.latest:
            trace.latest = stamp
        else:
            trace.strike("clock_skew")  # only a wrong clock can go back in time
        second = stamp // 1000
        text = (
            f"{service.prefix(second)}{_MILLIS[stamp - second * 1000]}{record.levelname} {record.name} "
            f"[trace={trace.key}] {record.getMessage()}"
        )
        if record.exc_info and record.exc_info[1]:
            text += _traceback_text(record.exc_info[1])
        self.records += 1
        return stamp, text


class LogFile(ServiceClock):
    """The log of one service: a buffered file, its clock, and the origins of its lines."""

    def __init__(self, path: Path, file: IO[str]) -> None:
        super().__init__()
        self.path, self._file = path, file
        self.line = 1
        self.sites = array("i")
        self.lines = array("q")
        self._kept: list[str] = []

    def add(self, text: str, site: int) -> None:
        """Add a record that log call number ``site`` wrote."""
        self._kept.append(text)
        self.sites.append(site)
        self.lines.append(self.line)
        self.line += text.count("\n") + 1 if "\n" in text else 1
        if len(self._kept) >= LINES_KEPT:
            self.flush()

    def flush(self) -> None:
        """Write the buffered records to the file."""
        if self._kept:
            self._kept.append("")
            self._file.write("\n".join(self._kept))
            self._kept.clear()


class Journal(Keeper):
    """The files that a simulation writes line by line: one log per service, labels, origins.

    ``services`` maps each service to the name of its log.
    """

    files: Mapping[str, LogFile]

    def __init__(self, folder: Path, services: Mapping[str, str], start: int, clock: Clock) -> None:
        super().__init__(start, clock)
        self._sites: dict[tuple[str, int], int] = {}
        with ExitStack() as opened:
            paths = {service: folder / name for service, name in services.items()}
            self.files = {service: LogFile(path, opened.enter_context(_new(path))) for service, path in paths.items()}
            self._labels = opened.enter_context(_new(folder / LABELS))
            self._labels.write("session_key,label,fault\n")
            self._origins = opened.enter_context(
                pq.ParquetWriter(
                    folder / ORIGINS,
                    ORIGIN,
                    compression="zstd",
                    use_dictionary=["source", "path", "code_line"],
                    column_encoding={"line": "DELTA_BINARY_PACKED"},
                )
            )
            self._opened = opened.pop_all()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, value, trace)
        with self._opened:  # all files are closed, even after an error
            for file in self.files.values():
                file.flush()
                self._write_origins(file)

    def write(self, service: str, record: logging.LogRecord) -> None:
        """Write a record of the running trace, with the time of the service's own clock."""
        file = self.files[service]
        _, text = self.stamped(file, record)
        site = self._sites.setdefault((record.pathname, record.lineno), len(self._sites))
        file.add(text, site)
        if len(file.sites) >= ORIGINS_KEPT:
            self._write_origins(file)

    def label(self, trace: Trace) -> None:
        """Write the row of labels.csv for a trace that has ended."""
        super().label(trace)
        self._labels.write(f"{trace.key},{int(bool(trace.struck))},{trace.struck}\n")

    def _write_origins(self, file: LogFile) -> None:
        if not file.sites:
            return
        paths = sorted({path for path, _ in self._sites})
        place = {path: index for index, path in enumerate(paths)}
        sites = pa.array(file.sites, pa.int32())
        path_of = pa.array([place[path] for path, _ in self._sites], pa.int32()).take(sites)
        line_of = pa.array([line for _, line in self._sites], pa.int32()).take(sites)
        source = pa.DictionaryArray.from_arrays(pa.array([0] * len(sites), pa.int32()), [file.path.name])
        path = pa.DictionaryArray.from_arrays(path_of, [_relative(path) for path in paths])
        columns = [source, pa.array(file.lines, pa.int64()), path, line_of]
        self._origins.write_table(pa.Table.from_arrays(columns, schema=ORIGIN))
        file.sites, file.lines = array("i"), array("q")


def _new(path: Path) -> IO[str]:
    return path.open("w", encoding="utf-8", newline="\n")


def _relative(path: str) -> str:
    try:
        return Path(path).relative_to(PACKAGE).as_posix()
    except ValueError:
        return Path(path).name


def _traceback_text(error: BaseException) -> str:
    """A stack trace like Python's, with paths as they would be on the service's machine."""
    lines = ["", "Traceback (most recent call last):"]
    for frame in traceback.extract_tb(error.__traceback__):
        path = f"shop/{Path(frame.filename).name}"
        lines.append(f'  File "/opt/{path}", line {frame.lineno}, in {frame.name}')
        if frame.line:
            lines.append(f"    {frame.line}")
    lines.append(f"{type(error).__name__}: {error}")
    return "\n".join(lines)
