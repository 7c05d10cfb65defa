"""Shelf: copies of all bundles that the service works with, so that the log can be read again with the same ones."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from logradar.core.bundle import verify
from logradar.core.errors import BundleError
from logradar.core.locks import locked
from logradar.model.bundle import Bundle


class Shelf:
    """Copies in ``folder``, each named by its name and by what it is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, name: str, source: Path, *, change: Callable[[Path], object] = lambda copy: None) -> Path:
        """Copy a bundle, let ``change`` amend the copy, and return where it is.

        Raises `BundleError` for what is no bundle or of another version, and whatever ``change`` raises; then nothing
        is kept.
        """
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=self._folder))
        try:
            copy = draft / "bundle"
            with locked(source, exclusive=False):
                if not source.is_dir():
                    raise BundleError(f"'{source}' is not a bundle. `logradar train` writes bundles.")
                verify(source)  # before it is copied: any folder may be named, of any size
                try:
                    shutil.copytree(source, copy)
                except shutil.Error as error:
                    raise BundleError(f"'{source}' cannot be copied ({error.args[0][0][2]}).") from None
            change(copy)
            identity = Bundle.load(copy).identity
            number = 1
            while (place := self._folder / f"{name}-{identity}-{number}").exists():
                if _same(place, copy):
                    return place
                number += 1
            copy.rename(place)
            return place
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def forget(self, used: set[Path], *, before: float) -> int:
        """Delete the copies from before a moment (seconds since 1970) that are not among ``used``; returns how many."""
        old = [
            place for place in self._folder.iterdir()
            if place.is_dir() and place not in used and place.stat().st_ctime < before
        ]  # fmt: skip
        for place in old:
            shutil.rmtree(place, ignore_errors=True)
        return len(old)


def _same(one: Path, other: Path) -> bool:
    """Whether two bundles have equal files."""
    names = [
        sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file()) for folder in (one, other)
    ]
    return names[0] == names[1] and all((one / name).read_bytes() == (other / name).read_bytes() for name in names[0])
