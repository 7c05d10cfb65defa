"""What a difference says in words: the headline, figures, and why each line is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from logradar.core.formatting import NO_TIME, counted, moment, number

MARKED: Final = 10  # lines of one log that are marked as the first ones
_SURE: Final = 0.001  # p below which no further digits help


def headline(document: Mapping[str, Any], most: int | None = None) -> str:
    """The result in one sentence; where ``most`` lines are shown, of these."""
    if document["mode"] == "lines":
        shown = len(document["lines"]) if most is None else min(most, len(document["lines"]))
        return f"The {counted(shown, 'record')} of {number(document['bad']['records'])} that tell most."
    counts = document["counts"]
    if not any(counts[what] for what in ("new", "gone", "more", "less")):
        return "No differences: the runs say the same."
    if document["new"]:
        surest = min((one for one in document["groups"] if one["new"]), key=lambda one: one["p"])
        return f"The bad run has {_kinds(surest['new'], surest['name'])} that {_no_good(document)}; {_chance(surest)}."
    if counts["new"]:
        urgent = max(document["groups"], key=lambda one: one["new"])
        said = f"{_kinds(counts['new'], 'lines')} {'is' if counts['new'] == 1 else 'are'} new, "
        if not urgent["new"]:
            return f"{said}no warning or error among them."
        return f"{said}{urgent['new']} of {urgent['name']}, which may be chance ({_p(urgent)})."
    return f"No kind of line is new; {_others(counts)}."


def lead(document: Mapping[str, Any], *, brief: bool = False) -> list[str]:
    """The sides and the figures, in short sentences; ``brief``: inputs by their last name, no unusualness."""
    sides = [*document.get("good", []), document["bad"]]
    names = ["Good" for _ in document.get("good", [])] + ["Bad" if document["mode"] == "runs" else "Log"]
    said = [f"{name}: {_side(side, brief)}." for name, side in zip(names, sides, strict=True)]
    if document["mode"] == "runs":
        if not brief:
            said.append(f"Unusualness {number(round(document['unusualness'], 1))}.")
        if document["counts"]["renamed"]:
            said.append(
                f"{counted(document['counts']['renamed'], 'template')} differ only in names of hosts, users or ids."
            )
        if document["counts"]["cut_off"]:
            said.append(
                f"{counted(document['counts']['cut_off'], 'line')} at the end of a file, cut off, is not counted."
            )
    return said


def why(change: Mapping[str, Any]) -> str:
    """How often a kind came, and what was to be expected."""
    bad, good = counted(change["bad"], "time"), change["good"]
    if change["what"] == "new":
        return f"{bad}, never in {'the good run' if len(good) == 1 else f'{len(good)} good runs'}"
    often = counted(good[0], "time") if min(good) == max(good) else f"{number(min(good))} to {number(max(good))} times"
    if change["what"] == "gone":
        return f"not once, {often} in {'the good run' if len(good) == 1 else 'each good run'}"
    return f"{bad} where about {number(round(change['expected'], 1))} are expected ({often} when all was well)"


def trace(change: Mapping[str, Any]) -> str:
    """The stack trace of a line in short: exception, first frames, cause; '' where there is none."""
    found = change["trace"]
    if not found:
        return ""
    parts = [found["exception"] or "", f"at {' < '.join(found['frames'])}" if found["frames"] else ""]
    if found["cause"]:
        parts.append(f"caused by {found['cause']}" + (f" at {found['cause_frame']}" if found["cause_frame"] else ""))
    return " ".join(filter(None, parts))


def place(row: Mapping[str, Any]) -> str:
    """Level, service and time of a record."""
    return " · ".join(filter(None, (row["level"], row["service"], moment(row["time"]) if row["time"] else NO_TIME)))


def short(source: str, document: Mapping[str, Any]) -> str:
    """The name of a file below the input that it belongs to."""
    for side in [*document.get("good", []), document["bad"]]:
        inside = source.removeprefix(side["input"].rstrip("/") + "/")
        if inside != source:
            return inside
    return _last(source)


def in_order(lines: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], int]]:
    """Ranked records in the order of their files, each with the number of lines left out before; -1: another file."""
    placed = sorted(lines, key=lambda row: (row["source"], row["line"]))
    found: list[tuple[Mapping[str, Any], int]] = []
    before: Mapping[str, Any] | None = None
    for row in placed:
        same = before is not None and before["source"] == row["source"]
        found.append((row, row["line"] - before["line"] - before["lines"] if same and before else -1))
        before = row
    return found


def _last(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2] or path


def _kinds(count: int, name: str) -> str:
    return f"{number(count)} {'kind' if count == 1 else 'kinds'} of {name}"


def _no_good(document: Mapping[str, Any]) -> str:
    return "the good run has not" if len(document["good"]) == 1 else "no good run has"


def _chance(group: Mapping[str, Any]) -> str:
    return f"chance explains {number(round(group['expected'], 1))} ({_p(group)})"


def _p(group: Mapping[str, Any]) -> str:
    return f"p {group['p']:.2g}" if group["p"] >= _SURE else f"p < {_SURE}"


def _others(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number(counts[what])} {what}" for what in ("gone", "more", "less") if counts[what])


def _side(side: Mapping[str, Any], brief: bool) -> str:
    name = _last(side["input"]) if brief else side["input"]
    return f"{name}, {counted(side['records'], 'record')} of {counted(side['kinds'], 'kind')}{_when(side)}"


def _when(side: Mapping[str, Any]) -> str:
    return f", from {moment(side['from'])} to {moment(side['until'])}" if side["from"] else ""
