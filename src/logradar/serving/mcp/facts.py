"""Facts: where answers come from: a service over HTTP, or the folder of one."""

from __future__ import annotations

import json
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode, urlsplit

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from logradar.core.errors import ConfigError, InputError
from logradar.serving.api.sessions import session_document
from logradar.serving.detection.lines import LineStore
from logradar.serving.store import migrations
from logradar.serving.store.database import now_us
from logradar.serving.store.paging import Page
from logradar.serving.store.store import Store

_SECONDS: Final = 60.0
_LARGEST: Final = 32 << 20  # bytes of an answer


class Facts(Protocol):
    """What the tools ask for. Each answer is that of the API at the same path."""

    def get(self, path: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON answer at a path below ``/api/v1``. Raises `InputError` with a sentence."""


class OverHttp:
    """A service at ``url``; ``key`` opens it where it has keys."""

    def __init__(self, url: str, key: str | None) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ConfigError(f"'{url[:100]}' is no address of a service; write it as http://127.0.0.1:8514.")
        self._base = f"{url.rstrip('/')}/api/v1"
        self._headers = {"Accept": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
        self._opener = urllib.request.build_opener(_NoRedirects())

    def get(self, path: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Ask the service."""
        query = urlencode({name: value for name, value in asked.items() if value is not None}, doseq=True)
        request = urllib.request.Request(
            f"{self._base}{quote(path)}{'?' if query else ''}{query}", headers=self._headers
        )
        try:
            with self._opener.open(request, timeout=_SECONDS) as answer:
                found: dict[str, Any] = json.loads(answer.read(_LARGEST))
                return found
        except urllib.error.HTTPError as error:
            raise InputError(_sentence(error)) from None
        except (OSError, ValueError) as error:
            raise InputError(f"The service at {self._base} does not answer ({error}).") from None


class InFolder:
    """The folder of a service, which is only read. Lines that a running service has not written yet are not there."""

    def __init__(self, home: Path) -> None:
        path = home / "store.db"
        if not path.is_file():
            raise ConfigError(f"'{home}' is no folder of a service: it has no store.db. Use --url for one elsewhere.")
        where = f"file:{quote(str(path.absolute()))}?mode=ro"
        engine = create_engine(
            "sqlite://", creator=lambda: sqlite3.connect(where, uri=True, check_same_thread=False, timeout=10)
        )
        self._store = Store(engine, f"'{path}'", now_us)
        with self._store.reading() as connection:
            _require_current(connection, path)
        self._lines = LineStore(home / "lines") if (home / "lines").is_dir() else None

    def get(self, path: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Ask the store."""
        given = {name: value for name, value in asked.items() if value is not None}
        noun, _, name = path.removeprefix("/").partition("/")
        if noun in ("incidents", "alerts") and name:
            found = self._store.incident(name) if noun == "incidents" else self._store.alert(name)
            if found is None:
                raise InputError(f"There is no {noun[:-1]} '{name[:60]}'.")
            return found
        if noun == "sessions":
            document = session_document(self._store, self._search, name, given.get("limit", 500))
            if not document["lines"] and not document["alerts"]:
                raise InputError(f"There is no session '{name[:60]}'.")
            return document
        if noun == "lines":
            return {"items": self._search(**given)}
        if noun == "services":
            return {"services": self._store.services(given.get("since", 0)), "edges": []}
        lists: dict[str, Callable[..., Page]] = {
            "incidents": self._store.incidents,
            "alerts": self._store.alerts,
            "templates": self._store.templates,
            "rate-changes": self._store.rate_changes,
        }
        page = lists[noun](**given)
        return {"items": page.items, "next_cursor": page.next_cursor}

    def _search(self, text: str = "", **asked: Any) -> list[dict[str, Any]]:
        if self._lines is None:
            return []
        self._lines.keep()  # a running service has written more meanwhile
        return self._lines.search(text, **asked)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A key is for one host."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


def _require_current(connection: Connection, path: Path) -> None:
    """Raise `ConfigError` for a store of another version: nobody brings it up to date by reading."""
    head = ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head()
    if MigrationContext.configure(connection).get_current_revision() != head:
        raise ConfigError(f"The store '{path}' is of another version of LogRadar; start `logradar serve` on it once.")


def _sentence(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read(_LARGEST))["detail"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"The service answers with status {error.code}."
