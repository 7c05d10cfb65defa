"""Labelled sets whose training data is not clean: anomalies are mixed in, and taken out of the test."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ensemble_sets import SETS, VALID, Part
from hdfs_deeplog_split import NORMAL
from logradar.core.sequences import Sequences
from logradar.core.tables import SESSIONS, UNKNOWN
from logradar.evaluation.metrics import natural_weights
from logradar.model.settings import RunSettings, run_settings
from logradar.parsing.templates import ParsingSettings, TemplateMiner
from logradar.simulation.simulate import simulate
from logradar.storage.filling import fill, learn_templates
from logradar.storage.grouping import anomalous, group
from logradar.storage.records import Corpus, reading

MINED = ("hdfs-2pct", "shop")  # sets that come from lines: a template that training lacks is unknown
DAY = 86_400_000_000  # microseconds
CONTAMINATED = ("hdfs-deeplog", "hdfs-2pct", "kalaki-500", "bgl-20", "shop")


@dataclass(frozen=True)
class Mixed:
    """A set with ``mixed`` anomalous sessions in its training and validation part.

    ``odd`` says which sessions of training and validation part they are, ``twins`` which test anomalies have the very
    sequence of one of them.
    """

    part: Part
    mixed: int
    odd: np.ndarray
    twins: np.ndarray


@dataclass(frozen=True)
class Clean:
    """A set, and ``pool``: anomalies of the time of training, where they are known; else the test gives some away."""

    part: Part
    pool: pa.Table | None = None

    def mix(self, name: str, share: float, seed: int) -> Mixed:
        """A ``share`` of the sessions learnt from is anomalous, spread over training and validation part.

        Those of the pool stand at their own place in time; there may be fewer than were asked for.
        """
        part, rng = self.part, np.random.default_rng(seed)
        normal = pa.concat_tables([part.train, part.valid]).unify_dictionaries()
        wanted = round(share / (1 - share) * len(normal))
        usual, odd = np.flatnonzero(~part.labels), np.flatnonzero(part.labels)
        if self.pool is None:
            drawn = np.sort(rng.choice(odd, wanted, replace=False))
            given, left = part.test.take(pa.array(drawn)), np.setdiff1d(odd, drawn)
            place = rng.uniform(0, len(normal), wanted)
        else:
            drawn = np.sort(rng.choice(len(self.pool), min(wanted, len(self.pool)), replace=False))
            given, left = self.pool.take(pa.array(drawn)), odd
            first = _starts(normal)[0] // DAY * DAY
            at = _starts(given)  # of another day: at the same time of the day
            at = np.where(at >= first + DAY, first + at % DAY, at) if name == "shop" else at
            place = np.searchsorted(_starts(normal), at) - 0.5
        order = np.argsort(np.concatenate([np.arange(len(normal)), place]), kind="stable")
        every = pa.concat_tables([normal, given]).unify_dictionaries().take(pa.array(order))
        cut = round(len(every) * len(part.train) / len(normal))
        rows = np.concatenate([usual, left])
        test = part.test.take(pa.array(rows))
        if name in MINED:
            known = np.unique(_sequences(every).values)
            every, test = _known(every, known), _known(test, known)
        labels = part.labels[rows]
        twins = labels & np.isin(_sequences(test).fingerprints(), _sequences(given).fingerprints())
        weights = natural_weights(labels, NORMAL) if part.weights is not None else None
        kinds = part.kinds[rows] if part.kinds is not None else None
        parts = Part(every.slice(0, cut), every.slice(cut), test, labels, weights, kinds)
        return Mixed(parts, len(drawn), order >= len(normal), twins)

    def write(self, folder: Path) -> None:
        """Keep it, so that the next study need not read logs again."""
        self.part.write(folder)
        if self.pool is not None:
            pq.write_table(self.pool, folder / "pool.parquet")

    @classmethod
    def read(cls, folder: Path) -> Clean:
        """What `write` kept."""
        pool = folder / "pool.parquet"
        return cls(Part.read(folder), pq.read_table(pool, schema=SESSIONS) if pool.is_file() else None)


def _starts(table: pa.Table) -> np.ndarray:
    return table["start"].cast(pa.int64()).to_numpy()


def _sequences(table: pa.Table) -> Sequences:
    return Sequences.from_arrow(table["template_ids"])


def _known(table: pa.Table, known: np.ndarray) -> pa.Table:
    rows = _sequences(table)
    ids = np.where(np.isin(rows.values, known), rows.values, UNKNOWN).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(rows.offsets.astype(np.int32)), pa.array(ids))
    return table.set_column(SESSIONS.get_field_index("template_ids"), SESSIONS.field("template_ids"), lists)


def _mined(corpus: Corpus, settings: RunSettings, miner: TemplateMiner) -> pa.Table:
    """SESSIONS of all records, with templates mined from all of them."""
    with tempfile.TemporaryDirectory() as home:
        grouped = group(corpus, settings.sessions, Path(home))
        learn_templates(corpus, miner, [grouped], Path(home))
        filled = pa.concat_tables(fill(corpus, miner, grouped, Path(home)).tables())
    return filled.unify_dictionaries().combine_chunks()


def hdfs_sample() -> Clean:
    """The HDFS 2 % sample, earlier half against later half; the earlier half's own anomalies are the pool."""
    settings = run_settings(given={"detector": "length", "beside": ()})
    with reading("hdfs", settings.input) as corpus:
        table = _mined(corpus, settings, TemplateMiner(settings.parsing))
    table = table.take(pa.array(np.argsort(_starts(table), kind="stable")))
    odd, half = anomalous(table), len(table) // 2
    early = np.flatnonzero(~odd[:half])
    cut = half - round(half * VALID)
    parts = [early[early < cut], early[early >= cut], np.arange(half, len(table))]
    train, valid, test = (table.take(pa.array(rows)) for rows in parts)
    return Clean(Part(train, valid, test, odd[half:]), table.take(pa.array(np.flatnonzero(odd[:half]))))


