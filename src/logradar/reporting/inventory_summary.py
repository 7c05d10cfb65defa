"""Remarks on an inventory: what a person should look at before training on it, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from logradar.core.formatting import counted, joined, number, percent, visible

_FEW: Final = 30  # sessions below which shares and changes mean little
_TIMES: Final = 3.0  # the share of errors over the usual one from which on a service stands out
_NAMED: Final = 3
_LONG: Final = 7_300  # days over which no log was kept
_GROWING: Final = 0.01  # new words among the last tenth of the input


def remarks(facts: Mapping[str, Any]) -> list[str]:
    """What stands out, most urgent first."""
    return [*_on_faults(facts), *_on_days(facts), *_on_services(facts), *_on_content(facts)]


def _on_faults(facts: Mapping[str, Any]) -> Iterator[str]:
    kept = sum(kind["count"] for kind in facts["fault_kinds"] if kind["kept"])
    if facts["lost"]:
        where = [row for row in facts.get("by_file", []) if row["lost"]]
        within = f" in {number(len(where))} of {counted(facts['file_count'], 'file')}" if where else ""
        yield f"{counted(facts['lost'], 'piece')} of the input could not be used{within}: see the faults."
    if kept:
        yield f"{counted(kept, 'oddity')} in sessions that were kept: padding, lengths or keys that do not fit."
    if facts["repeated_session_ids"]:
        yield f"{counted(facts['repeated_session_ids'], 'session id')} had been there before in the same file."


def _on_days(facts: Mapping[str, Any]) -> Iterator[str]:
    if facts["missing_days"]:
        some = facts["first_missing_days"][:_NAMED]
        more = facts["missing_days"] - len(some)
        named = joined([*some, f"{number(more)} more"] if more else some)
        yield f"{counted(facts['missing_days'], 'day')} between the first and the last {_has(facts)} no data: {named}."
    if facts["days"] and facts["days"] > _LONG:
        yield f"The days reach from {facts['from'][:10]} to {facts['until'][:10]}: some dates must be wrong."
    sizes = {row["day"]: row["sessions"] for row in facts["by_day"]}
    if len(sizes) < 7:
        return
    usual = float(np.median(list(sizes.values())))
    if usual < _FEW:
        return
    low = [day for day, size in sizes.items() if size < usual / 5]
    high = [day for day, size in sizes.items() if size > usual * 5]
    for days, words in ((low, "less than a fifth of"), (high, "more than five times")):
        if days:
            verb = "has" if len(days) == 1 else "have"
            yield f"{_some(days)} {verb} {words} the sessions of a usual day ({number(round(usual))})."


def _on_services(facts: Mapping[str, Any]) -> Iterator[str]:
    usual = facts["error_share"]
    odd = [
        row
        for row in facts["by_service"]
        if usual and row["error_share"] and row["sessions"] >= _FEW and row["error_share"] > _TIMES * usual
    ]
    if odd:
        named = [f"{visible(row['service'])} ({percent(row['error_share'])})" for row in odd[:_NAMED]]
        yield f"Errors are far more frequent than usual ({percent(usual)}) in {joined(named)}."


def _on_content(facts: Mapping[str, Any]) -> Iterator[str]:
    words = facts["vocabulary"]
    if words["full"]:
        yield f"There are more than {number(words['size'])} {words['of']}: they hardly stand for kinds of events."
    points = words["growth"]
    if words["size"] >= 20 and points[-1][0] >= 1_000:
        before = max((met for place, met in points if place <= 0.9 * points[-1][0]), default=0)
        late = words["size"] - before
        if late > _GROWING * words["size"]:
            yield (
                f"The last tenth of the {words['over']} still brought {number(late)} new {words['of']}: a model that "
                "is trained on this will meet more that it has never seen."
            )
    sessions = facts["sessions"]
    if sessions and facts["duplicate_sessions"] > sessions / 2:
        yield f"{percent(facts['duplicate_sessions'] / sessions)} of the sessions repeat an earlier one word for word."
    if cut := _cut(facts):
        yield cut
    if sessions and facts["error_share"] is None:
        yield "Nothing tells which sessions have errors."


def _cut(facts: Mapping[str, Any]) -> str:
    lengths = [int(length) for length in facts.get("padded_length", {}) if str(length).isdigit()]
    if not lengths:
        return ""
    longer = sum(count for low, _, count in facts["length_histogram"] if low > max(lengths))
    if not longer:
        return ""
    are = "is" if longer == 1 else "are"
    return f"{counted(longer, 'session')} {are} longer than token_ids has room for ({max(lengths)}), and cut there."


def _has(facts: Mapping[str, Any]) -> str:
    return "has" if facts["missing_days"] == 1 else "have"


def _some(days: list[str]) -> str:
    more = len(days) - _NAMED
    return joined([*days[:_NAMED], f"{number(more)} more"] if more > 0 else days)
