"""Downloading: archives by name into a folder, and where no mirror answers the data that is there already."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from logradar.core.errors import ConfigError, InputError, did_you_mean
from logradar.core.filenames import plain, readable
from logradar.core.outputs import require_output
from logradar.sources.download.fetching import Fetched, NoMirrorError, alone, fetch
from logradar.sources.download.settings import ArchiveSettings, DownloadSettings
from logradar.sources.download.unpacking import Unpacked, is_packed, unpack
from logradar.sources.opening.files import data_folder, find_dataset


@dataclass(frozen=True)
class Served:
    """A named data set that is there already and serves in the place of an archive."""

    name: str
    folder: Path
    files: list[Path]


def download(
    names: Iterable[str], folder: Path, settings: DownloadSettings, *, data_dir: Path | None = None
) -> dict[str, Any]:
    """Get the archives ``names`` into ``folder`` and return the document of ``download --json``.

    The archive ``hdfs`` becomes the file of its `filename`, and its members go into ``folder / "hdfs"``, which makes
    ``folder`` a data folder. Where no mirror answers, a named data set below ``data_dir`` (or LOGRADAR_DATA) serves.
    Raises `InputError` where an archive cannot be had, and `ConfigError` for a name that is not known.
    """
    wanted = list(dict.fromkeys(names))
    if not wanted:
        raise ConfigError(f"Name the archives to download; known are: {', '.join(sorted(settings.archives))}.")
    for name in wanted:
        if name not in settings.archives:
            raise ConfigError(f"There is no archive named '{name}'; {did_you_mean(name, settings.archives)}")
    data_folder(data_dir)
    require_output(folder)
    new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        done = [_one(name, settings.archives[name], folder, settings, data_dir) for name in wanted]
    finally:
        if new and not any(folder.iterdir()):
            folder.rmdir()
    return {"output": _text(folder), "archives": done}


def _one(
    name: str, archive: ArchiveSettings, folder: Path, settings: DownloadSettings, data_dir: Path | None
) -> dict[str, Any]:
    file = folder / archive.filename
    with alone(file), alone(folder / name):
        try:
            fetched = fetch(name, archive, folder, settings)
        except NoMirrorError as error:
            return _instead(name, archive, file, error, data_dir)
        unpacked = None
        if settings.unpack and is_packed(file):
            unpacked = unpack(file, folder / name, archive.members, settings.limits)
    served = _served(archive, folder)
    notes = [*_on_file(name, fetched), *_on_members(file, settings, unpacked), *_on_use(served, folder)]
    return {
        "name": name,
        "state": "downloaded" if fetched.mirror else "present",
        "file": _text(file),
        "bytes": fetched.bytes,
        "sha256": fetched.sha256,
        "verified": fetched.verified,
        "mirror": fetched.mirror,
        "resumed": fetched.resumed,
        "folder": _text(unpacked.folder) if unpacked else None,
        "files": unpacked.files if unpacked else [],
        "dataset": served.name if served else None,
        "notes": list(map(plain, notes)),
    }


def _instead(
    name: str, archive: ArchiveSettings, file: Path, error: NoMirrorError, data_dir: Path | None
) -> dict[str, Any]:
    """What serves where no mirror answers. Raises `InputError` where nothing does."""
    given = data_folder(data_dir)
    places = [place for place in (given, file.parent) if place]
    place, served = next(((one, found) for one in places if (found := _served(archive, one))), (given, None))
    why = f"There seems to be no network ({error})" if error.offline else f"No mirror answers ({error})"
    if served is None:
        sets = " or ".join(f"'{one}'" for one in archive.datasets) or f"what '{name}' holds"
        missing = f"'{place}' does not have {sets}" if place else f"no data folder is known that has {sets}"
        raise InputError(
            f"{why}, and {missing}: put '{file.name}' into '{file.parent}' by hand, name another mirror with "
            f"archives.{name}.urls=[URL], or give a data folder (--data-dir, LOGRADAR_DATA). {error.kept}".rstrip()
        )
    command = ["logradar", "train", served.name, *(["--data-dir", str(place)] if data_dir or place != given else [])]
    return {
        "name": name,
        "state": "elsewhere",
        "file": None,
        "bytes": 0,
        "sha256": None,
        "verified": False,
        "mirror": None,
        "resumed": 0,
        "folder": _text(served.folder),
        "files": [_text(one) for one in served.files],
        "dataset": served.name,
        "notes": [
            plain(
                f"{why}; the folder '{place}' has '{served.name}' ({served.files[0].name}), so `{shlex.join(command)}` "
                "works without the download."
            )
        ],
    }


def _served(archive: ArchiveSettings, folder: Path) -> Served | None:
    """The first of the data sets of an archive that is complete below ``folder``."""
    for name in archive.datasets:
        found = find_dataset(name, folder)
        if found is not None and found.files and all(file.is_file() for file in found.files):
            files = [*found.files, *([found.labels] if found.labels else [])]
            return Served(name, files[0].parent, files)
    return None


def _text(path: Path) -> str:
    """A path in a document; a name may hold bytes that are no text."""
    return readable(str(path))


def _on_file(name: str, fetched: Fetched) -> list[str]:
    size = f"{fetched.bytes / 1e6:,.1f} MB" if fetched.bytes >= 1e5 else f"{fetched.bytes:,} bytes"
    if fetched.mirror:
        how = f"'{fetched.file}' ({size}) comes from {fetched.mirror}"
        how += f"; {fetched.resumed:,} bytes were there from an earlier call" if fetched.resumed else ""
    else:
        how = f"'{fetched.file}' ({size}) was there already, so no mirror was asked"
    if fetched.verified:
        return [f"{how}. Its SHA-256 is as expected."]
    return [
        f"{how}.",
        f"Its SHA-256 is {fetched.sha256}. Nothing vouches for the file: no digest is set to compare it with. If you "
        f"trust it, keep archives.{name}.sha256={fetched.sha256} in a config.",
    ]


def _on_members(file: Path, settings: DownloadSettings, unpacked: Unpacked | None) -> list[str]:
    if unpacked is None:
        return [f"'{file.name}' is no archive that is unpacked (.zip, .tar.gz, .tgz, .gz)."] if settings.unpack else []
    count = len(unpacked.files)
    files = "1 file is" if count == 1 else f"{count:,} files are"
    before = f", {unpacked.kept:,} of them from before" if unpacked.kept else ""
    missing = f" No member fits {', '.join(unpacked.unmatched)}." if unpacked.unmatched else ""
    return [f"{files} unpacked in '{unpacked.folder}'{before}.{missing}"]


def _on_use(served: Served | None, folder: Path) -> list[str]:
    if served is None:
        return []
    return [f"`{shlex.join(['logradar', 'train', served.name, '--data-dir', str(folder)])}` reads it."]
