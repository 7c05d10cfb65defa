"""Fetching takes one archive: the file that is there, or the bytes of the first mirror that gives the right ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from logradar.core.errors import InputError
from logradar.core.files import sha256_of
from logradar.core.locks import claimed
from logradar.core.progress import say
from logradar.sources.download.addresses import host_of
from logradar.sources.download.incoming import Fault
from logradar.sources.download.part import Part
from logradar.sources.download.receiving import receive
from logradar.sources.download.settings import ArchiveSettings, DownloadSettings

_STEP: Final = 1 << 20  # new bytes after which tries are counted anew
_LONGEST: Final = 60.0  # seconds between two tries
_BEGINNINGS: Final = {".zip": b"PK", ".gz": b"\x1f\x8b", ".tgz": b"\x1f\x8b"}


class NoMirrorError(InputError):
    """No mirror sent any reply. ``offline``: because there is no network, as far as it looks; ``kept``: what came."""

    def __init__(self, text: str, offline: bool, kept: str) -> None:
        super().__init__(text)
        self.offline, self.kept = offline, kept


class WrongBytes(Fault):
    """A mirror gave a whole file with another digest."""


@dataclass(frozen=True)
class Fetched:
    """An archive on disk. ``mirror`` is None where it was there already; ``resumed`` are bytes of earlier calls."""

    file: Path
    bytes: int
    sha256: str
    verified: bool
    mirror: str | None = None
    resumed: int = 0


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Nobody else writes ``file``, which may be a folder, inside the block. Raises `StateError` where somebody does."""
    with claimed(file.parent, f".{file.name}.lock", left=False):
        yield


def fetch(name: str, archive: ArchiveSettings, folder: Path, settings: DownloadSettings) -> Fetched:
    """The archive ``name`` in ``folder``, for a caller who is `alone` with it.

    Raises `InputError` with a way out: for a file with another digest, and where no mirror gives the right bytes
    (`NoMirrorError` where none answers).
    """
    file = folder / archive.filename
    part = Part(file)
    if file.exists():
        found = _placed(name, archive, file)
        part.discard()
        return found
    faults: dict[str, Fault] = {}
    for url in archive.urls:
        try:
            _from(url, part, archive, settings)
        except Fault as fault:
            faults[url] = fault
            if url != archive.urls[-1]:
                say(f"{host_of(url)}: {fault}; the next mirror is tried.")
            continue
        if file.exists():  # a person has placed it meanwhile
            return _placed(name, archive, file)
        proven = archive.digest is not None
        fetched = Fetched(file, part.size, part.sha256(), proven, host_of(url), part.earlier)
        part.keep()
        return fetched
    raise _failed(name, archive, part, faults)


def _placed(name: str, archive: ArchiveSettings, file: Path) -> Fetched:
    if not file.is_file():
        raise InputError(f"'{file}' is no file, and the archive has this name; move it away or choose another folder.")
    digest = sha256_of(file)
    if archive.digest not in (None, digest):
        raise InputError(
            f"'{file}' is there, but its SHA-256 is {digest}, and {archive.digest} is expected. Delete the file to "
            f"download it again, put the right one into its place, or, if you trust it, set "
            f"archives.{name}.sha256={digest}."
        )
    return Fetched(file, file.stat().st_size, digest, archive.digest is not None)


def _from(url: str, part: Part, archive: ArchiveSettings, settings: DownloadSettings) -> None:
    """Try one mirror until the part is whole and right. Raises the last `Fault`."""
    failed, furthest, before, came = 0, part.size, part.size, False
    while True:
        resumed = part.size > 0
        try:
            sure = receive(url, part, archive, settings)
            fault = _wrong(part, archive, again=resumed or not sure)
        except Fault as met:
            fault = met
            came = came or part.size != before
            if part.size and archive.digest == part.sha256():  # the mirror promised more than there is
                return
        if fault is None:
            return
        if fault.offline and not came:
            raise fault
        failed = 0 if part.size >= furthest + _STEP else failed + 1
        furthest = max(furthest, part.size)
        if not fault.again or failed >= settings.tries:
            raise fault
        pause = min(max(fault.wait, settings.backoff * 2 ** min(max(failed - 1, 0), 10)), _LONGEST)
        say(f"{host_of(url)}: {fault}; tried again in {pause:g} s.")
        time.sleep(pause)


def _wrong(part: Part, archive: ArchiveSettings, again: bool) -> Fault | None:
    """What is wrong with a part that seems whole, which is forgotten then; None where it is right.

    It is tried ``again`` where the mistake may lie in bytes that came earlier, or in an end that was a cut.
    """
    begins = _BEGINNINGS.get(part.file.suffix.lower(), b"") if archive.digest is None else b""
    wrong: Fault | None = None
    if not part.size:
        wrong = Fault("it sends no bytes", again=again)
    elif archive.digest not in (None, digest := part.sha256()):
        text = f"what it sends has the SHA-256 {digest}, and {archive.digest} is expected"
        wrong = WrongBytes(text, again=again)
    elif part.head(len(begins)) != begins:
        wrong = Fault(f"what it sends is no {part.file.suffix} file", again=again)
    if wrong is not None:
        part.discard()
    return wrong


def _failed(name: str, archive: ArchiveSettings, part: Part, faults: dict[str, Fault]) -> InputError:
    """The error after all mirrors have failed: what each of them did, and what to do."""
    told = "; ".join(f"{host_of(url)}: {fault}" for url, fault in faults.items())
    kept = "Nothing is kept."
    if part.size:
        kept = f"'{part.path}' keeps the {part.size:,} bytes that came; the same command goes on from there."
    if not any(fault.answered for fault in faults.values()):
        return NoMirrorError(told, all(fault.offline for fault in faults.values()), kept if part.size else "")
    asked = f"archives.{name}"
    wrong = any(isinstance(fault, WrongBytes) for fault in faults.values())
    trust = f", set {asked}.sha256 to that digest if you trust what comes" if wrong else ""
    return InputError(
        f"'{part.file.name}' could not be downloaded ({told}). {kept} Try later, name another mirror with "
        f"{asked}.urls=[URL]{trust}, or put the right file into '{part.file.parent}' by hand."
    )
