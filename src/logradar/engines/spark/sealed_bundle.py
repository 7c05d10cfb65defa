"""Sealed bundle: the bundle that a driver means, loaded once in each process of a worker."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from logradar.core.errors import BundleError
from logradar.model.bundle import Bundle


@dataclass(frozen=True)
class SealedBundle:
    """The folder of a bundle, and a hash of what is in it: its manifest, and what people said since."""

    folder: Path
    seal: str

    @classmethod
    def of(cls, folder: Path) -> SealedBundle:
        """The bundle as it is now."""
        return cls(folder.absolute(), _seal(folder))

    def load(self) -> Bundle:
        """The bundle. Raises `BundleError` where another one is in its place by now, or on this node."""
        return _loaded(self)


@lru_cache(2)
def _loaded(sealed: SealedBundle) -> Bundle:
    if _seal(sealed.folder) != sealed.seal:
        raise BundleError(f"The bundle '{sealed.folder}' has changed, or is another one on this node; start again.")
    return Bundle.load(sealed.folder)


def _seal(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.json")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
