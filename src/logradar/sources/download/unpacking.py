"""Unpacking writes the members of an archive into a folder: all of them or none, and nothing is overwritten."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from logradar.core.errors import InputError
from logradar.core.files import named_as
from logradar.core.progress import Progress
from logradar.sources.download.members import ENDINGS, Member, members
from logradar.sources.download.settings import UNFINISHED, UnpackLimits

_TOKEN: Final = 4  # bytes


@dataclass
class Unpacked:
    """What of an archive is in ``folder`` now: names of files, how many bytes, and how many were there before."""

    folder: Path
    files: list[str] = field(default_factory=list)
    bytes: int = 0
    kept: int = 0
    unmatched: list[str] = field(default_factory=list)  # globs that fit no member


def is_packed(file: Path) -> bool:
    """Whether the name of a file is that of an archive which can be unpacked."""
    return file.name.lower().endswith(ENDINGS)


def unpack(file: Path, folder: Path, globs: Sequence[str], limits: UnpackLimits) -> Unpacked:
    """Write the members of ``file`` that fit one of ``globs`` into ``folder``.

    A file that is there with the same bytes is kept; one with others is an `InputError`. The new files are written
    beside the folder first and take their places when the whole archive has been read.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"'{folder}' is no folder, and '{file.name}' is unpacked there; move it away.")
    beside = folder.resolve().parent  # of a link: on the disk that it leads to
    beginning = f".{folder.name}-unpacking-"
    for stale in beside.glob(f"{beginning}*{UNFINISHED}"):  # of a call that was killed
        shutil.rmtree(stale, ignore_errors=True)
    draft = beside / f"{beginning}{secrets.token_hex(_TOKEN)}{UNFINISHED}"
    done = Unpacked(folder)
    matched: set[str] = set()
    try:
        draft.mkdir()
        with named_as(draft, folder), Progress(f"unpacking {file.name}", unit="B") as bar:
            for member in members(file, limits):
                fitting = {glob for glob in globs if fnmatchcase(member.name, glob)}
                matched |= fitting
                if fitting:
                    _write(member, draft, done, bar)
        if not done.files:
            raise InputError(
                f"'{file}' has no member that fits {', '.join(globs) or 'an empty list of globs'}; set `members` of "
                "the archive, or unpack=false."
            )
        _place(draft, folder, done)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    done.unmatched = [glob for glob in globs if glob not in matched]
    return done


def _write(member: Member, draft: Path, done: Unpacked, bar: Progress) -> None:
    place = done.folder / member.name
    done.files.append(member.name)
    if place.exists() or place.is_symlink():
        if not place.is_file() or not _same(member.bytes, place, done, bar):
            raise InputError(
                f"'{place}' is there and is not the one of the archive; move it away, or choose another folder."
            )
        done.kept += 1
        return
    for above in place.relative_to(done.folder).parents:
        if str(above) != "." and (done.folder / above).is_symlink():
            raise InputError(f"'{done.folder / above}' is a link, so nothing is unpacked into it; move it away.")
    new = draft / member.name
    new.parent.mkdir(parents=True, exist_ok=True)
    with new.open("xb") as out:
        for data in member.bytes:
            out.write(data)
            done.bytes += len(data)
            bar.advance(len(data))


def _same(pieces: Iterator[bytes], place: Path, done: Unpacked, bar: Progress) -> bool:
    with place.open("rb") as there:
        for data in pieces:
            if there.read(len(data)) != data:
                return False
            done.bytes += len(data)
            bar.advance(len(data))
        return not there.read(1)


def _place(draft: Path, folder: Path, done: Unpacked) -> None:
    if not folder.exists():
        draft.rename(folder)
        return
    for name in done.files:
        new = draft / name
        if new.exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            new.rename(folder / name)
