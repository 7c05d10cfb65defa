"""Bundles that the service knows: where each is, and whether it detects, scores beside, or rests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import select, update

from logradar.serving.store.database import Database
from logradar.serving.store.errors import QueryError
from logradar.serving.store.schema import ACTIVE, BUNDLES, SHADOW
from logradar.serving.store.texts import asked_name
from logradar.serving.store.upsert import upsert

RESTING: Final = "resting"
BUNDLE_ROLES: Final = (ACTIVE, SHADOW, RESTING)
_B = BUNDLES.c


class Bundles(Database):
    """Keeps the bundles of the service.

    One has ``bundle`` (its name), ``path``, ``role`` (of `BUNDLE_ROLES`), ``services`` (a list; None: all),
    ``document`` (facts about it, a JSON object), ``added_at`` and ``changed_at`` (microseconds).
    """

    def add_bundle(
        self,
        bundle: str,
        path: str,
        *,
        role: str = RESTING,
        services: Sequence[str] | None = None,
        document: Mapping[str, Any] | None = None,
    ) -> None:
        """Store a bundle, in place of the one with its name."""
        now = self._clock()
        row = {
            "bundle": self._texts.name(bundle),
            "path": self._texts.clean(path),
            "role": _role(role),
            "services": None if services is None else self._texts.document(list(services)),
            "document": self._texts.document(document or {}),
            "added_at": now,
            "changed_at": now,
        }
        with self.changing() as connection:
            upsert(connection, BUNDLES, [row], keep=("added_at",))

    def set_bundle_role(self, bundle: str, role: str, *, services: Sequence[str] | None = None) -> None:
        """Note what a bundle does from now on, and for which services; None: all. Raises `QueryError` for no bundle."""
        changes = {"role": _role(role), "services": None if services is None else self._texts.document(list(services))}
        with self.changing() as connection:
            change = update(BUNDLES).where(_B.bundle == asked_name(bundle))
            if not connection.execute(change.values(**changes, changed_at=self._clock())).rowcount:
                raise QueryError(f"There is no bundle '{bundle[:40]}' in the store.")

    def bundles(self) -> list[dict[str, Any]]:
        """All bundles, the last one added first."""
        with self.reading() as connection:
            rows = connection.execute(select(BUNDLES).order_by(_B.added_at.desc(), _B.bundle)).mappings().all()
        read = {"services": lambda text: None if text is None else orjson.loads(text), "document": orjson.loads}
        return [{name: read.get(name, lambda one: one)(value) for name, value in row.items()} for row in rows]


def _role(role: str) -> str:
    if role not in BUNDLE_ROLES:
        raise QueryError(f"A bundle is {', '.join(BUNDLE_ROLES)}, not '{role[:40]}'.")
    return role
