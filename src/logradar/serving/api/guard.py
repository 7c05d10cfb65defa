"""Guard: who asks, and whether they may.

A program shows its key with every request; a browser shows it once and gets a signed cookie, and then a token with
every form. Without `auth` whoever reaches the service may do everything, which is why it then listens at loopback.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import anyio.to_thread
from fastapi import HTTPException, Request
from fastapi.responses import Response

from logradar.serving.api.cookies import COOKIE, CSRF_FIELD, CSRF_HEADER, HOURS, Cookies
from logradar.serving.api.failures import Failures
from logradar.serving.api.key_text import ADMIN, SCOPES, hash_of, number_of
from logradar.serving.ingest.presented_key import presented_key
from logradar.serving.store.keys import ApiKey
from logradar.serving.store.store import Store

USED: Final = "keys_used"  # what the store remembers: when each key was used last
_FRESH: Final = 1.0  # seconds that an answer of the store holds; a key revoked by another process opens so long
_NOTED: Final = 60.0  # seconds between two notes of when keys were used
_KEPT: Final = 10_000  # keys that are remembered at most
_SAFE: Final = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Principal:
    """Who asks: the name of a key, what it may, and its number; None without `auth`."""

    name: str
    scopes: frozenset[str]
    key_id: int | None = None

    def may(self, scope: str) -> bool:
        """Whether they may do what needs this scope; `admin` may do everything."""
        return scope in self.scopes or ADMIN in self.scopes


LOCAL: Final = Principal("local", frozenset(SCOPES))
Dependency = Callable[[Request], Awaitable[Principal]]


class Guard:
    """Finds out who sends a request. ``secret`` signs cookies; without ``enabled`` everybody is `LOCAL`."""

    def __init__(self, store: Store, enabled: bool, *, secret: bytes = b"") -> None:
        self._store, self.enabled = store, enabled
        self._cookies = Cookies(secret or secrets.token_bytes(32))
        self.failures = Failures()
        self._known: dict[str, tuple[ApiKey, float]] = {}  # by hash: the key, and when the store was asked
        self._used: dict[int, int] = {}
        self._noted = time.monotonic()

    def require(self, scope: str) -> Dependency:
        """A dependency of FastAPI (or any ``await call(request)``) that returns who asks.

        It raises `HTTPException` with status 401 without a key, 403 without the scope or the token of a form, and 429
        after many failed attempts.
        """
        if scope not in SCOPES:
            raise ValueError(scope)

        async def required(request: Request) -> Principal:
            found = await self.principal(request)
            if found is None:
                raise HTTPException(
                    401,
                    "This needs a key: send 'Authorization: Bearer lr_…'. `logradar serve --new-key NAME` makes one.",
                    {"WWW-Authenticate": 'Bearer realm="logradar"'},
                )
            if not found.may(scope):
                raise HTTPException(403, f"The key '{found.name}' does not have the scope '{scope}' that this needs.")
            request.state.principal = found
            return found

        required.logradar_scope = scope  # type: ignore[attr-defined]  # a test looks for it at every route
        return required

    async def principal(self, request: Request) -> Principal | None:
        """Who sends this request; None where no valid key or cookie comes with it.

        Raises `HTTPException` with status 429 after many failed attempts, and 403 for a form without its token.
        """
        if not self.enabled:
            return LOCAL
        secret = presented_key(request.headers)
        if secret is not None:
            return await self._of_secret(request, secret)
        cookie = request.cookies.get(COOKIE)
        if cookie is None:
            return None
        number = self._cookies.number_of(cookie)
        key = None if number is None else await anyio.to_thread.run_sync(self._by_number, number)
        if key is None:
            return None
        if request.method not in _SAFE and not self._cookies.fits(cookie, await _token(request)):
            raise HTTPException(403, "The form is too old, or comes from another site: load the page again.")
        return self._principal(key)

    async def sign_in(self, request: Request, secret: str) -> str:
        """The cookie for a browser that has shown a key. Raises `HTTPException` 401 where it is none, and 429."""
        found = await self._of_secret(request, secret.strip())
        if found is None or found.key_id is None:
            raise HTTPException(401, "This is no key of this service, or it was revoked.")
        return self._cookies.new(found.key_id)

    def token(self, request: Request) -> str:
        """The token that forms of the page send as ``csrf_token`` or in the header ``X-CSRF-Token``."""
        cookie = request.cookies.get(COOKIE)
        return "" if cookie is None or not self.enabled else self._cookies.token(cookie)

    def set_cookie(self, request: Request, response: Response, cookie: str) -> None:
        """Give the browser its cookie; scripts cannot read it, other sites cannot send it."""
        secure = request.url.scheme == "https"
        response.set_cookie(
            COOKIE, cookie, max_age=HOURS * 3600, path="/", secure=secure, httponly=True, samesite="strict"
        )

    def clear_cookie(self, response: Response) -> None:
        """Let the browser forget its cookie."""
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")

    def forget(self) -> None:
        """Ask the store about every key anew: for the one who has revoked one."""
        self._known.clear()

    def used(self) -> dict[int, int]:
        """When each key was used last, in microseconds, as far as it is known."""
        stored = {int(number): at for number, at in (self._store.meta(USED) or {}).items()}
        return stored | {number: max(at, stored.get(number, 0)) for number, at in list(self._used.items())}

    async def _of_secret(self, request: Request, secret: str) -> Principal | None:
        address = request.client.host if request.client else ""
        digest = hash_of(secret)
        known = self._known.get(digest)
        if known is not None and time.monotonic() - known[1] < _FRESH:
            return self._principal(known[0])
        if known is None and (wait := self.failures.wait(address)):
            raise HTTPException(429, f"Too many failed attempts; try again in {wait} s.", {"Retry-After": str(wait)})
        number = number_of(secret)
        key = None if number is None else await anyio.to_thread.run_sync(self._store.key_by_hash, digest)
        if key is None or key.key_id != number:
            self._known.pop(digest, None)
            self.failures.add(address)
            return None
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[digest] = key, time.monotonic()
        if time.monotonic() - self._noted > _NOTED:
            self._noted = time.monotonic()
            await anyio.to_thread.run_sync(self._note)
        return self._principal(key)

    def _principal(self, key: ApiKey) -> Principal:
        self._used[key.key_id] = time.time_ns() // 1_000
        return Principal(key.name, key.scopes, key.key_id)

    def _by_number(self, number: int) -> ApiKey | None:
        keys = self._store.keys()
        return next((one for one in keys if one.key_id == number and one.revoked_at is None), None)

    def _note(self) -> None:
        found = self.used()
        with self._store.writing() as writing:
            writing.meta(USED, {str(number): at for number, at in found.items()})


async def _token(request: Request) -> str:
    """The token that came with a form, in a header or as a field."""
    said: Any = request.headers.get(CSRF_HEADER)
    if said is None and request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        said = (await request.form()).get(CSRF_FIELD)
    return said if isinstance(said, str) else ""
