"""API keys: who may ask what; only a hash of a key is stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from logradar.serving.store.database import Database
from logradar.serving.store.errors import QueryError
from logradar.serving.store.paging import require_range
from logradar.serving.store.schema import API_KEYS
from logradar.serving.store.texts import asked_name

_K = API_KEYS.c


@dataclass(frozen=True)
class ApiKey:
    """A key without its secret; times are microseconds, ``revoked_at`` is None while it holds."""

    key_id: int
    name: str
    scopes: frozenset[str]
    created_at: int
    revoked_at: int | None


class Keys(Database):
    """Keeps API keys by the hash of their secret."""

    def add_key(self, name: str, scopes: Iterable[str], key_hash: str) -> ApiKey:
        """Store a key. Raises `QueryError` where there is one with this hash already."""
        row = {
            "name": self._texts.name(name),
            "key_hash": asked_name(key_hash),
            "scopes": self._texts.document(sorted(set(scopes))),
            "created_at": self._clock(),
        }
        with self.changing() as connection:
            try:
                added = connection.execute(API_KEYS.insert().returning(API_KEYS), row).one()
            except IntegrityError:
                raise QueryError("There is a key with this secret already: make another one.") from None
        return _key(added)

    def key_by_hash(self, key_hash: str) -> ApiKey | None:
        """The key with this hash, unless it is revoked or not known."""
        query = select(API_KEYS).where(_K.key_hash == asked_name(key_hash), _K.revoked_at.is_(None))
        with self.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _key(row)

    def keys(self) -> list[ApiKey]:
        """All keys, revoked ones too, in the order in which they were made."""
        with self.reading() as connection:
            return [_key(row) for row in connection.execute(select(API_KEYS).order_by(_K.id))]

    def revoke_key(self, key_id: int) -> None:
        """From now on the key opens nothing. Raises `QueryError` where there is none with this number."""
        require_range(key_id, "key_id")
        with self.changing() as connection:
            if connection.scalar(select(_K.id).where(_K.id == key_id)) is None:
                raise QueryError(f"There is no key with the number {key_id}.")
            holds = (_K.id == key_id, _K.revoked_at.is_(None))
            connection.execute(update(API_KEYS).where(*holds).values(revoked_at=self._clock()))


def _key(row: Any) -> ApiKey:
    return ApiKey(row.id, row.name, frozenset(orjson.loads(row.scopes)), row.created_at, row.revoked_at)
