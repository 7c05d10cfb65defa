"""A simulated day, read back from its files, and the simplest detectors there are."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pyarrow.parquet as pq

from logradar.sources.simulated import FILES

LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) ([A-Z]+) ([\w.]+) \[trace=([0-9a-f]{16})\] (.*)")
Sequence = tuple[str, ...]


@dataclass
class Day:
    """A simulated folder, read back from its files alone."""

    folder: Path
    sessions: dict[str, Sequence] = field(default_factory=dict)
    open_at_once: float = 0.0

    def __post_init__(self) -> None:
        rows = []
        for place, name in enumerate(sorted(FILES.values())):
            for number, text in enumerate((self.folder / name).read_text().splitlines(), start=1):
                if found := LINE.match(text):
                    rows.append((found[1], place, number, found[4], self.origins[name, number]))
        rows.sort()  # the lines of all services by their time stamps, as a reader merges them
        grouped: dict[str, list[str]] = {}
        last = {row[3]: index for index, row in enumerate(rows)}
        alive, total = set(), 0
        for index, (_, _, _, trace, text) in enumerate(rows):
            grouped.setdefault(trace, []).append(text)
            alive.add(trace)
            total += len(alive)
            if last[trace] == index:
                alive.discard(trace)
        self.sessions = {trace: tuple(texts) for trace, texts in grouped.items()}
        self.open_at_once = total / max(len(rows), 1)

    @cached_property
    def origins(self) -> dict[tuple[str, int], str]:
        """The log call of every record, ``path:line``: what a perfect parser would call its template."""
        columns = [column.to_pylist() for column in pq.read_table(self.folder / "origins.parquet").columns]
        return {(source, line): f"{path}:{code}" for source, line, path, code in zip(*columns, strict=True)}

    @cached_property
    def faults(self) -> dict[str, str]:
        with (self.folder / "labels.csv").open() as file:
            return {row["session_key"]: row["fault"] for row in csv.DictReader(file)}

    def of(self, fault: str) -> list[Sequence]:
        return [self.sessions[trace] for trace, name in self.faults.items() if name == fault]


def grams(sequence: Sequence, size: int) -> set[Sequence]:
    padded = ("",) * (size - 1) + sequence
    return {padded[i : i + size] for i in range(len(sequence))}


def counts(sequence: Sequence) -> frozenset[tuple[str, int]]:
    return frozenset(Counter(sequence).items())


class Seen:
    """What the sessions of one fault-free day hold; the simplest detectors there are."""

    def __init__(self, sessions: Iterable[Sequence]) -> None:
        self.sequences = set(sessions)
        self.templates = {text for sequence in self.sequences for text in sequence}
        self.counts = {counts(sequence) for sequence in self.sequences}
        self.triples = {gram for sequence in self.sequences for gram in grams(sequence, 3)}

    def differs(self, sequence: Sequence) -> bool:
        return counts(sequence) not in self.counts or not grams(sequence, 3) <= self.triples
