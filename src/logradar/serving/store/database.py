"""The database behind the store: connections, and transactions of readers and of the one writer.

SQLite keeps a write-ahead log of its own, so readers see the state before a transaction and wait for nobody. A
transaction that writes takes the lock of the database when it begins, in PostgreSQL by an advisory lock, so that
several nodes write one after the other and the numbers of the feed ascend in the order in which they can be seen.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import Connection, Engine, Select, create_engine, event, func, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from logradar.serving.store.errors import StoreError, in_words
from logradar.serving.store.migrations.running import upgrade
from logradar.serving.store.paging import Order, Page
from logradar.serving.store.texts import Texts

WRITERS: Final = 7_163_905_510_011  # the advisory lock of those that write, in PostgreSQL
_WAIT: Final = 10_000  # milliseconds to wait for another process that writes
_READERS: Final = 16  # connections that are kept, and as many again under load
_POOL_WAIT: Final = 30  # seconds to wait for a free connection
_PRAGMAS: Final = (
    f"PRAGMA busy_timeout={_WAIT}",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    f"PRAGMA journal_size_limit={64 << 20}",
)
_FILE_PRAGMAS: Final = (  # what the file itself remembers; the first one must come before any table
    "PRAGMA auto_vacuum=INCREMENTAL",
    "PRAGMA journal_mode=WAL",
)
Clock = Callable[[], int]


def now_us() -> int:
    """The time of this machine in microseconds since 1970."""
    return time.time_ns() // 1_000


class Database:
    """One database, opened; the parts of `logradar.serving.store.store.Store` are built upon it.

    ``clock`` gives the time of this machine in microseconds; ``where`` names the database without its password.
    """

    def __init__(self, engine: Engine, where: str, clock: Clock) -> None:
        self._engine, self.where, self._clock = engine, where, clock
        self._writers = threading.Lock()
        self._writer: int | None = None  # the thread that writes
        self._texts = Texts()
        self._snapshot = "REPEATABLE READ" if engine.dialect.name == "postgresql" else None  # SQLite always does

    @classmethod
    def open(cls, url: str, *, clock: Clock = now_us) -> Self:
        """Open (or create) the database at ``url``, and bring its tables to the schema of this version.

        ``url`` is ``sqlite:///PATH`` or ``postgresql+psycopg://USER@HOST/NAME``. Raises `StoreError` where it cannot be
        reached or written, is damaged, or was written by a newer version.
        """
        address = _address(url)
        where = f"'{address.database}'" if _is_sqlite(address) else f"'{address.render_as_string(hide_password=True)}'"
        opened = cls(_engine(address), where, clock)
        try:
            opened._prepare_file()
            with opened.changing() as connection:
                upgrade(connection, where)
        except BaseException:
            opened.close()
            raise
        return opened

    @property
    def cleaned(self) -> int:
        """How many texts held what no database takes (NUL, half of a surrogate pair), or were too long for a name."""
        return self._texts.cleaned

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of all tables, whatever is written meanwhile."""
        with in_words(self.where), self._engine.connect() as connection:
            yield connection.execution_options(isolation_level=self._snapshot) if self._snapshot else connection

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """A transaction of the only writer: all of it is stored (and on disk) at the end, or after an error nothing."""
        with self._alone(), in_words(self.where), self._engine.connect() as connection:
            writer = connection.execution_options(logradar_writes=True)
            with writer.begin():
                if writer.dialect.name == "postgresql":
                    writer.exec_driver_sql(f"SET LOCAL lock_timeout = {_WAIT}")
                    writer.execute(select(func.pg_advisory_xact_lock(WRITERS)))
                yield writer

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    def _page(
        self, query: Select[Any], order: Order, cursor: str | None, limit: int, item: Callable[[Any], dict[str, Any]]
    ) -> Page:
        with self.reading() as connection:
            rows = connection.execute(order.page(query, cursor, limit)).all()
        return Page([item(row) for row in rows[:limit]], order.cursor(rows, limit))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other thread of this process writes within. Raises `RuntimeError` where this one does already."""
        if self._writer == threading.get_ident():
            raise RuntimeError("This thread has a transaction open already: end it first, or write into it.")
        with self._writers:
            self._writer = threading.get_ident()
            try:
                yield
            finally:
                self._writer = None

    def _prepare_file(self) -> None:
        """Once only, because `auto_vacuum` needs the lock of a writer. A new file is for this user alone."""
        if self._engine.dialect.name == "sqlite":
            with suppress(OSError):  # SQLite says why it cannot be opened
                Path(str(self._engine.url.database)).touch(mode=0o600)
            with in_words(self.where), self._engine.connect() as connection:
                cursor = connection.connection.cursor()
                for pragma in _FILE_PRAGMAS:
                    cursor.execute(pragma)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError:
        address = None
    if address is None or address.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreError(
            "A store is at sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME: no other address is known."
        )
    if _is_sqlite(address) and address.database in (None, "", ":memory:"):
        raise StoreError("A store needs a file, which outlives the service: give sqlite:///PATH.")
    return address.set(drivername="postgresql+psycopg") if address.drivername == "postgresql" else address


def _is_sqlite(address: URL) -> bool:
    return address.get_backend_name() == "sqlite"


def _engine(address: URL) -> Engine:
    pool: dict[str, Any] = {"pool_size": _READERS, "max_overflow": _READERS, "pool_timeout": _POOL_WAIT}
    try:
        if not _is_sqlite(address):
            return create_engine(address, pool_pre_ping=True, **pool)
        engine = create_engine(address, connect_args={"timeout": _WAIT / 1_000}, **pool)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise StoreError(
            f"The driver of PostgreSQL is missing ({error}): pip install 'logradar[postgresql]'."
        ) from None
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where `_begin` says, not where the driver guesses
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("logradar_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
