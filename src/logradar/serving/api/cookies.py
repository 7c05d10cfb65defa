"""Cookies of browsers: the number of a key and a time, signed; and the token that their forms send along."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from pathlib import Path
from typing import Final

from logradar.core.files import draft_of

COOKIE: Final = "logradar_session"
CSRF_HEADER: Final = "x-csrf-token"
CSRF_FIELD: Final = "csrf_token"
HOURS: Final = 12
_BYTES: Final = 32
_LONGEST: Final = 200


class Cookies:
    """Signs and reads cookies with a secret of this service."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def new(self, number: int) -> str:
        """A cookie for who has shown the key of this number; it holds for twelve hours."""
        return self._signed(f"{number}.{int(time.time()) + HOURS * 3600}.{secrets.token_hex(8)}")

    def number_of(self, cookie: str) -> int | None:
        """The number of the key, or None where the cookie is not of this service, or too old."""
        text, _, _ = cookie.rpartition(".")
        if len(cookie) > _LONGEST or not cookie.isascii() or not hmac.compare_digest(self._signed(text), cookie):
            return None
        number, until, _ = text.split(".")
        return int(number) if int(until) > time.time() else None

    def token(self, cookie: str) -> str:
        """The token that a form has to send along with this cookie; other sites cannot know it."""
        return self._digest(f"form:{cookie}")

    def fits(self, cookie: str, token: str) -> bool:
        """Whether this is the token of the cookie."""
        return token.isascii() and hmac.compare_digest(self.token(cookie), token)

    def _signed(self, text: str) -> str:
        return f"{text}.{self._digest(f'cookie:{text}')}"

    def _digest(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()


def secret_in(path: Path) -> bytes:
    """The secret in a file that only its owner can read; it is made where there is none."""
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        found = b""
    if len(found) != _BYTES:
        found = secrets.token_bytes(_BYTES)
        with draft_of(path) as draft:
            draft.touch(mode=0o600)
            draft.write_bytes(found)
            draft.chmod(0o600)
    return found
