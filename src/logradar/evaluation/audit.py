"""Audit: does the test leak from training, and how easy or contradictory is it?

Figures without this are worth little: a test whose anomalies repeat in training, or whose
labels contradict each other, measures something else than finding anomalies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.errors import DataError
from logradar.core.sequences import Sequences
from logradar.core.tables import UNKNOWN
from logradar.evaluation.caveats import indistinguishable
from logradar.evaluation.curves import Bools

Hashes = npt.NDArray[np.uint64]
MOST_SEEN: Final = 4_000_000  # fingerprints that are kept of what came before the cut: of more, the smallest
_BLOCK = 1 << 16  # sessions worked on at a time: bounds memory
_FEW = 30  # anomalies below which every share has a wide interval


@dataclass(frozen=True, eq=False)
class Side:
    """What the audit has to know of the sessions on one side of the split.

    ``sequences`` are fingerprints of the template sequences and ``identities`` those of the
    sessions themselves (see `identities`), one per session. ``start`` and ``end`` are the first
    and last start times (ISO 8601) or None. Fingerprints are all that a bundle has to keep.
    """

    sequences: Hashes
    identities: Hashes
    start: str | None = None
    end: str | None = None

    @classmethod
    def of(cls, sessions: pa.Table) -> Side:
        """From a SESSIONS table."""
        sequences = Sequences.from_arrow(sessions["template_ids"]).fingerprints()
        return replace(cls.between(sessions), sequences=sequences, identities=identities(sessions))

    @classmethod
    def between(cls, sessions: pa.Table) -> Side:
        """Only the times, from the column ``start``; there are no fingerprints."""
        first, last = (pc.min(sessions["start"]), pc.max(sessions["start"]))
        return cls(
            np.empty(0, np.uint64),
            np.empty(0, np.uint64),
            first.as_py().isoformat() if first.is_valid else None,
            last.as_py().isoformat() if last.is_valid else None,
        )


@dataclass(frozen=True, eq=False)
class SequenceFacts:
    """What is measured of template sequences: of each a fingerprint and its length, and how much is unknown.

    ``unknown`` counts the sequences with a template that was never seen in training, ``unknown_events`` their events
    of this kind.
    """

    prints: Hashes
    lengths: npt.NDArray[np.int32]
    unknown: int
    unknown_events: int

    @classmethod
    def of(cls, sequences: Sequences) -> SequenceFacts:
        """From the sequences themselves."""
        strange = sequences.values == UNKNOWN
        events = int(strange.sum())
        rows = int((sequences.sums(strange) > 0).sum()) if events else 0
        return cls(sequences.fingerprints(), sequences.lengths.astype(np.int32), rows, events)

    def __len__(self) -> int:
        return len(self.prints)


def identities(sessions: pa.Table) -> Hashes:
    """A fingerprint of each session that is the same on every machine: of its id and start time.

    A session without a start time is identified by its sequence instead. Two files may both hold a
    window named ``window-0``; they are one session only if these agree too.
    """
    ids = sessions["session_id"].combine_chunks().cast(pa.large_string())
    hashed = np.empty(len(sessions), np.uint64)
    for begin in range(0, len(ids), _BLOCK):
        block = ids.slice(begin, _BLOCK)
        _, ends, letters = block.buffers()
        offsets = np.frombuffer(memoryview(ends or b""), np.int64)[block.offset : block.offset + len(block) + 1]
        text = np.frombuffer(memoryview(letters or b""), np.uint8)[offsets[0] : offsets[-1]]
        hashed[begin : begin + len(block)] = Sequences.of(text.astype(np.int32), offsets - offsets[0]).fingerprints()
    starts = sessions["start"].cast(pa.int64())
    when = starts.fill_null(pa.scalar(0, pa.int64())).to_numpy().astype(np.uint64)
    sequences = Sequences.from_arrow(sessions["template_ids"]).fingerprints()
    other = np.where(starts.is_null().to_numpy(), sequences, when)
    return hashed ^ (other * np.uint64(0x9E3779B97F4A7C15))


def seen_in(train: Hashes, test: Hashes) -> Bools:
    """For each test fingerprint whether it occurs in training."""
    known = np.sort(train)  # not unique: numpy makes a hash table for that, several times as large
    found = np.zeros(len(test), np.bool_)
    for begin in range(0, len(test) if len(known) else 0, _BLOCK):
        block = test[begin : begin + _BLOCK]
        found[begin : begin + _BLOCK] = known[np.minimum(np.searchsorted(known, block), len(known) - 1)] == block
    return found


def distinguishable(train: Hashes, test: Hashes) -> Bools:
    """For each test fingerprint whether `seen_in` can tell; not where only the smallest `MOST_SEEN` were kept."""
    return test <= train.max() if len(train) >= MOST_SEEN else np.ones(len(test), np.bool_)


def audit(
    test: Sequences | SequenceFacts,
    labels: npt.ArrayLike | None = None,
    *,
    train: Side | None = None,
    side: Side | None = None,
    apart: Side | None = None,
) -> dict[str, Any]:
    """Leakage and difficulty of a test part, ready for JSON, with ``notes`` in plain sentences.

    ``test`` are its sequences (one row per session) or the facts about them, ``labels`` say which are anomalous (None:
    not known), ``train`` is the training side, ``side`` the test side, both optional: without them the
    figures that need them are None. ``apart`` are the test sessions that must begin after training (None: all of
    ``side``), where anomalies are held back wherever they are. What limits every detector is shown by
    `logradar.evaluation.caveats`.
    """
    truth = None if labels is None else np.asarray(labels).astype(bool)
    if truth is not None and len(truth) != len(test):
        raise DataError(f"There are {len(truth)} labels for {len(test)} test sessions; give one per session.")
    if isinstance(test, Sequences):
        test = SequenceFacts.of(test)
    prints = test.prints
    facts: dict[str, Any] = {
        "sessions": {"train": len(train.sequences) if train else None, "test": len(test)},
        "anomalies": None if truth is None else int(truth.sum()),
        "prevalence": float(truth.mean()) if truth is not None and len(truth) else None,
        "duplicates": _duplicates(prints),
        "seen_sequences": _seen(prints, truth, train) if train else None,
        "seen_sessions": int(seen_in(train.identities, side.identities).sum()) if train and side else None,
        "contradictions": _contradictions(prints, truth) if truth is not None else None,
        "twins": indistinguishable(prints, truth, train.sequences if train else None) if truth is not None else None,
        "unknown_templates": _unknown(test),
        "time": _time(train, side, apart),
    }
    return {**facts, "notes": notes(facts)}


def overlapping(train: Side, side: Side) -> bool | None:
    """Whether the test lies in the time of training: it begins before training ends and ends after training begins.

    The one place that decides this, for the audit and for stopping a run (decision 0012). A test that is older than
    all of the training does not overlap: nothing of it was learnt. None where either has no times.
    """
    bounds = (side.start, train.end, train.start, side.end)
    if None in bounds:
        return None
    begins, ended, began, ends = (datetime.fromisoformat(str(text)) for text in bounds)
    return begins < ended and ends > began


def notes(facts: dict[str, Any]) -> list[str]:
    """The figures of `audit` that a reader has to know, as sentences; the gravest first."""
    said = [*_leaks(facts), *_difficulty(facts)]
    if facts["sessions"]["train"] is None:
        said.append("What the detectors learned from is not known here, so leaks could not be looked for.")
    return said or ["No leak from training into the test was found."]


def _leaks(facts: dict[str, Any]) -> list[str]:
    said, total = [], facts["sessions"]["test"]
    if facts["seen_sessions"]:
        said.append(
            f"{facts['seen_sessions']:,} of {total:,} test sessions took part in training themselves: "
            "the figures are too good; evaluate on other sessions."
        )
    time = facts["time"]
    if time["overlap"]:
        said.append(
            f"The test ({time['test_from']} to {time['test_until']}) lies in the time of training "
            f"({time['train_from']} to {time['train_until']}): the detectors have seen what came later; split by time."
        )
    if facts["seen_sequences"]:
        said += _repeats(facts["seen_sequences"])
    return said


def _repeats(seen: dict[str, Any]) -> list[str]:
    anomalous, plain = seen["anomalous"], seen["normal"] or seen["all"]
    said = []
    if anomalous and anomalous["of"] and not anomalous["sessions"]:
        said.append(f"None of the {anomalous['of']:,} test anomalies has a sequence that also occurs in training.")
    if plain["sessions"]:
        said.append(
            f"{plain['sessions']:,} of {plain['of']:,} {'normal ' if seen['normal'] else ''}test sessions have a "
            "sequence that also occurs in training: the figures on unseen sequences show how new ones fare."
        )
    return said


def _difficulty(facts: dict[str, Any]) -> list[str]:
    said, total, anomalies = [], facts["sessions"]["test"], facts["anomalies"]
    again = facts["duplicates"]
    if again["sessions"]:
        said.append(
            f"{again['sessions']:,} of {total:,} test sessions repeat the sequence of another one "
            f"({again['distinct']:,} are distinct): see the figures without duplicates."
        )
    unknown = facts["unknown_templates"]
    if unknown["sessions"]:
        said.append(
            f"Test sessions with templates that were never seen in training: {unknown['sessions']:,} "
            f"({unknown['events']:,} events)."
        )
    if anomalies == 0:
        said.append("No test session is labelled anomalous: only false alarms can be measured.")
    elif anomalies is not None and anomalies < _FEW:
        said.append(f"The test has few anomalies ({anomalies:,}): look at the intervals before comparing detectors.")
    return said


def _share(part: int, whole: int) -> dict[str, Any]:
    return {"sessions": part, "of": whole, "share": part / whole if whole else None}


def _duplicates(prints: Hashes) -> dict[str, Any]:
    different = int((np.diff(np.sort(prints)) != 0).sum()) + (len(prints) > 0)
    repeated = len(prints) - different
    return {"sessions": repeated, "distinct": different, "share": repeated / len(prints) if len(prints) else None}


def _seen(prints: Hashes, truth: Bools | None, train: Side) -> dict[str, Any]:
    can = distinguishable(train.sequences, prints)
    prints, truth = prints[can], None if truth is None else truth[can]
    seen = seen_in(train.sequences, prints)
    parts: dict[str, Any] = {"all": _share(int(seen.sum()), len(seen)), "normal": None, "anomalous": None}
    if truth is not None:
        parts["normal"] = _share(int(seen[~truth].sum()), int((~truth).sum()))
        parts["anomalous"] = _share(int(seen[truth].sum()), int(truth.sum()))
    return parts


def _contradictions(prints: Hashes, truth: Bools) -> dict[str, int]:
    """Sequences that occur with both labels, and the sessions of each label that have one."""
    both = np.intersect1d(prints[truth], prints[~truth])
    torn = np.isin(prints, both)
    return {
        "sequences": len(both),
        "anomalies": int((torn & truth).sum()),
        "normal": int((torn & ~truth).sum()),
    }


def _unknown(test: SequenceFacts) -> dict[str, Any]:
    events = int(test.lengths.sum(dtype=np.int64))
    return {
        "sessions": test.unknown,
        "events": test.unknown_events,
        "share_of_events": test.unknown_events / events if events else None,
    }


def _time(train: Side | None, test: Side | None, apart: Side | None) -> dict[str, Any]:
    times = {
        "train_from": train.start if train else None,
        "train_until": train.end if train else None,
        "test_from": test.start if test else None,
        "test_until": test.end if test else None,
    }
    side = apart or test
    return {**times, "overlap": overlapping(train, side) if train and side else None}
