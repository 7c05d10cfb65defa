"""Remarks on an inventory: what a person should check before training on it, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from logradar.core.formatting import counted, joined, number, percent, visible

_FEW: Final = 30  # with fewer sessions, shares and changes mean little
_TIMES: Final = 3.0  # a service is reported when its share of errors is more than so many times that of the input
_NAMED: Final = 3  # names listed in a sentence
_LONG: Final = 7_300  # days; no log covers a longer time
_GROWING: Final = 0.01  # a vocabulary is growing when the last tenth of the input adds more than this share
_FIFTH: Final = 5  # a day is reported when it has so many times fewer or more sessions than the median day


def remarks(facts: Mapping[str, Any]) -> list[str]:
    """What deserves attention, most urgent first."""
    return [*facts.get("remarks", []), *_on_faults(facts), *_on_days(facts), *_on_services(facts), *_on_content(facts)]


def _on_faults(facts: Mapping[str, Any]) -> Iterator[str]:
    kept = sum(kind["count"] for kind in facts["fault_kinds"] if kind["kept"])
    if facts["lost"]:
        where = [row for row in facts.get("by_file", []) if row["lost"]]
        within = f" in {number(len(where))} of {counted(facts['file_count'], 'file')}" if where else ""
        yield f"{counted(facts['lost'], 'piece')} of the input could not be used{within}: see the faults."
    if kept:
        yield f"{counted(kept, 'fault')} in sessions that were kept: padding, lengths or keys that do not fit."
    if facts["repeated_session_ids"]:
        verb = "occurs" if facts["repeated_session_ids"] == 1 else "occur"
        yield f"{counted(facts['repeated_session_ids'], 'session id')} {verb} more than once in the same file."


def _on_days(facts: Mapping[str, Any]) -> Iterator[str]:
    if facts["missing_days"]:
        verb = "has" if facts["missing_days"] == 1 else "have"
        named = _first_names(facts["first_missing_days"], facts["missing_days"])
        yield f"{counted(facts['missing_days'], 'day')} between the first and the last {verb} no data: {named}."
    if facts["days"] and facts["days"] > _LONG:
        yield f"The days reach from {facts['from'][:10]} to {facts['until'][:10]}: some dates must be wrong."
    sizes = {row["day"]: row["sessions"] for row in facts["by_day"]}
    if len(sizes) < 7:
        return
    median = float(np.median(list(sizes.values())))
    if median < _FEW:
        return
    low = [day for day, size in sizes.items() if size < median / _FIFTH]
    high = [day for day, size in sizes.items() if size > median * _FIFTH]
    for days, words in ((low, "less than a fifth of"), (high, "more than five times")):
        if days:
            verb = "has" if len(days) == 1 else "have"
            named = _first_names(days, len(days))
            yield f"{named} {verb} {words} the sessions of the median day ({number(round(median))})."


def _on_services(facts: Mapping[str, Any]) -> Iterator[str]:
    overall = facts["error_share"]
    if not overall:
        return
    failing = [
        row
        for row in facts["by_service"]
        if row["error_share"] and row["sessions"] >= _FEW and row["error_share"] > _TIMES * overall
    ]
    if failing:
        named = [f"{visible(row['service'])} ({percent(row['error_share'])})" for row in failing[:_NAMED]]
        yield f"Errors are far more frequent than in all sessions ({percent(overall)}) in {joined(named)}."


def _on_content(facts: Mapping[str, Any]) -> Iterator[str]:
    words = facts["vocabulary"]
    if words["full"]:
        yield f"There are more than {number(words['size'])} {words['of']}: too many to be kinds of events."
    points = words["growth"]
    if words["size"] >= 20 and points[-1][0] >= 1_000:
        before = max((met for place, met in points if place <= 0.9 * points[-1][0]), default=0)
        late = words["size"] - before
        if late > _GROWING * words["size"]:
            yield (
                f"The last tenth of the {words['over']} still has {number(late)} new {words['of']}: a model that "
                f"is trained on this input will meet more {words['of']} that it has never seen."
            )
    sessions = facts["sessions"]
    if sessions and facts["duplicate_sessions"] > sessions / 2:
        yield f"{percent(facts['duplicate_sessions'] / sessions)} of the sessions repeat an earlier one word for word."
    if truncated := _on_truncation(facts):
        yield truncated
    if sessions and facts["error_share"] is None:
        yield "The input does not say which sessions have errors."


def _on_truncation(facts: Mapping[str, Any]) -> str:
    lengths = [int(length) for length in facts.get("padded_length", {}) if str(length).isdigit()]
    if not lengths:
        return ""
    longer = sum(count for low, _, count in facts["length_histogram"] if low > max(lengths))
    if not longer:
        return ""
    are = "is" if longer == 1 else "are"
    return (
        f"{counted(longer, 'session')} {are} longer than the {max(lengths)} places of token_ids, which keep only the "
        "beginning."
    )


def _first_names(names: list[str], count: int) -> str:
    """The first names of a list, and how many more of ``count`` there are."""
    more = count - min(len(names), _NAMED)
    return joined([*names[:_NAMED], f"{number(more)} more"] if more > 0 else names[:_NAMED])
