"""The secret that a request presents, however its client sends it.

Shippers differ: `Bearer` (OTLP), `Basic` (Loki), `ApiKey` (Elasticsearch), `Splunk` (HEC), or a header of its own. What
the secret is worth, others decide.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final

_PLAIN: Final = ("bearer", "splunk", "token")


def presented_key(headers: Mapping[str, str]) -> str | None:
    """The secret in the headers of a request (their names in any case, as those of Starlette), or None.

    Of `Basic` it is the password, or the name where the password is empty; of `ApiKey` the part behind the colon where
    id and key are sent together in base64, else all of it. ``Authorization`` comes before ``X-API-Key``.

    >>> presented_key({"authorization": "Basic bG9raTpzZWNyZXQ="}), presented_key({"x-api-key": "secret"})
    ('secret', 'secret')
    """
    scheme, _, rest = headers.get("authorization", "").strip().partition(" ")
    scheme, rest = scheme.lower(), rest.strip()
    if scheme == "basic":
        name, _, password = _pair(rest) or ("", "", "")
        return password or name or None
    if scheme == "apikey" and rest:
        pair = _pair(rest)
        return pair[2] if pair and pair[2] else rest
    if scheme in _PLAIN and rest:
        return rest
    return headers.get("x-api-key", "").strip() or None


def _pair(text: str) -> tuple[str, str, str] | None:
    """Name, colon and secret of base64; None for what is no such pair."""
    try:
        plain = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    found = plain.partition(":")
    return found if found[1] and plain.isprintable() else None
