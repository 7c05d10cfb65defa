"""Keys as texts: ``lr_<number>_<secret>``, made here, and stored nowhere but as a hash."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from typing import Final

from logradar.core.errors import ConfigError, did_you_mean
from logradar.serving.store.keys import ApiKey, Keys

INGEST: Final = "ingest"
READ: Final = "read"
WRITE: Final = "write"
ADMIN: Final = "admin"
SCOPES: Final = (INGEST, READ, WRITE, ADMIN)
_SECRET_BYTES: Final = 32
_FORM: Final = re.compile(r"lr_([1-9][0-9]{0,17})_([0-9a-f]{64})")


def new_key(store: Keys, name: str, scopes: Collection[str]) -> tuple[ApiKey, str]:
    """Store a new key; returns what is stored and the text of the key, which nobody can read again.

    Raises `ConfigError` for scopes that do not exist.
    """
    if not name.strip():
        raise ConfigError("A key needs a name that says whose it is.")
    if not scopes:
        raise ConfigError(f"A key needs a scope: {', '.join(SCOPES)}.")
    for scope in scopes:
        if scope not in SCOPES:
            raise ConfigError(f"There is no scope '{scope[:40]}'; {did_you_mean(scope[:40], SCOPES)}")
    while True:
        known = store.keys()
        number = max((one.key_id for one in known), default=0) + 1
        text = f"lr_{number}_{secrets.token_hex(_SECRET_BYTES)}"
        key = store.add_key(name, scopes, hash_of(text))
        if key.key_id == number:
            return key, text
        store.revoke_key(key.key_id)  # another one was made at the same moment and has the number in the text


def hash_of(text: str) -> str:
    """SHA-256 of a key. A secret of 256 random bits needs no slow hash: nobody can guess it.

    >>> hash_of("lr_1_ab")[:8]
    '2b3de754'
    """
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def number_of(text: str) -> int | None:
    """The number in a text that has the form of a key; None for any other text.

    >>> number_of("lr_12_" + "0" * 64), number_of("secret")
    (12, None)
    """
    found = _FORM.fullmatch(text)
    return None if found is None else int(found[1])
