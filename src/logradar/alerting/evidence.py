"""Evidence: which lines of an anomalous session show a person what is unusual, and in which order.

First come messages that the training data does not have and lines of level WARN or worse, the worst first; then what
else the detector found. Each line is named once by each finding, and a message that comes again is shown once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from logradar.core.formatting import level_word
from logradar.core.sequences import Sequences
from logradar.core.tables import ERROR, UNKNOWN, WARN
from logradar.core.telling_words import MEDIUM, READ, weights

EVIDENCE_SHOWN: Final = 5
UNSEEN: Final = "(a message that is not in the training data)"
_CANDIDATES: Final = 8  # lines of one session that may be added to what the detector found
_AT_ONCE: Final = 50_000  # lines that are fetched together
_GIST: Final = 120  # characters by which two unseen messages are compared
_VARIABLE = re.compile(r"0x[0-9a-fA-F]+|[0-9a-fA-F-]{8,}|\d+")

Lines = Callable[[list[int]], pa.Table]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Facts:
    """What is known of the lines of one session, one entry per event.

    ``levels`` are SeverityNumbers, 0 where a line has none. ``services`` are numbers of ``names``, -1 for none.
    ``templates`` are template ids, `UNKNOWN` for a message that is not in the training data. ``alarming``: one of these
    messages says that something failed (`core.telling_words`).
    """

    levels: npt.NDArray[np.int8]
    services: npt.NDArray[np.int32]
    templates: npt.NDArray[np.int32]
    names: list[str]
    alarming: bool = False

    def urgency(self) -> Ints:
        """Of each line: 5 for a new message, plus 3 for ERROR or worse, 2 for WARN."""
        levels = self.levels
        worse = np.where(levels >= ERROR, 3, np.where(levels >= WARN, 2, 0))
        found: Ints = 5 * (self.templates == UNKNOWN) + worse
        return found

    def of_services(self, rows: Ints) -> list[str]:
        """The services of the lines at ``rows``, each once, in order of its first line there."""
        numbers = dict.fromkeys(self.services[rows].tolist())
        return [self.names[number] for number in numbers if number >= 0]


def facts_of(sessions: pa.Table, lines: Lines) -> list[Facts]:
    """The facts of each of SESSIONS; ``lines`` returns the LOG_RECORDS of given record ids, in any order.

    Lines are fetched in pieces, and only their level and service is kept, and whether a new message is alarming.
    """
    records = Sequences.from_arrow(sessions["record_ids"].cast(pa.list_(pa.int64())))
    ids = Sequences.from_arrow(sessions["template_ids"])
    wanted, row = np.unique(records.values, return_inverse=True)
    levels, services = np.zeros(len(wanted), np.int8), np.full(len(wanted), -1, np.int32)
    new, alarming = np.zeros(len(wanted), bool), np.zeros(len(wanted), bool)
    if len(ids.values) == len(records.values):
        new[row[ids.values == UNKNOWN]] = True
    known: dict[str, int] = {}
    for first in range(0, len(wanted), _AT_ONCE):
        table = lines(wanted[first : first + _AT_ONCE].tolist())
        numbers = table["record_id"].to_numpy()
        place = np.minimum(np.searchsorted(wanted, numbers), len(wanted) - 1)
        inside = np.flatnonzero(wanted[place] == numbers)  # more lines than were asked for may come
        levels[place[inside]] = table["level"].fill_null(0).to_numpy()[inside]
        services[place[inside]] = _numbered(table["service"], known)[inside]
        alarms = inside[new[place[inside]]]
        alarming[place[alarms]] = _alarming(table["body"].take(pa.array(alarms)))
    names = list(known)
    found = []
    for number, (begin, end) in enumerate(zip(records.offsets[:-1], records.offsets[1:], strict=True)):
        templates = ids[number] if len(ids[number]) == end - begin else np.zeros(end - begin, np.int32)
        mine = row[begin:end]
        found.append(Facts(levels[mine], services[mine], templates, names, bool(alarming[mine].any())))
    return found


def _alarming(bodies: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Whether the first line of each of some messages says that something failed."""
    texts = pl.Series(bodies.to_pylist(), dtype=pl.String)
    return (weights(texts.str.slice(0, READ).str.split("\n").list.first()) >= MEDIUM).fill_null(False).to_numpy()


def _numbered(column: pa.ChunkedArray, known: dict[str, int]) -> npt.NDArray[np.int32]:
    """The numbers of names, -1 for null; ``known`` learns new names."""
    found = [np.empty(0, np.int32)]
    for chunk in column.chunks:
        names = chunk.dictionary.to_pylist()
        numbers = [*(-1 if name is None else known.setdefault(name, len(known)) for name in names), -1]
        found.append(np.array(numbers, np.int32)[chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False)])
    return np.concatenate(found)


