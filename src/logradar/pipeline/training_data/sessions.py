"""TrainingData: what a training learns from, whatever kind of input it came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
from logradar.core.tables import SESSIONS, texts_by_id
from logradar.evaluation import audit
from logradar.evaluation.audit import identities
from logradar.evaluation.splits import PARTS, FileParts, Parts, SplitSettings, by_file, chronological, iso, part_sizes
from logradar.model.bundle import Seen
from logradar.model.settings import RunSettings
from logradar.model.training_sessions import MOST, TrainingSessions
from logradar.parsing.sessions import SessionSettings
from logradar.parsing.template_source import TemplateSource
from logradar.parsing.templates import TemplateMiner
from logradar.pipeline.training_data.examples import training_sessions
from logradar.pipeline.training_data.trimming import kept, require_memory, timed, trimmed, unjudged
from logradar.storage.filling import fill, learn_templates
from logradar.storage.grouping import IN_MEMORY, anomalous, group, idle_seconds, with_key_or_windows
from logradar.storage.records import Corpus

Rows = npt.NDArray[np.int64]
MOST_VALID: Final = 100_000  # validation sessions of a very large input: more would not make a quantile better


@dataclass
class TrainingData:
    """Normal SESSIONS of the training and of the validation part, and what the bundle keeps beside them.

    ``split`` are the figures of the split, ``files`` its lists where whole files were split.
    """

    templates: TemplateSource
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
    reviewable: TrainingSessions | None = None  # all sessions that were judged, where nobody labelled them
    faulty: SessionSet | None = (
        None  # sessions of the training part that are labelled anomalous, for those who learn them
    )

    def texts(self) -> dict[int, str]:
        """The text of each template, by its id."""
        return texts_by_id(self.templates.templates())


def from_records(
    corpus: Corpus, settings: RunSettings, home: Path, miner: TemplateMiner | None = None
) -> tuple[TrainingData, SessionSettings]:
    """Group the records of a corpus, split them, and mine templates of the normal sessions before the cut.

    ``miner`` is one that goes on from what it knows. With the data come the session settings as they were found
    out: by key or in windows, and after how many idle seconds a session is over.
    """
    found = with_key_or_windows(corpus, settings.sessions)
    grouped = group(corpus, found, home)
    say_unlabelled(grouped)
    miner = miner or TemplateMiner(settings.parsing)
    if isinstance(grouped, SessionTable):
        data, before = _in_memory(corpus, grouped.table, settings, found, home, miner)
    else:
        assert isinstance(grouped, Shards)
        data, before = _on_disk(corpus, grouped, settings, home, miner)
    return data, found.model_copy(update={"idle_seconds": idle_seconds(before, found)})


def _in_memory(
    corpus: Corpus, grouped: pa.Table, settings: RunSettings, how: SessionSettings, home: Path, miner: TemplateMiner
) -> tuple[TrainingData, Iterator[pa.Table]]:
    parts, files = parts_of(corpus, grouped, settings.split)
    anomalies = anomalous(grouped)
    learn, watch = parts.train[~anomalies[parts.train]], parts.valid[~anomalies[parts.valid]]
    if not len(learn):
        raise nothing_normal(len(parts.train))
    known = np.concatenate([learn, watch])
    learn_templates(corpus, miner, [SessionTable(grouped.take(pa.array(known)))], home)
    filled = fill(corpus, miner, SessionTable(grouped), home, settings.inputs)
    assert isinstance(filled, SessionTable)
    sessions = filled.table
    before, sequences = np.concatenate([parts.train, parts.valid]), Sequences.from_arrow(sessions["template_ids"])
    candidates = sessions.take(pa.array(known))
    found = kept(
        sequences.take(known),
        settings,
        labels=candidates["label"].null_count < len(candidates),
        in_time=timed(candidates["start"]),
        unjudged=unjudged(how),
    )
    reviewable = training_sessions(candidates, len(learn), found.judged, corpus.lines) if found.judged else None
    stay = found.stay
    learn, watch = learn[stay[: len(learn)]], watch[stay[len(learn) :]]
    seen = Seen(identities(sessions.take(pa.array(before))), np.unique(sequences.take(known[stay]).fingerprints()))
    facts = parts.facts(sessions) | {"anomalies_left_out": int(anomalies[before].sum())} | found.facts()
    facts |= files.facts() if files else {}
    train, valid = (SessionTable(sessions.take(pa.array(rows))) for rows in (learn, watch))
    marked = sessions.take(pa.array(parts.valid[anomalies[parts.valid]]))
    faulty = SessionTable(sessions.take(pa.array(parts.train[anomalies[parts.train]])))
    data = TrainingData(
        miner, train, valid, seen, corpus.records, sessions.num_rows, facts, files, marked, reviewable, faulty
    )
    return data, iter([sessions.take(pa.array(before))])


def _on_disk(
    corpus: Corpus, grouped: Shards, settings: RunSettings, home: Path, miner: TemplateMiner
) -> tuple[TrainingData, Iterator[pa.Table]]:
    require_memory(corpus.records, settings)
    parts = cut(grouped, settings.split)
    learn_templates(corpus, miner, [part.normal() for part in parts[:2]], home)
    sessions = fill(corpus, miner, grouped, home, settings.inputs)
    assert isinstance(sessions, Shards)
    parts = cut(sessions, settings.split)
    before = (table for part in parts[:2] for table in part.tables(["start", "gaps"]))
    return of_shards(parts, miner, corpus.records, settings, total=len(sessions)), before


def say_unlabelled(sessions: SessionSet) -> None:
    """Say that sessions without a label are learnt, where others have one."""
    count = without = 0
    for table in sessions.tables(["label"]):
        count, without = count + len(table), without + table["label"].null_count
    if 0 < without < count:
        say(
            f"{without:,} of {count:,} sessions have no label, because the labels do not name them; they are taken as "
            "normal. To leave them out of training, label them as anomalous."
        )


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
    bounds = np.cumsum([0, *part_sizes(len(sessions), split)]).tolist()
    train, valid, test = (sessions.slice(*bound) for bound in pairwise(bounds))
    return train, valid, test


def of_shards(
    parts: Sequence[Shards],
    templates: TemplateSource,
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
    anomalies = len(train) + len(valid) - len(learn) - len(watch)
    if len(watch) > MOST_VALID:
        say(
            f"{MOST_VALID:,} of {len(watch):,} validation sessions, evenly spread over their time, are enough for the "
            "threshold."
        )
        watch = watch.thinned(MOST_VALID)
    require_memory(records, settings)
    large = f"{records:,} records are more than the {IN_MEMORY:,} that are compared with each other"
    judged_on = learn, watch
    learn, watch, found = trimmed(learn, watch, settings, columns, large if records > IN_MEMORY else "")
    reviewable = None
    if found.judged and len(found.stay) <= MOST:
        names = ["start", "end", "service", "template_ids"]
        every = pa.concat_tables([table for part in judged_on for table in part.tables(names)]).unify_dictionaries()
        reviewable = training_sessions(every, len(judged_on[0]), found.judged)
    facts: dict[str, Any] = {name: len(part) for name, part in zip(PARTS, parts, strict=True)}
    for name, part in (("train", train), ("test", test)):
        first, last = bounds(part, "start") if len(part) else (pa.scalar(None),) * 2
        facts |= {f"{name}_from": iso(first), f"{name}_until": iso(last)}
    sessions = sum(map(len, parts)) if total is None else total
    facts["test"] = sessions - facts["train"] - facts["valid"]
    facts |= {"anomalies_left_out": anomalies} | found.facts() | (files.facts() if files else {})
    named = ["session_id", "start", "template_ids"]
    seen = Seen(
        _fingerprints(identities(templates.known_in(table)) for part in (train, valid) for table in part.tables(named)),
        _fingerprints(piece.fingerprints() for piece in chain(learn.sequences(), watch.sequences())),
    )
    if len(seen.sessions) >= audit.MOST_SEEN:  # the others are recognised by their time
        ends = pa.array([bounds(part, "start")[1].as_py() for part in parts[:2] if len(part)])
        facts["known_until"] = iso(pc.max(ends))
    return TrainingData(templates, learn, watch, seen, records, sessions, facts, files, reviewable=reviewable)


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
    """Names of files without their folders, where these suffice to distinguish them."""
    short = [Path(name).name for name in names]
    return short if len(set(short)) == len(short) else list(names)


def parts_of(corpus: Corpus, grouped: pa.Table, settings: SplitSettings) -> tuple[Parts, FileParts | None]:
    """The rows of each part of the sessions ``grouped``, and the lists of files where whole files are divided."""
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
