"""Receiving is one try: ask a mirror for a file, or for its rest, and add what comes to the part."""

from __future__ import annotations

import re
from typing import Final

from logradar.core.progress import Progress
from logradar.sources.download.addresses import host_of
from logradar.sources.download.incoming import Fault, Incoming, asked
from logradar.sources.download.part import Part, Version
from logradar.sources.download.settings import ArchiveSettings, DownloadSettings

_PIECE: Final = 1 << 18
_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_NO_RANGE: Final = re.compile(r"bytes \*/(\d{1,18})")


def receive(url: str, part: Part, archive: ArchiveSettings, settings: DownloadSettings) -> bool:
    """Ask ``url`` once and add to ``part``. False where nothing but the end of the connection says that it is whole.

    The rest alone is asked for where it can be of no other version. Raises `Fault` where the try failed, and `OSError`
    where the disk does not take the bytes.
    """
    if part.whole:
        return True
    rest = _rest(url, part, archive.digest is not None)
    with asked(url, rest, settings) as incoming:
        if incoming.status == 200:
            _require_bounded(incoming.length, archive, part)
            with part.writing(Version.of(url, incoming.headers, incoming.length)):
                _take(incoming, incoming.length, part, archive, host_of(url))
        elif incoming.status == 206 and rest:
            count, total = _count(url, incoming, part)
            _require_bounded(part.size + count if total is None else total, archive, part)
            with part.writing():
                _take(incoming, count, part, archive, host_of(url))
            if total is not None and part.size < total:
                raise Fault(f"it sends {part.size:,} of {total:,} bytes")
        elif incoming.status == 416 and rest:
            found = _NO_RANGE.fullmatch(incoming.headers.get("Content-Range") or "")
            if found is None or int(found[1]) != part.size:
                part.discard()
                raise Fault("it has no rest of what has come")
        else:
            raise incoming.fault()
        return incoming.ends_surely or incoming.status == 416


def _rest(url: str, part: Part, proven: bool) -> dict[str, str]:
    """The headers that ask for the rest alone; none where it has to be the whole file.

    A mirror that gave a mark of its version is asked for the rest of that one. Without a mark, and at another mirror,
    the rest is only asked for where a digest will prove the whole, and the lengths can be compared.
    """
    version = part.version
    if version is None or not part.size:
        return {}
    from_there = {"Range": f"bytes={part.size}-"}
    if version.url == url and version.mark:
        return {**from_there, "If-Range": version.mark}
    return from_there if proven and version.total is not None else {}


def _count(url: str, incoming: Incoming, part: Part) -> tuple[int, int | None]:
    """How many bytes a 206 brings, and how many there are in all.

    Raises `Fault`, and forgets the part, where they are not the rest of it.
    """
    found = _RANGE.fullmatch(incoming.headers.get("Content-Range") or "")
    if found is not None and part.version is not None:
        first, last = int(found[1]), int(found[2])
        now = Version.of(url, incoming.headers, None if found[3] == "*" else int(found[3]))
        in_bounds = first == part.size <= last and (now.total is None or last < now.total)
        if in_bounds and _alike(part.version, now):
            return last + 1 - first, now.total
    part.discard()
    raise Fault("what it sends is not the rest of what has come")


def _alike(before: Version, now: Version) -> bool:
    """Whether nothing says that two versions differ; marks of different mirrors say nothing."""
    pairs: list[tuple[object, object]] = [(before.total, now.total)]
    if before.url == now.url:
        pairs.append((before.etag, now.etag))
    return all(old == new or None in (old, new) for old, new in pairs)


def _require_bounded(total: int | None, archive: ArchiveSettings, part: Part) -> None:
    if total is not None and total > archive.size:
        part.discard()
        raise Fault(f"it sends {total:,} bytes, and `size` allows {archive.size:,}", again=False)


def _take(incoming: Incoming, count: int | None, part: Part, archive: ArchiveSettings, host: str) -> None:
    begin = part.size
    end = None if count is None else begin + count
    total = part.version.total if part.version and part.version.total else end
    with Progress(f"downloading {part.file.name}", total, "B") as bar:
        bar.done = bar.done_before = begin
        while end is None or part.size < end:
            data = incoming.read(_PIECE if end is None else min(_PIECE, end - part.size))
            if not data:
                break
            if part.size + len(data) > archive.size:
                part.discard()
                raise Fault(f"it sends more than the {archive.size:,} bytes that `size` allows", again=False)
            part.add(data)
            bar.advance(len(data), note=host)
    if end is not None and part.size < end:
        raise Fault(f"the connection ended after {part.size:,} of {end:,} bytes")
