"""Writing: one transaction with what a step of detection found, all or nothing.

Everything has an id of its own, so writing it again replaces it. Counts are the exception: they are added, and their
writer stores in the same transaction, by `Writing.meta`, up to where it has counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection

from logradar.serving.store import alert_rows, count_rows, incident_rows, rate_rows
from logradar.serving.store.database import Database
from logradar.serving.store.feed import Change
from logradar.serving.store.filters import known_role
from logradar.serving.store.outbox import Notification, outbox_row
from logradar.serving.store.schema import FEED, META, OUTBOX
from logradar.serving.store.texts import Texts
from logradar.serving.store.upsert import insert_new, upsert


class Writing:
    """The open transaction; ``now`` is the time of this machine in microseconds. Methods are called in any order."""

    def __init__(self, connection: Connection, texts: Texts, now: int) -> None:
        self._connection, self._texts, self._now = connection, texts, now

    def alerts(self, rows: Sequence[Mapping[str, Any]], role: str, bundle: str) -> None:
        """Store alerts, each the document of `logradar.alerting.files.alert_json` and ``over`` (its session is)."""
        self._append(alert_rows.store(self._connection, self._texts, rows, known_role(role), bundle, self._now))

    def withdraw(self, alert_ids: Sequence[str], role: str) -> None:
        """Delete alerts that were raised before their sessions were over, and are none any more."""
        self._append(alert_rows.withdraw(self._connection, alert_ids, known_role(role)))

    def incidents(self, rows: Sequence[Mapping[str, Any]], role: str, bundle: str) -> None:
        """Store incidents, each the document of `logradar.alerting.incident_files.incident_json`.

        What people said of them stays. They are linked to the alerts and rate changes that they name, whether or not
        these are stored yet.
        """
        self._append(incident_rows.store(self._connection, self._texts, rows, known_role(role), bundle, self._now))

    def rate_changes(self, rows: Sequence[Mapping[str, Any]], role: str, bundle: str) -> None:
        """Store rate changes, each the document of `logradar.alerting.files.change_json`."""
        self._append(rate_rows.store(self._connection, self._texts, rows, known_role(role), bundle, self._now))

    def counts(self, rows: Sequence[tuple[int, str | None, str, int]]) -> None:
        """Add records to those counted: (minute in microseconds, service, band 'all', 'warn' or 'error', count)."""
        count_rows.store_services(self._connection, self._texts, rows, self._now)

    def templates(self, rows: Sequence[tuple[str, int, str, str, int, int, int, str | None]]) -> None:
        """Add to templates: (bundle, template id, template, example, first at, last at, count, service).

        The last example counts, and the first service.
        """
        count_rows.store_templates(self._connection, self._texts, rows)

    def template_counts(self, rows: Sequence[tuple[str, int, int, int]]) -> None:
        """Add records to those counted of templates: (bundle, template id, minute in microseconds, count)."""
        count_rows.store_template_counts(self._connection, self._texts, rows, self._now)

    def notify(self, rows: Sequence[Notification]) -> None:
        """Put notifications into the outbox; one whose key is there (waiting, delivered or given up) is left out."""
        found = [outbox_row(one, self._texts, self._now) for one in rows]
        insert_new(self._connection, OUTBOX, found)

    def meta(self, key: str, value: Any) -> None:
        """Remember a JSON value under a key, in place of what was there."""
        row = {"key": self._texts.name(key), "value": self._texts.document(value)}
        upsert(self._connection, META, [row])

    def _append(self, changes: Sequence[Change]) -> None:
        rows = [one.row(self._texts.document(one.document), self._now) for one in changes]
        insert_new(self._connection, FEED, rows)


class Writer(Database):
    """Opens transactions of detection."""

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """A transaction: all that is written within is stored and on disk at the end, or after an error nothing.

        One at a time; others wait. Raises `StoreError` where the database refuses it (a full disk, for one).
        """
        with self.changing() as connection:
            yield Writing(connection, self._texts, self._clock())
