"""TrainingData: what a training learns from, whatever kind of input it came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.errors import DataError
from logradar.core.progress import say
from logradar.core.sequences import Sequences
from logradar.core.session_set import SessionSet, SessionTable
from logradar.core.shards import Shards
from logradar.core.tables import SESSIONS
from logradar.evaluation import audit
from logradar.evaluation.audit import identities
from logradar.evaluation.splits import PARTS, FileParts, Parts, SplitSettings, by_file, chronological, iso
from logradar.model.bundle import Seen
from logradar.model.settings import RunSettings
from logradar.parsing.given_templates import GivenTemplates
from logradar.parsing.templates import TemplateMiner
from logradar.pipeline.training_data.trimming import kept, require_memory, trimmed
from logradar.storage.grouping import fill_on_disk, group_on_disk, is_large, learn_templates_of
from logradar.storage.records import Corpus
from logradar.storage.tabulate import anomalous, fill, group, learn_templates

Templates = TemplateMiner | GivenTemplates
Rows = npt.NDArray[np.int64]
MOST_VALID: Final = 100_000  # validation sessions of a very large input: more would not make a quantile better


@dataclass
class TrainingData:
    """Normal SESSIONS of the training and of the validation part, and what the bundle keeps beside them.

    ``split`` are the figures of the split, ``files`` its lists where whole files were split.
    """

    templates: Templates
    train: SessionSet
    valid: SessionSet
    seen: Seen
    records: int
    sessions: int
    split: dict[str, Any]
    files: FileParts | None = None
    marked: pa.Table | None = (
        None  # sessions of the validation part that are labelled anomalous, where they are at hand
    )


def from_records(corpus: Corpus, settings: RunSettings, home: Path, miner: TemplateMiner | None = None) -> TrainingData:
    """Group the records of a corpus, split them, and mine templates of the normal sessions before the cut.

    ``miner`` is one that goes on from what it knows.
    """
    if is_large(corpus):
        return _from_disk(corpus, settings, home, miner)
    grouped = group(corpus, settings.sessions)
    parts, files = _split(corpus, grouped, settings.split)
    odd = anomalous(grouped)
    learn, watch = parts.train[~odd[parts.train]], parts.valid[~odd[parts.valid]]
    if not len(learn):
        raise nothing_normal(len(parts.train))
    miner = miner or TemplateMiner(settings.parsing)
    known = np.concatenate([learn, watch])
    learn_templates(corpus, miner, grouped, known)
    sessions = fill(corpus, miner, grouped, "parameters" in settings.inputs)
    before, sequences = np.concatenate([parts.train, parts.valid]), Sequences.from_arrow(sessions["template_ids"])
    stay = kept(sequences.take(known), settings)
    learn, watch = learn[stay[: len(learn)]], watch[stay[len(learn) :]]
    seen = Seen(identities(sessions.take(pa.array(before))), np.unique(sequences.take(known[stay]).fingerprints()))
    facts = parts.facts(sessions) | {"anomalies_left_out": int(odd[before].sum()), "trimmed": int((~stay).sum())}
    facts |= files.facts() if files else {}
    train, valid = (SessionTable(sessions.take(pa.array(rows))) for rows in (learn, watch))
    marked = sessions.take(pa.array(parts.valid[odd[parts.valid]]))
    return TrainingData(miner, train, valid, seen, corpus.records, sessions.num_rows, facts, files, marked)


def _from_disk(corpus: Corpus, settings: RunSettings, home: Path, miner: TemplateMiner | None) -> TrainingData:
    require_memory(corpus.records, settings)
    grouped = group_on_disk(corpus, settings.sessions, home)
    parts = cut(grouped, settings.split)
    miner = miner or TemplateMiner(settings.parsing)
    learn_templates_of(corpus, miner, [part.normal() for part in parts[:2]], home)
    sessions = fill_on_disk(corpus, miner, grouped, home, "parameters" in settings.inputs)
    return of_shards(cut(sessions, settings.split), miner, corpus.records, settings, total=len(sessions))


def cut(sessions: Shards, split: SplitSettings) -> tuple[Shards, Shards, Shards]:
    """SESSIONS on disk, in order of time, in three parts; anomalous ones that are held back are in none."""
    if split.by == "files" or split.shuffle:
        raise DataError(
            "So many sessions are cut by time: leave split.by and split.shuffle out, or choose files with --until."
        )
    if split.hold_anomalies:
        sessions = sessions.normal()
    if split.first is not None:
        train, valid, _ = cut(sessions.slice(0, split.first), split.of_first())
        return train, valid, sessions.slice(split.first)
    shares = np.array(split.shares)
    wanted = int((shares > 0).sum())
    if len(sessions) < wanted:
        count = "1 session is" if len(sessions) == 1 else f"{len(sessions)} sessions are"
        raise DataError(f"{count} too few to be split into {wanted} parts; give more log data.")
    second = max(1, int(np.round(shares[:2].sum() * len(sessions))))
    first = max(1, min(int(np.round(shares[0] * len(sessions))), second - (split.valid > 0)))
    train, valid, test = (sessions.slice(*bound) for bound in pairwise((0, first, second, len(sessions))))
    return train, valid, test


def of_shards(
    parts: Sequence[Shards],
    templates: Templates,
    records: int,
    settings: RunSettings,
    files: FileParts | None = None,
    total: int | None = None,
    columns: Sequence[str] = SESSIONS.names,
) -> TrainingData:
    """TrainingData of sessions on disk that are split already; templates may depend on the normal ones before the cut.

    ``total`` counts all sessions where some that are held back are in none of the ``parts``; ``columns`` are those of
    SESSIONS that the files have.
    """
    train, valid, test = parts
    learn, watch = train.normal(), valid.normal()
    if not len(learn):
        raise nothing_normal(len(train))
    odd = len(train) + len(valid) - len(learn) - len(watch)
    if len(watch) > MOST_VALID:
        say(
            f"{MOST_VALID:,} of {len(watch):,} validation sessions, evenly spread over their time, are enough for the "
            "threshold."
        )
        watch = watch.thinned(MOST_VALID)
    require_memory(records, settings)
    less = 0
    if settings.split.trim:
        learn, watch, less = trimmed(learn, watch, settings, columns)
    facts: dict[str, Any] = {name: len(part) for name, part in zip(PARTS, parts, strict=True)}
    for name, part in (("train", train), ("test", test)):
        first, last = bounds(part, "start") if len(part) else (pa.scalar(None),) * 2
        facts |= {f"{name}_from": iso(first), f"{name}_until": iso(last)}
    sessions = sum(map(len, parts)) if total is None else total
    facts["test"] = sessions - facts["train"] - facts["valid"]
    facts |= {"anomalies_left_out": odd, "trimmed": less} | (files.facts() if files else {})
    named = ["session_id", "start", "template_ids"]
    as_scored = templates.known_in if isinstance(templates, GivenTemplates) else lambda table: table
    seen = Seen(
        _fingerprints(identities(as_scored(table)) for part in (train, valid) for table in part.tables(named)),
        _fingerprints(piece.fingerprints() for piece in chain(learn.sequences(), watch.sequences())),
    )
    if len(seen.sessions) >= audit.MOST_SEEN:  # the others are told by their time
        ends = pa.array([bounds(part, "start")[1].as_py() for part in parts[:2] if len(part)])
        facts["known_until"] = iso(pc.max(ends))
    return TrainingData(templates, learn, watch, seen, records, sessions, facts, files)


def _fingerprints(pieces: Iterable[npt.NDArray[np.uint64]]) -> npt.NDArray[np.uint64]:
    """The distinct fingerprints, of very many the smallest: a sample that can be compared with another."""
    kept = np.empty(0, np.uint64)
    waiting: list[npt.NDArray[np.uint64]] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size > audit.MOST_SEEN:
            kept, waiting, size = np.unique(np.concatenate([kept, *waiting]))[: audit.MOST_SEEN], [], 0
    return np.unique(np.concatenate([kept, *waiting]))[: audit.MOST_SEEN]


def nothing_normal(sessions: int) -> DataError:
    """What to say when there is nothing to learn from."""
    return DataError(f"All {sessions:,} sessions of the training part are labelled anomalous; give normal data.")


def short_names(names: Sequence[str]) -> list[str]:
    """Names of files without their folders, where they are told apart without them."""
    short = [Path(name).name for name in names]
    return short if len(set(short)) == len(short) else list(names)


def _split(corpus: Corpus, grouped: pa.Table, settings: SplitSettings) -> tuple[Parts, FileParts | None]:
    if settings.by == "sessions":
        return chronological(grouped, settings), None
    file, names = _files(corpus, grouped)
    counts = np.bincount(file, minlength=len(names))
    if settings.shuffle is False and len(names) == 1:
        say("The input is one file, so it cannot be split by files; its sessions are split by time instead.")
        return chronological(grouped, settings.model_copy(update={"by": "sessions"})), None
    files = by_file(names, counts, settings)
    order = np.argsort(np.array([PARTS.index(files.part_of(name) or "train") for name in names])[file], kind="stable")
    sizes = [int(counts[[names.index(name) for name in getattr(files, part)]].sum()) for part in PARTS]
    train, valid, test = np.split(order, np.cumsum(sizes)[:-1])
    return Parts(train, valid, test), files


def _files(corpus: Corpus, grouped: pa.Table) -> tuple[Rows, list[str]]:
    """For each session the file of its first record, as a number, and the names of the files in their order."""
    records = Sequences.from_arrow(grouped["record_ids"])
    first = records.values[records.offsets[:-1]]
    number = np.empty(corpus.records, np.int32)
    names: dict[str, int] = {}
    start = 0
    for part in corpus.scan(["source"]):
        column = part["source"].combine_chunks()
        codes = np.array([names.setdefault(name, len(names)) for name in column.dictionary.to_pylist()], np.int32)
        number[start : start + len(column)] = codes[column.indices.to_numpy()]
        start += len(column)
    return number[first].astype(np.int64), short_names(list(names))


def bounds(sessions: SessionSet, name: str) -> tuple[Any, Any]:
    """Smallest and largest value of a column of SESSIONS, as Arrow scalars."""
    found = [pc.min_max(table[name]) for table in sessions.tables([name])]
    low = pa.array([value["min"].as_py() for value in found])
    high = pa.array([value["max"].as_py() for value in found])
    return pc.min(low), pc.max(high)
