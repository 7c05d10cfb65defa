"""One file for the tests, and how they get it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from logradar.core.config import validated
from logradar.sources.download.fetching import Fetched, alone, fetch
from logradar.sources.download.settings import DownloadSettings

BODY = b"PK" + bytes(range(256)) * 8000  # about 2 MB that begin as a zip does
RIGHT = hashlib.sha256(BODY).hexdigest()
ETAG = '"one"'
HALF = 1_000_000


def get(folder: Path, *urls: str, sha256: str | None = RIGHT, size: int = 8 << 20, **more: object) -> Fetched:
    archive = {"urls": list(urls), "file": "a.zip", "sha256": sha256, "size": size}
    given = {"archives": {"a": archive}, "backoff": 0.0, "timeout": 5.0, "tries": 3, **more}
    settings = validated(DownloadSettings, given)
    folder.mkdir(exist_ok=True)
    with alone(folder / "a.zip"):
        return fetch("a", settings.archives["a"], folder, settings)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
