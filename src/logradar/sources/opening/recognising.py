"""Recognises the files of an input by content: the source of each, and the format of its first lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from logradar.core.errors import InputError
from logradar.core.filenames import readable
from logradar.core.quarantine import Quarantine
from logradar.sources.base import ReadLimits, Source, sources
from logradar.sources.decoding.compression import pieces
from logradar.sources.decoding.encoding import SKIPPED, is_binary
from logradar.sources.decoding.layouts import Order
from logradar.sources.opening.dating import about_times, dated, modified
from logradar.sources.opening.documents import read_lines_or_events, sample_lines_or_events
from logradar.sources.opening.files import InputFiles, stem
from logradar.sources.opening.formats import SEEN, Format
from logradar.sources.opening.reading import Block, read_head, read_sample
from logradar.sources.opening.records import Records

HEAD: Final = 1 << 16  # bytes by which a file is recognised
HEAD_LINES: Final = 200
SAMPLED_FILES: Final = 40
SAMPLED_LINES: Final = 40_000  # of all files together


@dataclass(frozen=True)
class Part:
    """Consecutive files of one kind."""

    kind: type[Source]
    files: list[Path]


@dataclass(frozen=True)
class Sample:
    """The first records of a file: its format and the whole text of each record's first line.

    ``doubts`` are sentences on what stays open in its times, ``date_doubt`` is one on the order of day and month.
    """

    file: Path
    format: Format
    texts: pl.Series
    doubts: tuple[str, ...] = ()
    date_doubt: str = ""


def recognise(
    spec: str, inputs: InputFiles, source: str | None, quarantine: Quarantine, ordinary: str | None = None
) -> list[Part]:
    """The files in their order with their sources; ``source`` sets one for all files, ``ordinary`` for ordinary lines.

    Files that are empty, binary or unreadable are added to the quarantine. Raises `InputError` if there are no others.
    """
    kinds = {source: sources.load(source)} if source else {name: sources.load(name) for name in sources.names()}
    parts: list[Part] = []
    rejected: list[tuple[Path, str]] = []
    for file in inputs.files:
        kind = _kind_of(file, kinds, forced=source is not None)
        if ordinary and kind is kinds.get("lines"):
            kind = sources.load(ordinary)
        if isinstance(kind, str):
            rejected.append((file, kind))
        elif parts and parts[-1].kind is kind:
            parts[-1].files.append(file)
        else:
            parts.append(Part(kind, [file]))
    if inputs.prepared and rejected:
        raise InputError(f"'{rejected[0][0]}' {rejected[0][1]}; prepare '{inputs.prepared}' again.")
    if not parts:
        raise InputError(_nothing(spec, [why for _, why in rejected]))
    for path in inputs.unread:
        quarantine.add(inputs.names.get(path, readable(str(path))), "folder that cannot be read, or broken link")
    for file, why in rejected:
        quarantine.add(inputs.names.get(file, readable(str(file))), f"file that {why}")
    return parts


def samples(
    files: Sequence[Path], format_: str | None, lines: int = SAMPLED_LINES, order: Order | None = None
) -> list[Sample]:
    """The first records of at most `SAMPLED_FILES` files, evenly chosen; about ``lines`` lines in total.

    ``order`` is what dates of numbers begin with, unless a file proves another order.
    """
    step = max(1, -(-len(files) // SAMPLED_FILES))
    chosen = files[::step]
    rows = max(500, lines // max(1, len(chosen)))
    sampled = []
    for file in chosen:
        first = sample_lines_or_events(file, max(rows, SEEN))
        form = Format.named(format_, first) if format_ else Format.detect(first)
        form, doubt = dated(
            form, first[:SEEN], modified(file), order, read_lines_or_events(file, file.name, Quarantine())
        )
        doubts = about_times(form, first[:SEEN], readable(file.name))
        block = Block(pl.Series("text", first, pl.String), 1)
        frames = list(Records(form, file.name, Quarantine(), ReadLimits()).of([block]))
        if frames:
            texts = pl.concat([frame["text"] for frame in frames])
            sampled.append(Sample(file, form, texts, tuple(doubts), doubt))
    return sampled


def service_names(files: Iterable[Path]) -> dict[Path, str]:
    """The service of each file by its name; empty if all files have the same one."""
    names = {file: readable(stem(file)) for file in files}
    return names if len(set(names.values())) > 1 else {}


_UNKNOWN: Final = "is of a kind that no source recognises"


def _kind_of(file: Path, kinds: dict[str, type[Source]], forced: bool) -> type[Source] | str:
    """The source of a file, or the reason why it has none."""
    bad = Quarantine()
    try:
        head = read_head(file, HEAD, bad)
        if not head.strip(b" \t\r\n\xef\xbb\xbf") and len(head) < HEAD:
            if SKIPPED in bad.reasons:
                return "is binary"
            return next((f"is a {reason}" for reason in bad.reasons), "is empty")
        archive = _is_archive(next(pieces(file, file.name, bad, lambda count: None), b""))
        binary = archive or is_binary(head)
        lines = [] if binary else read_sample(file, HEAD, HEAD_LINES)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if forced:
        return next(iter(kinds.values()))
    scores = {name: kind.recognises(file, lines) for name, kind in kinds.items()}
    best = max(scores, key=lambda name: scores[name])
    if scores[best] > 0:
        return kinds[best]
    if archive:
        return "is an archive; unpack it first"
    return "is binary" if binary else _UNKNOWN


def _is_archive(head: bytes) -> bool:
    return head.startswith(b"PK\x03\x04") or head[257:262] == b"ustar"


def _nothing(spec: str, reasons: list[str]) -> str:
    if reasons == [_UNKNOWN]:
        return f"'{spec}' {_UNKNOWN}; `--source lines` reads any text line by line."
    if len(reasons) == 1:
        return f"'{spec}' {reasons[0]}; LogRadar reads text, also compressed with gz, xz, zst or bz2."
    counts = ", ".join(f"{count} {why.replace('is ', '', 1)}" for why, count in Counter(reasons).most_common())
    return f"'{spec}' contains no log that can be read: of {len(reasons)} files {counts}."
