"""Templates that the input names itself: event ids of day files, with a few of their lines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.errors import BundleError
from logradar.core.sequences import Sequences
from logradar.core.tables import FIRST_TEMPLATE, SESSIONS, TEMPLATES, UNKNOWN, check
from logradar.parsing.templates import ParsingSettings, TemplateMiner, fingerprint

STATE: Final = "given.json"
TABLE: Final = "given.parquet"
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class GivenTemplates:
    """A template for each event id of the training sessions: ``E17`` and what its lines have in common.

    Its fingerprint is that of ``E17`` alone, so that it does not depend on the lines that were
    there to be looked at. ``events`` are the ids in rising order, ``counts`` how often each came.
    """

    events: Ints
    counts: Ints
    texts: Sequence[str]

    evicted: int = 0

    @classmethod
    def of_templates(cls, ids: Ints, counts: Ints, examples: Mapping[int, Sequence[str]]) -> GivenTemplates:
        """From template ids and how often each came; reserved ones are left out."""
        real = ids >= FIRST_TEMPLATE
        events = (ids[real] - FIRST_TEMPLATE).tolist()
        return cls.learn(dict(zip(events, counts[real].tolist(), strict=True)), examples)

    @classmethod
    def learn(cls, counts: Mapping[int, int], examples: Mapping[int, Sequence[str]]) -> GivenTemplates:
        """From how often each event id came, and some lines of each."""
        events = sorted(counts)
        texts = _texts(events, examples)
        return cls(np.array(events, np.int64), np.array([counts[event] for event in events], np.int64), texts)

    def joined(self, more: GivenTemplates) -> GivenTemplates:
        """These and further ones; of an event in both the text that is here, and the sum of the counts."""
        texts = dict(zip(more.events.tolist(), more.texts, strict=True))
        texts |= dict(zip(self.events.tolist(), self.texts, strict=True))
        counts = dict(zip(self.events.tolist(), self.counts.tolist(), strict=True))
        for event, count in zip(more.events.tolist(), more.counts.tolist(), strict=True):
            counts[event] = counts.get(event, 0) + count
        every = sorted(counts)
        return GivenTemplates(
            np.array(every, np.int64), np.array([counts[e] for e in every], np.int64), [texts[e] for e in every]
        )

    def templates(self) -> pa.Table:
        """TEMPLATES; event id ``e`` is template ``e + FIRST_TEMPLATE``."""
        table = {
            "template_id": pa.array((self.events + FIRST_TEMPLATE).astype(np.int32)),
            "template": pa.array(self.texts, pa.string()),
            "fingerprint": pa.array([fingerprint(f"E{event}") for event in self.events.tolist()], pa.uint64()),
            "count": pa.array(self.counts),
        }
        return check(pa.table(table, schema=TEMPLATES), TEMPLATES)

    def known_in(self, sessions: pa.Table) -> pa.Table:
        """SESSIONS, or some columns of it, with `UNKNOWN` for every template that training did not have."""
        events = Sequences.from_arrow(sessions["template_ids"])
        known = np.isin(events.values, self.events + FIRST_TEMPLATE)
        if known.all():
            return sessions
        ids = pa.array(np.where(known, events.values, UNKNOWN).astype(np.int32))
        lists = pa.ListArray.from_arrays(pa.array(events.offsets.astype(np.int32)), ids)
        column = sessions.schema.get_field_index("template_ids")
        return sessions.set_column(column, SESSIONS.field("template_ids"), lists)

    def save(self, folder: Path) -> None:
        """Write JSON and Parquet into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(self.templates(), folder / TABLE)
        (folder / STATE).write_text(json.dumps({"templates": len(self.events)}) + "\n")

    @classmethod
    def load(cls, folder: Path) -> GivenTemplates:
        """What `save` wrote. Raises `BundleError` when it cannot be read."""
        try:
            table = check(pq.read_table(folder / TABLE, schema=TEMPLATES), TEMPLATES)
        except (OSError, pa.ArrowInvalid) as error:
            raise BundleError(f"The templates in '{folder}' cannot be read ({error}); train again.") from None
        events = table["template_id"].to_numpy().astype(np.int64) - FIRST_TEMPLATE
        return cls(events, table["count"].to_numpy(), table["template"].to_pylist())


def is_given(folder: Path) -> bool:
    """Whether the templates in a bundle's folder were given by the input, not mined."""
    return (folder / STATE).is_file()


def _texts(events: Sequence[int], examples: Mapping[int, Sequence[str]]) -> list[str]:
    lines = [(event, line) for event in events for line in examples.get(event, ())]
    miner = TemplateMiner(ParsingSettings())
    common: dict[int, str] = {}
    if lines:
        bodies = pl.Series([line for _, line in lines], dtype=pl.String)
        miner.mine(bodies)
        miner.freeze()
        table = miner.templates()
        named = dict(zip(table["template_id"].to_pylist(), table["template"].to_pylist(), strict=True))
        for (event, _), template in zip(lines, miner.match(bodies).tolist(), strict=True):
            common.setdefault(event, named.get(template, ""))
    return [f"E{event} {common.get(event, '')}".strip() for event in events]
