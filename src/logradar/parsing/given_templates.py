"""Templates given by the input: the event ids of day files, each described by some of its lines."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.columns import HIGHEST_ID, MOST, Columns
from logradar.core.documents import UNREADABLE, reason_of
from logradar.core.errors import BundleError, DataError
from logradar.core.sequences import Sequences
from logradar.core.tables import FIRST_TEMPLATE, SESSIONS, TEMPLATES, UNKNOWN, check
from logradar.parsing.drain import WILDCARD_TEXT
from logradar.parsing.interning import Ids
from logradar.parsing.masking import MaskingSettings, mask
from logradar.parsing.template_source import TemplateSource
from logradar.parsing.templates import TemplateMiner, fingerprint

STATE: Final = "given.json"
TABLE: Final = "given.parquet"
_MASKED: Final = re.compile(r"\W*<[A-Z]+>\W*")  # a token that is nothing but a mask
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class GivenTemplates:
    """One template for each event id of the training sessions: ``E17`` and the common parts of its lines.

    Its fingerprint is the one of ``E17`` alone, so it does not depend on which lines were available.
    ``events`` are the ids in ascending order, ``counts`` their frequencies, ``texts`` their templates.
    It is a `logradar.parsing.template_source.TemplateSource`.
    """

    events: Ints
    counts: Ints
    texts: Sequence[str]

    uses_event_ids: ClassVar[bool] = True
    evicted: ClassVar[int] = 0

    @classmethod
    def of_templates(cls, ids: Ints, counts: Ints, examples: Mapping[int, Sequence[str]]) -> GivenTemplates:
        """From template ids with their frequencies; reserved ids are left out. ``examples`` are lines by event id."""
        real = ids >= FIRST_TEMPLATE
        events = (ids[real] - FIRST_TEMPLATE).tolist()
        return cls.learn(dict(zip(events, counts[real].tolist(), strict=True)), examples)

    @classmethod
    def learn(cls, counts: Mapping[int, int], examples: Mapping[int, Sequence[str]]) -> GivenTemplates:
        """From the frequencies of event ids, and some lines of each."""
        events = sorted(counts)
        texts = _texts(events, examples)
        return cls(np.array(events, np.int64), np.array([counts[event] for event in events], np.int64), texts)

    @classmethod
    def _of_table(cls, table: pa.Table) -> GivenTemplates:
        """From TEMPLATES whose ids are event ids plus `FIRST_TEMPLATE`."""
        events = table["template_id"].to_numpy().astype(np.int64) - FIRST_TEMPLATE
        return cls(events, table["count"].to_numpy(), table["template"].to_pylist())

    def joined(self, more: TemplateSource) -> GivenTemplates:
        """The templates of both. An event id in both keeps its text here and gets the sum of the counts.

        Raises `DataError` when the templates of ``more`` are not event ids.
        """
        if not more.uses_event_ids:
            raise DataError("Templates mined from messages cannot be joined with the event ids of day files.")
        other = GivenTemplates._of_table(more.templates())
        texts = dict(zip(other.events.tolist(), other.texts, strict=True))
        texts |= dict(zip(self.events.tolist(), self.texts, strict=True))
        counts = Counter(dict(zip(self.events.tolist(), self.counts.tolist(), strict=True)))
        counts.update(dict(zip(other.events.tolist(), other.counts.tolist(), strict=True)))
        every = sorted(counts)
        return GivenTemplates(
            np.array(every, np.int64), np.array([counts[e] for e in every], np.int64), [texts[e] for e in every]
        )

    def match(self, bodies: pl.Series | pa.Array | pa.ChunkedArray) -> Ids:
        """`UNKNOWN` for each body, int32: an event id is stated by the input and not found by the text of a line."""
        return np.full(len(bodies), UNKNOWN, np.int32)

    def templates(self) -> pa.Table:
        """TEMPLATES in order of their ids; event id ``e`` is template ``e + FIRST_TEMPLATE``."""
        table = {
            "template_id": pa.array((self.events + FIRST_TEMPLATE).astype(np.int32)),
            "template": pa.array(self.texts, pa.string()),
            "fingerprint": pa.array([fingerprint(f"E{event}") for event in self.events.tolist()], pa.uint64()),
            "count": pa.array(self.counts),
        }
        return check(pa.table(table, schema=TEMPLATES), TEMPLATES)

    def known_in(self, sessions: pa.Table) -> pa.Table:
        """SESSIONS, or some of its columns, with `UNKNOWN` for every template that is not one of these."""
        events = Sequences.from_arrow(sessions["template_ids"])
        known = np.isin(events.values, self.events + FIRST_TEMPLATE)
        if known.all():
            return sessions
        ids = pa.array(np.where(known, events.values, UNKNOWN).astype(np.int32))
        lists = pa.ListArray.from_arrays(pa.array(events.offsets.astype(np.int32)), ids)
        column = sessions.schema.get_field_index("template_ids")
        return sessions.set_column(column, SESSIONS.field("template_ids"), lists)

    def save(self, folder: Path) -> None:
        """Write the templates as JSON and Parquet into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(self.templates(), folder / TABLE)
        (folder / STATE).write_text(json.dumps({"templates": len(self.events)}) + "\n")

    @classmethod
    def load(cls, folder: Path) -> GivenTemplates:
        """Load what `save` wrote. Raises `BundleError` when it cannot be read."""
        try:
            saved = Columns(folder / TABLE, ["template"]).only(*TEMPLATES.names)
            ids = saved.numbers("template_id", np.int32, (FIRST_TEMPLATE, HIGHEST_ID), "strictly")
            counts, texts = saved.numbers("count", np.int64, (0, MOST)), saved.texts("template").to_pylist()
        except UNREADABLE as error:
            raise BundleError(
                f"The templates in '{folder}' cannot be read ({reason_of(error)}); train again."
            ) from None
        return cls(ids.astype(np.int64) - FIRST_TEMPLATE, counts, texts)


