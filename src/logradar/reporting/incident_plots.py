"""The time line of incidents: one bar each, in the colour of its severity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from logradar.core.formatting import number
from logradar.reporting import canvas as style
from logradar.reporting.canvas import Kind, canvas, date_ticks, shortened
from logradar.reporting.incident_list import time

MOST: Final = 20  # bars
_COLOURS: Final = {"critical": "#b3261e", "high": style.ANOMALOUS, "medium": style.FALSE_ALARM, "low": style.NORMAL}
_DAY: Final = 86_400.0
_NARROWEST: Final = 0.006  # of the whole, so that a short incident can be seen


def incident_timeline(incidents: Sequence[Mapping[str, Any]], *, kind: Kind = "svg") -> bytes | None:
    """A bar for each of the first `MOST` incidents that have times, the most urgent on top, as SVG or PNG.

    A bar is numbered as the incident in the list and says how many alerts there are. None where nothing has a time.
    """
    timed: list[tuple[int, Mapping[str, Any], float, float]] = []
    for rank, one in enumerate(incidents[:MOST], 1):
        first_at, last_at = time(one.get("started_at")), time(one.get("last_at"))
        if first_at and last_at:
            timed.append((rank, one, first_at.timestamp() / _DAY, max(first_at, last_at).timestamp() / _DAY))
    if not timed:
        return None
    first, last = min(row[2] for row in timed), max(row[3] for row in timed)
    margin = 0.04 * (last - first) or 1 / 1440
    with canvas("incidents", kind, width=11.6, height=1.25 + 0.3 * len(timed)) as (figure, out):
        axes = figure.subplots()
        narrowest = _NARROWEST * (last - first + 2 * margin)
        for place, (_, one, begin, end) in enumerate(timed):
            colour = _COLOURS.get(str(one.get("severity")), style.SOFT)
            faded = 0.55 if one.get("status") == "resolved" else 1.0
            axes.barh(place, max(end - begin, narrowest), left=begin, height=0.62, color=colour, alpha=faded)
            size = number(one.get("alerts")) if one.get("alerts") else "rate"
            axes.text(max(end, begin + narrowest) + narrowest, place, size, va="center", size=8)
        axes.set_yticks(range(len(timed)), [f"{rank}  {_label(one)}" for rank, one, *_ in timed])
        axes.set(ylim=(len(timed) - 0.4, -0.6), xlim=(first - margin, last + 1.6 * margin))
        axes.grid(False, axis="y")
        date_ticks(axes.xaxis, offset=True)
        for name, colour in _COLOURS.items():
            if any(one.get("severity") == name for _, one, *_ in timed):
                axes.bar(0, 0, color=colour, label=name)
        figure.legend(loc="outside lower center", ncols=4)
        axes.set_title("Incidents over time (UTC), with the number of their alerts")
    return out[0]


def _label(one: Mapping[str, Any]) -> str:
    return shortened(str(one.get("title") or ""), 46)