def shop() -> Clean:
    """A simulated fault-free day, against a day with all faults and one with none; two other days are the pool."""
    settings, miner, tables, kinds = run_settings(), TemplateMiner(ParsingSettings()), [], []
    for number, (faults, days) in enumerate((("none", 1), ("all", 2), ("all", 1), ("none", 1))):
        with tempfile.TemporaryDirectory() as home:
            folder = Path(home) / "logs"
            simulate(folder, faults=faults, days=days, seed=100 + number, start=f"2026-03-0{2 + 2 * number}")
            with reading(str(folder), settings.input) as corpus:
                miner.frozen = False
                tables.append(_mined(corpus, settings, miner))
                named = [corpus.kinds.get(key, "") for key in tables[-1]["session_id"].to_pylist()]
                kinds.append(np.array(named if number != 3 else ["quiet"] * len(named)))
    learn, pool, *tests = tables
    learn = learn.take(pa.array(np.argsort(_starts(learn), kind="stable")))
    cut = len(learn) - round(len(learn) * VALID)
    test = pa.concat_tables(tests).unify_dictionaries().combine_chunks()
    part = Part(learn.slice(0, cut), learn.slice(cut), test, anomalous(test), None, np.concatenate(kinds[2:]))
    return Clean(part, pool.take(pa.array(np.flatnonzero(anomalous(pool)))))


def clean(name: str, data: Path, kept: Path | None) -> Clean:
    """A set without contamination; what is mined from lines is kept in ``kept`` if that is given."""
    if name not in MINED:
        return Clean(SETS[name](data, 0))
    if kept is not None and (kept / f"clean-{name}" / "labels.npy").is_file():
        return Clean.read(kept / f"clean-{name}")
    found = hdfs_sample() if name == "hdfs-2pct" else shop()
    if kept is not None:
        found.write(kept / f"clean-{name}")
    return found
