"""Provenance: how a bundle came about, in names that hold on every machine.

What a bundle says of its training must not name the machine. A path that the user gave relative stays as it is; of an
absolute one only the name remains.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from logradar.core.config import Config
from logradar.core.filenames import readable
from logradar.core.files import sha256_of
from logradar.sources.opening.opening import Opened

LISTED: Final = 1_000  # names of input files that a bundle keeps; their count is kept of any number


@dataclass(frozen=True)
class Invocation:
    """How a training was started: the ``command`` as text, and its config file by name and SHA-256.

    All are None for a call of the library that does not say.
    """

    command: str | None = None
    config: str | None = None
    config_sha256: str | None = None

    @classmethod
    def of(cls, command: str, config: Path | None) -> Invocation:
        """Of a command and its config file, which is read once more; one that is no file (a pipe) has no checksum."""
        if config is None:
            return cls(command)
        return cls(command, portable(config), sha256_of(config) if config.is_file() else None)

    def to_json(self) -> dict[str, Any]:
        """As it is kept in a bundle."""
        config = {"name": self.config, "sha256": self.config_sha256} if self.config is not None else None
        return {"command": self.command, "config": config}


def portable(path: str | Path) -> str:
    """A path as text without the place of the machine that it is in: a relative one as it is, else its name.

    >>> portable("logs/app.log"), portable("/srv/joe/app.log"), portable("/")
    ('logs/app.log', 'app.log', '/')
    """
    path = Path(path)
    return readable((path.name or path.anchor) if path.is_absolute() else str(path))


def portable_text(text: str) -> str:
    """A text of unknown meaning: one that is a path of this machine as `portable` gives it, any other as it is.

    >>> portable_text("/no-such-place/([0-9]+)/")
    '/no-such-place/([0-9]+)/'
    >>> portable_text("/dev/shm/labels.csv")
    'labels.csv'
    """
    path = Path(text)
    own = path.is_absolute() and len(path.parts) > 1 and Path(*path.parts[:2]).exists()
    return portable(path) if own else readable(text)


def settings_given(settings: Config) -> dict[str, Any]:
    """The settings that were set, by file, command line or program, as JSON values; defaults are left out."""
    return {name: _plain(value) for name, value in settings.model_dump(exclude_unset=True).items()}


def files_of(opened: Opened) -> dict[str, Any]:
    """Which files of an input were chosen, by which settings, and what was read: at most `LISTED` names."""
    chosen, files = opened.requested, opened.files
    names = _names(opened)
    return {
        "input": "stdin" if opened.spec == "-" else portable(opened.spec),
        "limit_files": chosen.limit_files,
        "since": chosen.since.isoformat() if chosen.since else None,
        "until": chosen.until.isoformat() if chosen.until else None,
        "count": len(files),
        "bytes": opened.size,
        "names": names,
    }


def _names(opened: Opened) -> list[str]:
    """The first files by the paths that the user gave, or below the folder that they have in common."""
    files = opened.files
    folder = Path(opened.spec)
    if not folder.is_dir():
        folders = [str(file.absolute().parent) for file in files]
        folder = Path(os.path.commonpath(folders)) if folders else folder
    names = []
    for file in files[:LISTED]:
        own = opened.name(file)
        if own != readable(str(file)):  # a pipe has a name of its own
            names.append(portable(own))
        elif file.is_absolute() and file.is_relative_to(folder):
            names.append(readable(file.relative_to(folder).as_posix()))
        else:
            names.append(portable(file))
    return names


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(below) for key, below in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return portable(value)
    if isinstance(value, date):
        return value.isoformat()
    return value
