"""The store of the service: open it, write what detection found, read it, note what people say."""

from __future__ import annotations

from typing import Any, Final

import orjson
from sqlalchemy import select

from logradar.serving.store.alerts import Alerts
from logradar.serving.store.bundles import Bundles
from logradar.serving.store.counts import Counts
from logradar.serving.store.feed import Feed
from logradar.serving.store.incidents import Incidents
from logradar.serving.store.jobs import Jobs
from logradar.serving.store.keys import Keys
from logradar.serving.store.outbox import Outbox
from logradar.serving.store.people import People
from logradar.serving.store.retention import Retention
from logradar.serving.store.schema import META
from logradar.serving.store.templates import Templates
from logradar.serving.store.texts import asked_name
from logradar.serving.store.writing import Writer

__all__: Final = ["Store"]


class Store(Writer, Incidents, Alerts, Templates, Counts, Feed, Outbox, People, Keys, Jobs, Bundles, Retention):
    """All that detection found and people said. `Store.open` gives one; threads may share it.

    Every method raises `logradar.serving.store.errors.StoreError` where the database does not answer, and `QueryError`
    where the question makes no sense.
    """

    def meta(self, key: str, default: Any = None) -> Any:
        """The JSON value that was remembered under a key, or the default."""
        with self.reading() as connection:
            value = connection.scalar(select(META.c.value).where(META.c.key == asked_name(key)))
        return default if value is None else orjson.loads(value)
