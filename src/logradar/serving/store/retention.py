"""Retention: what is old is forgotten, a few rows at a time, so that detection waits for no long transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from sqlalchemy import Table, and_, delete, func, select, text, tuple_

from logradar.serving.store.database import Database
from logradar.serving.store.errors import in_words
from logradar.serving.store.outbox import WAITING
from logradar.serving.store.paging import require_range
from logradar.serving.store.schema import (
    ALERTS,
    FEED,
    INCIDENTS,
    METADATA,
    OPEN,
    OUTBOX,
    RATE_CHANGES,
    SERVICE_COUNTS,
    TEMPLATE_COUNTS,
)

_TOGETHER: Final = 2_000  # rows of a transaction
_PAGES: Final = 2_000  # pages of SQLite that are given back in a transaction


class Retention(Database):
    """Forgets, and tells how large the store is."""

    def forget(self, before_us: int) -> dict[str, int]:
        """Forget what is older than a time in microseconds, and return how many rows of each table that were.

        That are incidents that are not open, alerts, rate changes, counts, the feed, and notifications that ended. What
        came later than that (into this store) stays, even if its log is older. Feedback, reviews and jobs stay.
        """
        require_range(before_us, "before_us")
        return {table.name: self._delete(table, condition) for table, condition in _old(before_us)}

    def size_bytes(self) -> int:
        """Bytes that the store takes, less what is free within: `forget` makes it less, and `vacuum` the files."""
        with self.reading() as connection:
            if connection.dialect.name == "postgresql":
                sizes = [func.pg_total_relation_size(name) for name in METADATA.tables]
                return sum(int(size or 0) for size in connection.execute(select(*sizes)).one())
            pages, free, size = (
                int(connection.exec_driver_sql(f"PRAGMA {name}").scalar() or 0)
                for name in ("page_count", "freelist_count", "page_size")
            )
            return (pages - free) * size

    def vacuum(self) -> None:
        """Give what is free within the files back to the file system, in steps; others read and write meanwhile."""
        with self.reading() as connection:
            postgresql = connection.dialect.name == "postgresql"
        if postgresql:
            with in_words(self.where), self._engine.connect() as connection:
                alone = connection.execution_options(isolation_level="AUTOCOMMIT")
                for name in METADATA.tables:
                    alone.execute(text(f"VACUUM {name}"))
            return
        while True:
            with self._alone(), in_words(self.where), self._engine.connect() as connection:
                cursor = connection.connection.cursor()
                (before,) = cursor.execute("PRAGMA freelist_count").fetchone()
                # a transaction of its own; `execute` would stop after the first page
                cursor.executescript(f"PRAGMA incremental_vacuum({_PAGES})")
                (after,) = cursor.execute("PRAGMA freelist_count").fetchone()
            if after == 0 or after >= before:
                return

    def _delete(self, table: Table, condition: Any) -> int:
        key = list(table.primary_key.columns)
        some = select(*key).where(condition).limit(_TOGETHER)
        gone = delete(table).where(tuple_(*key).in_(some) if len(key) > 1 else key[0].in_(some))
        total = 0
        while True:
            with self.changing() as connection:
                count = connection.execute(gone).rowcount
            total += count
            if count < _TOGETHER:
                return total


def _old(before: int) -> Iterator[tuple[Table, Any]]:
    """The tables, and which rows of them are old."""
    times: tuple[tuple[Table, Callable[[Table], Any]], ...] = (
        (INCIDENTS, lambda table: and_(table.c.last_at < before, table.c.status != OPEN)),
        (ALERTS, lambda table: table.c.raised_at < before),
        (RATE_CHANGES, lambda table: table.c.last_at < before),
        (TEMPLATE_COUNTS, lambda table: table.c.minute < before),
        (SERVICE_COUNTS, lambda table: table.c.minute < before),
        (FEED, lambda table: table.c.stored_at < before),
    )
    for table, is_old in times:
        yield table, and_(table.c.stored_at < before, is_old(table))
    yield OUTBOX, and_(OUTBOX.c.state != WAITING, OUTBOX.c.ended_at < before)
