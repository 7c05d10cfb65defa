"""Feedback: record in a bundle which alerts were false alarms and which were real, so that both are recognised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from logradar.alerting.feedback import Accepted, Feedback, explains
from logradar.core.bundle import amending
from logradar.core.errors import InputError, did_you_mean
from logradar.core.locks import locked
from logradar.model.bundle import FEEDBACK, Bundle
from logradar.pipeline.alert_files import Kind, ListedAlert, listed_alerts

Normal = Callable[[Mapping[str, int]], bool]


@dataclass(frozen=True)
class Verdicts:
    """What a person says of the alerts of a file; an alert is named by its id or that of its session.

    ``false_alarms`` are harmless, ``all_of`` with all alerts of their kinds; everything that began at or after
    ``normal_since`` is. ``anomalies`` are real. ``undo`` takes earlier verdicts back.
    """

    false_alarms: tuple[str, ...] = ()
    all_of: tuple[str, ...] = ()
    normal_since: datetime | None = None
    anomalies: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()

    @property
    def of_alerts(self) -> bool:
        """Whether they need a file of alerts."""
        return bool(self.false_alarms or self.all_of or self.normal_since or self.anomalies)


@dataclass
class _Bulk:
    """What became of many alerts that were accepted at once."""

    by: str
    entries: list[Accepted] = field(default_factory=list)
    kinds: dict[Kind, tuple[ListedAlert, int]] = field(default_factory=dict)  # the first one, and how many
    before: set[Kind] = field(default_factory=set)
    refused: list[dict[str, str]] = field(default_factory=list)

    def document(self, texts: dict[int, str]) -> dict[str, Any]:
        return {
            "undo": self.by,
            "alerts": sum(count for _, count in self.kinds.values()),
            "kinds": [
                {
                    "finding": first.signature.describe(texts),
                    "alerts": count,
                    "example": first.id,
                    "before": kind in self.before,
                }
                for kind, (first, count) in sorted(self.kinds.items(), key=lambda item: -item[1][1])
            ],
            "refused": self.refused,
        }


def give_feedback(bundle: Path, alerts: Path | None, verdicts: Verdicts) -> dict[str, Any]:
    """Store ``verdicts`` on the alerts of a file in the bundle, and return all that is stored now.

    ``alerts`` is a file that ``detect -o`` wrote. The bundle is written again and sealed. ``given`` of the result says
    of each verdict on many alerts how many and which kinds it was about. Raises `InputError` for ids that the file
    does not have, for a file without alerts or with those of another bundle, and for an alert that would hide too much.
    """
    with locked(bundle, exclusive=True):  # several calls at once wait for one another: each adds to the one before
        return _given(bundle, alerts, verdicts)


def _given(bundle: Path, file: Path | None, verdicts: Verdicts) -> dict[str, Any]:
    loaded = Bundle.load(bundle)
    if verdicts.of_alerts and file is None:
        raise InputError("Name the file of alerts too, as `logradar detect … -o alerts.json` writes it.")
    if file is not None and not verdicts.of_alerts:
        raise InputError(
            "Say which alerts are false alarms (--false-alarm ID, --all-of ID, --normal-since TIME), or real ones "
            "(--anomaly ID)."
        )
    if both := {*verdicts.anomalies} & {*verdicts.false_alarms, *verdicts.all_of}:
        raise InputError(f"Alert '{sorted(both)[0]}' cannot be a false alarm and an anomaly; say one of them.")
    normal: Normal = loaded.memory.normal if loaded.memory is not None else lambda counts: False
    feedback, bulks = loaded.feedback.without(verdicts.undo), []
    if file is not None:
        listed = listed_alerts(file)
        feedback = feedback.confirm(one.accepted() for one in _chosen(listed, verdicts.anomalies, file, loaded))
        for one in _chosen(listed, verdicts.false_alarms, file, loaded):
            if (why := feedback.too_much(one.signature, normal)) is not None:
                raise InputError(f"Alert '{one.id}' cannot be accepted as harmless: it {why}.")
            feedback = feedback.add([one.accepted()])
        for one in _chosen(listed, verdicts.all_of, file, loaded):
            same = [other for other in listed if _signed(other, loaded) and other.kind == one.kind]
            bulks.append(_many(f"all-of:{one.id}", same, feedback, normal))
            feedback = feedback.add(bulks[-1].entries)
        if verdicts.normal_since is not None:
            bulks.append(_since(listed, verdicts.normal_since, feedback, normal, loaded, file))
            feedback = feedback.add(bulks[-1].entries)
    if feedback != loaded.feedback:
        with amending(bundle) as draft:
            (draft / FEEDBACK).unlink(missing_ok=True)
            if feedback:
                (draft / FEEDBACK).write_text(feedback.to_json() + "\n", "utf-8")
    return _document(bundle, feedback, bulks, loaded.texts)


def _document(bundle: Path, feedback: Feedback, bulks: list[_Bulk], texts: dict[int, str]) -> dict[str, Any]:
    accepted, confirmed = (
        [{**one.model_dump(exclude={"signature"}), "finding": one.signature.describe(texts)} for one in entries]
        for entries in (feedback.accepted, feedback.confirmed)
    )
    given = [bulk.document(texts) for bulk in bulks]
    return {"bundle": str(bundle), "accepted": accepted, "confirmed": confirmed, "given": given}


def _since(
    listed: list[ListedAlert], moment: datetime, feedback: Feedback, normal: Normal, bundle: Bundle, file: Path
) -> _Bulk:
    """Everything that began at or after a moment."""
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    chosen = [one for one in listed if one.began is not None and one.began >= moment]
    if not chosen:
        timed = [one.began for one in listed if one.began is not None]
        last = f"the last one began at {max(timed):%Y-%m-%d %H:%M:%S %Z}" if timed else "none of them has a time"
        raise InputError(f"No alert of '{file}' began at or after {moment:%Y-%m-%d %H:%M:%S %Z}; {last}.")
    bulk = _many(
        f"normal-since:{moment.isoformat()}", [one for one in chosen if _signed(one, bundle)], feedback, normal
    )
    bulk.refused += [
        {"alert": one.id, "why": "has no signature, by which it could be recognised"}
        for one in chosen
        if not one.row.get("signature")
    ]
    earlier = {one.kind for one in listed if one.began is not None and one.began < moment and _signed(one, bundle)}
    bulk.before = earlier & bulk.kinds.keys()
    return bulk


def _many(by: str, alerts: list[ListedAlert], feedback: Feedback, normal: Normal) -> _Bulk:
    """Accept many alerts: one entry for each signature that no other one of its kind explains."""
    bulk = _Bulk(by)
    by_kind: dict[Kind, list[Accepted]] = {}
    confirmed = {one.id for one in feedback.confirmed}
    for alert in alerts:
        why = "was confirmed as an anomaly" if alert.id in confirmed else feedback.too_much(alert.signature, normal)
        if why is not None:
            bulk.refused.append({"alert": alert.id, "why": why})
            continue
        first, count = bulk.kinds.get(alert.kind, (alert, 0))
        bulk.kinds[alert.kind] = first, count + 1
        entries = by_kind.setdefault(alert.kind, [])
        for place, entry in enumerate(entries):
            if explains(entry.signature, alert.signature, normal):
                entries[place] = entry.model_copy(update={"alerts": entry.alerts + 1})
                break
        else:
            entries.append(alert.accepted(by=by))
    bulk.entries = [entry for entries in by_kind.values() for entry in entries]
    return bulk


def _chosen(alerts: list[ListedAlert], ids: Iterable[str], file: Path, bundle: Bundle) -> list[ListedAlert]:
    """The alerts with these ids, each once; they must be those of this bundle."""
    known = {name: alert for alert in alerts for name in (alert.session_id, alert.id) if name}
    chosen = []
    for id_ in dict.fromkeys(ids):
        if id_ not in known:
            raise InputError(f"'{file}' has no alert '{id_}'; {_suggestion(id_, known, len(alerts))}")
        _require_own(known[id_], bundle)
        chosen.append(known[id_])
    return list(dict.fromkeys(chosen))


def _signed(alert: ListedAlert, bundle: Bundle) -> bool:
    """Whether an alert has a signature; `InputError` where it is one of another bundle."""
    if not alert.row.get("signature"):
        return False
    _require_own(alert, bundle)
    return True


def _require_own(alert: ListedAlert, bundle: Bundle) -> None:
    if alert.signature.bundle != bundle.identity:
        raise InputError(
            f"'{alert.file}' has alerts of another bundle, or from before a review of this one; run `logradar detect` "
            "with this bundle again."
        )


def _suggestion(word: str, known: Mapping[str, Any], count: int) -> str:
    if not known:
        return "it has no alerts."
    suggestion = did_you_mean(word, known)
    return suggestion if suggestion.startswith("did you") else f"it has {count:,} alerts with other ids."