def load_templates(folder: Path) -> TemplateSource:
    """The templates in a folder of a bundle, mined or given. Raises `BundleError` when they cannot be read."""
    return GivenTemplates.load(folder) if (folder / STATE).is_file() else TemplateMiner.load(folder)


def _texts(events: Sequence[int], examples: Mapping[int, Sequence[str]]) -> list[str]:
    """The text of each event id: ``E<id>`` and what its own examples have in common, with their masks."""
    lines = [(event, line.split("\n", 1)[0]) for event in events for line in examples.get(event, ())]
    masked = mask(pl.Series([line for _, line in lines], dtype=pl.String), MaskingSettings()).to_list()
    own: dict[int, list[str]] = {}
    for (event, _), line in zip(lines, masked, strict=True):
        own.setdefault(event, []).append(line)
    return [f"E{event} {common_text(own.get(event, []))}".strip() for event in events]


def common_text(lines: Sequence[str]) -> str:
    """The tokens that masked lines of one event have in common; where they differ, a wildcard.

    Lines with another number of tokens than most are left out. Where less than half of the words would be left, the
    first of the lines is returned instead: a reader can do something with an example, and nothing with wildcards.

    >>> common_text(["sent <NUM> bytes to ann", "sent <NUM> bytes to bob", "closed"])
    'sent <NUM> bytes to <*>'
    >>> common_text(["cache miss", "disk full"])
    'cache miss'
    """
    rows = [line.split() for line in lines]
    if not rows:
        return ""
    size = Counter(map(len, rows)).most_common(1)[0][0]
    alike = [row for row in rows if len(row) == size]
    merged = [tokens[0] if len(set(tokens)) == 1 else WILDCARD_TEXT for tokens in zip(*alike, strict=True)]
    words = sum(token != WILDCARD_TEXT and not _MASKED.fullmatch(token) for token in merged)
    wild = merged.count(WILDCARD_TEXT)
    return " ".join(merged if words >= wild else alike[0])
