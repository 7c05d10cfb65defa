"""Oddities: the signature of every alert, and which of them feedback explains."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from logradar.alerting.signature import Signature
from logradar.core.sequences import Sequences
from logradar.core.session_view import TEMPLATE_IDS
from logradar.core.tables import UNKNOWN
from logradar.parsing.masking import mask
from logradar.parsing.templates import TemplateMiner

if TYPE_CHECKING:
    from logradar.model.bundle import Bundle

MOST_EVENTS: Final = 10_000  # of a session that can be given feedback on
_CLIPPED: Final = 200  # characters of an unseen message
_NUMBER = re.compile(r"\d[\d.,:]*")
Lines = Callable[[list[int]], pa.Table]
Judge = Callable[[Sequence[Signature | None], Callable[[int, Signature], bool]], list[str | None]]
Findings = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class SessionSignature:
    """The signature of a session, with how often each event occurs in it."""

    signature: Signature
    counts: Counter[str]


def signatures(bundle: Bundle, sessions: pa.Table, findings: pa.Table, lines: Lines) -> list[SessionSignature | None]:
    """How each of ``sessions``, which are known to be anomalous, differs from normal ones.

    None where it cannot be said: where the bundle keeps no normal sequences, for sessions of more than 10,000
    events, and where an unseen message has no text.
    """
    memory = bundle.memory
    if memory is None or not len(memory):
        return [None] * len(sessions)
    identity, names = bundle.identity, _names(bundle, sessions, lines)
    by_session, valued = _by_session(findings), _of_values(bundle, sessions)
    sequences = Sequences.from_arrow(sessions["template_ids"])
    prints, exact = sequences.fingerprints(), memory.repeats
    found: list[SessionSignature | None] = []
    met: dict[tuple[str, ...], tuple[dict[str, int], frozenset[tuple[str, str]]]] = {}  # logs repeat
    for row, session_id in enumerate(sessions["session_id"].to_pylist()):
        events = names[row]
        if events is None:
            found.append(None)
            continue
        counts = Counter(events)
        some: dict[str, Any] = {
            "bundle": identity,
            "sequence": f"{int(prints[row]):016x}",
            "unseen": tuple(sorted(event for event in counts if event.startswith("?"))),
        }
        every = by_session.get(session_id, [])
        if exact:
            over = [finding for finding in valued.get(session_id, []) if finding["over"]]
            key = tuple(events)
            if key not in met:
                closed = ["", *events, ""]
                new = frozenset(run for run in pairwise(closed) if not memory.follows(*run))
                met[key] = memory.added(counts), new
            some |= _exact(events, counts, every, *met[key]) | {"findings": _keys(events, over)}
        else:
            some |= {"loose": True, "findings": _keys(events, every)}
        try:
            signature = Signature(**some)
        except ValidationError:  # more of something than a signature takes
            found.append(None)
            continue
        if signature.bare and valued.get(session_id):
            signature = signature.model_copy(update={"findings": _keys(events, valued[session_id])})
        found.append(SessionSignature(signature, counts))
    return found


def suppressed_by(bundle: Bundle, found: list[SessionSignature | None]) -> list[str | None]:
    """For each signature the id of the accepted alert that explains it, or None."""
    return _judged(bundle, found, bundle.feedback.silences) if len(bundle.feedback) else [None] * len(found)


def confirmed_by(bundle: Bundle, found: list[SessionSignature | None]) -> list[str | None]:
    """For each signature the id of the alert, confirmed as an anomaly, that it is like, or None."""
    known = bundle.feedback.confirmed
    return _judged(bundle, found, bundle.feedback.recognises) if known else [None] * len(found)


def _judged(bundle: Bundle, found: list[SessionSignature | None], judge: Judge) -> list[str | None]:
    if bundle.memory is None:
        return [None] * len(found)
    memory = bundle.memory

    def normal_without(number: int, accepted: Signature) -> bool:
        signature = found[number]
        assert signature is not None
        return accepted.leaves_normal(signature.counts, memory.normal)

    return judge([one.signature if one else None for one in found], normal_without)


def _exact(
    events: list[str],
    counts: Counter[str],
    findings: list[dict[str, Any]],
    added: dict[str, int],
    new: frozenset[tuple[str, str]],
) -> dict[str, Any]:
    closed = ["", *events]
    reported = {
        (closed[f["position"]], events[f["position"]])
        for f in findings
        if f["position"] is not None and f["position"] < len(events)
    }
    contexts = {run for run in reported - new if run[1] not in added}
    nearest = Counter(counts)
    nearest.subtract(added)
    kept = {event: count for event, count in nearest.items() if count}
    return {"added": added, "nearest": kept, "runs": tuple(sorted(new)), "contexts": tuple(sorted(contexts))}


def _keys(events: list[str], findings: list[dict[str, Any]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for finding in findings:
        place = finding["position"]
        about = str(finding["template_id"] or "") if place is None or place >= len(events) else events[place]
        key = f"{about}|{_NUMBER.sub('#', finding['reason'])}"
        found[key] = max(found.get(key, 0.0), round(float(finding["weight"]), 6))
    return found


def _by_session(findings: pa.Table) -> Findings:
    found: Findings = defaultdict(list)
    for finding in findings.select(["session_id", "position", "template_id", "reason", "weight"]).to_pylist():
        found[finding["session_id"]].append(finding | {"over": True})
    return found


def _of_values(bundle: Bundle, sessions: pa.Table) -> Findings:
    """What detectors that look at values say; ``over`` where their own threshold is passed."""
    found: Findings = defaultdict(list)
    for name, detector in (bundle.main.members or {bundle.settings.detector: bundle.main}).items():
        if detector.inputs == TEMPLATE_IDS:
            continue
        limit = bundle.thresholds[name].value if name in bundle.thresholds else 0.0
        over = dict(
            zip(
                sessions["session_id"].to_pylist(),
                pc.greater(detector.score(sessions)["score"], limit).to_pylist(),
                strict=True,
            )
        )
        for session_id, findings in _by_session(detector.explain(sessions)).items():
            found[session_id] += [finding | {"over": over[session_id]} for finding in findings]
    return found


def _names(bundle: Bundle, sessions: pa.Table, lines: Lines) -> list[list[str] | None]:
    """The events of each session by name; an unseen one by its masked text, so that two of them stay distinct."""
    sequences = Sequences.from_arrow(sessions["template_ids"])
    records = Sequences.from_arrow(sessions["record_ids"].cast(pa.list_(pa.int64())))
    short = sequences.lengths <= MOST_EVENTS
    rows = sequences.rows
    named = short & (sequences.lengths == records.lengths)
    places = np.flatnonzero((sequences.values == UNKNOWN) & named[rows])
    from_start = places - sequences.offsets[rows[places]]
    numbers = records.values[records.offsets[rows[places]] + from_start]
    record_of = dict(zip(places.tolist(), numbers.tolist(), strict=True))
    texts = _masked(bundle, sorted(set(record_of.values())), lines)
    found: list[list[str] | None] = []
    for row in range(len(sequences)):
        first = int(sequences.offsets[row])
        names = [
            f"?{texts.get(record_of.get(first + i, -1), '')}" if event == UNKNOWN else str(event)
            for i, event in enumerate(sequences[row].tolist() if short[row] else [])
        ]
        found.append(names if short[row] and "?" not in names else None)
    return found


def _masked(bundle: Bundle, record_ids: list[int], lines: Lines) -> dict[int, str]:
    if not record_ids:
        return {}
    table = lines(record_ids)
    texts = table["body"]
    if isinstance(bundle.miner, TemplateMiner):
        texts = bundle.miner.without_keys(texts, table["session_key"])
    bodies = pl.Series("body", texts.to_pylist(), pl.String).str.split("\n").list.first()
    texts = mask(bodies, bundle.settings.parsing.masking).to_list()
    plain = [" ".join(word for word, _ in groupby(text.split()))[:_CLIPPED] for text in texts]  # lists of any length
    return dict(zip(table["record_id"].to_pylist(), plain, strict=True))