@dataclass(frozen=True)
class Chosen:
    """A line of a session that is shown: ``finding`` is what the detector says of it, None where it says nothing.

    ``place`` is the number of the event, None for a finding about the session as a whole. ``unseen``: the message is
    not in the training data; ``main``: it is the most important finding, which is shown in any case.
    """

    urgency: int
    place: int | None
    finding: Mapping[str, Any] | None = None
    unseen: bool = False
    main: bool = False


def unusual(facts: Facts, findings: Collection[Mapping[str, Any]]) -> Ints:
    """The numbers of the unusual lines of a session, the most unusual first; equal ones in their order.

    Unusual are new messages, lines at WARN or worse, and those that a finding is about, by place or by template.
    """
    urgency = facts.urgency()
    about = np.zeros(len(urgency), bool)
    missing = {f["template_id"] for f in findings if f["position"] is None and f["template_id"] is not None}
    for finding in findings:
        if finding["position"] is not None and finding["position"] < len(about):
            about[finding["position"]] = True
    about |= np.isin(facts.templates, list(missing - {UNKNOWN}))
    weight = 2 * urgency + about
    rows = np.flatnonzero(weight)
    return rows[np.argsort(-weight[rows], kind="stable")]


def choose(facts: Facts, findings: list[Mapping[str, Any]]) -> list[Chosen]:
    """What may be shown of a session, the most telling first; more than `EVIDENCE_SHOWN`, as some may be equal.

    ``findings`` are FINDINGS of the session, most important first. The line of the first one is never left out.
    """
    urgency = facts.urgency()
    found: list[Chosen] = []
    said: set[int | None] = set()
    for number, finding in enumerate(findings):
        place = finding["position"]
        first = place is not None and place < len(urgency) and place not in said
        found.append(Chosen(int(urgency[place]) if first else 0, place, finding, main=not number))
        said.add(place)
    rows = np.flatnonzero(urgency)
    rows = rows[np.argsort(-urgency[rows], kind="stable")]
    templates = {int(facts.templates[p]) for p in said if p is not None and p < len(urgency)} - {UNKNOWN}
    added = 0
    for row in rows.tolist():
        template = int(facts.templates[row])
        if row in said or template in templates or added == _CANDIDATES:
            continue
        if template != UNKNOWN:
            templates.add(template)
        found.append(Chosen(int(urgency[row]), row, unseen=template == UNKNOWN))
        added += 1
    return sorted(found, key=lambda one: -one.urgency)


def shown(
    chosen: list[Chosen], record_ids: list[int], records: Mapping[int, dict[str, Any]], texts: Mapping[int, str]
) -> list[dict[str, Any]]:
    """EVIDENCE of one session from what was chosen, at most `EVIDENCE_SHOWN`; an equal message comes after others.

    ``records`` are LOG_RECORDS by id, of the chosen lines at least; ``texts`` are templates by id.
    """
    fresh: list[Chosen] = []
    again: list[Chosen] = []
    gists: dict[str, int | None] = {}
    for one in chosen:
        body = str(records.get(record_of(record_ids, one.place), {}).get("body") or "")
        gist = _VARIABLE.sub("#", body.partition("\n")[0])[:_GIST]
        if one.place is None or gists.setdefault(gist, one.place) == one.place:
            fresh.append(one)
        elif one.finding is not None:
            again.append(one)
    kept = [*fresh, *again][:EVIDENCE_SHOWN]
    if not any(one.main for one in kept):
        kept[EVIDENCE_SHOWN - 1 :] = [one for one in chosen if one.main]
    return [_evidence(one, record_ids, records, texts) for one in kept]


def record_of(record_ids: list[int], place: int | None) -> int:
    """The record of event number ``place``, of the last one for None; -1 where a session has no record."""
    if not record_ids:
        return -1
    return record_ids[-1 if place is None else min(place, len(record_ids) - 1)]


def _evidence(
    one: Chosen, record_ids: list[int], records: Mapping[int, dict[str, Any]], texts: Mapping[int, str]
) -> dict[str, Any]:
    number = record_of(record_ids, one.place)
    record = records.get(number, {})
    if one.finding is None:
        reason = "a message that is not in the training data" if one.unseen else f"a line of level {_word(record)}"
    else:
        about, reason = one.finding["template_id"], one.finding["reason"]
        if about is not None and one.place is None:
            reason = f"«{texts.get(about, UNSEEN)}» {reason}"
    return {
        "record_id": number if number >= 0 else None,
        **{name: record.get(name) for name in ("source", "line", "timestamp", "level", "service", "body")},
        "reason": reason,
        "expected": [
            {
                "template_id": item["template_id"],
                "template": UNSEEN if item["template_id"] == UNKNOWN else texts.get(item["template_id"], UNSEEN),
                "probability": item["probability"],
            }
            for item in (one.finding["expected"] if one.finding is not None else ())
        ],
    }


def _word(record: Mapping[str, Any]) -> str:
    return level_word(record.get("level"))
