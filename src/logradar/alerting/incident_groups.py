"""Incident groups: which bursts have one cause. A function of the set of bursts, whatever their order.

Bursts become one incident in five ways: they share an exact mark within the quiet time; a vague one within a third of
it; they begin together in one service; they are part of a storm of new messages in one service; or one is a few alerts,
with nothing new, while a much larger one is going on in the same services. Rate changes are put into one of these, or
become incidents of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from pydantic import Field

from logradar.alerting.burst import Burst
from logradar.alerting.deviation import EXACT
from logradar.core.config import Config
from logradar.core.tables import ERROR

SECOND: Final = 1_000_000  # microseconds
_NEVER: Final = 1 << 62
_VAGUE: Final = 1 / 3  # of the quiet time
_BURST: Final = 1 / 6
_NAMELESS: Final = 6  # times as long is a beginning of kinds that have no service
_FEW: Final = 3  # alerts that a larger incident may have as company
_STORM: Final = 20  # bursts with a new message in one service, which follow each other, that have one cause
_LARGER: Final = 5  # times as many alerts as these


class IncidentSettings(Config):
    """When alerts have one cause."""

    quiet_minutes: float = Field(
        60.0, gt=0, le=100_000, description="minutes without a further alert after which an incident is over"
    )
    together_seconds: float = Field(
        10.0,
        ge=0,
        le=86_400,
        description="seconds within which kinds of one service begin that have one cause; six times as long where no "
        "service is known",
    )

    @property
    def quiet(self) -> int:
        """Microseconds between alerts with an exact mark, of one incident."""
        return round(60 * self.quiet_minutes * SECOND)

    @property
    def vague(self) -> int:
        """Microseconds between alerts with a vague mark, of one incident."""
        return round(self.quiet * _VAGUE)

    @property
    def burst(self) -> int:
        """Microseconds between alerts of one burst."""
        return round(self.quiet * _BURST)

    @property
    def together(self) -> int:
        """Microseconds between the beginnings of bursts that begin together."""
        return round(self.together_seconds * SECOND)


class _Joined:
    """Sets of rows that are joined pair by pair."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def find(self, row: int) -> int:
        while self._parent[row] != row:
            self._parent[row] = row = self._parent[self._parent[row]]
        return row

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.find(one), self.find(other)))
        self._parent[high] = low

    def sets(self) -> list[list[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for row in range(len(self._parent)):
            found[self.find(row)].append(row)
        return list(found.values())


def groups(
    bursts: Iterable[Burst], settings: IncidentSettings, inside: Callable[[Burst], bool] = lambda _: False
) -> list[list[Burst]]:
    """The bursts of each incident, the earliest first.

    ``inside`` says of a burst that it continues another one, so that it does not count as a beginning.
    """
    every = sorted(bursts, key=lambda burst: (burst.start, burst.first["id"]))
    rows = [burst for burst in every if burst.count]
    joined = _Joined(len(rows))
    _share_marks(rows, settings, joined)
    _begin_together(rows, settings, joined, inside)
    _storm(rows, settings, joined)
    _keep_company(rows, joined)
    found = [[rows[row] for row in sorted(one)] for one in joined.sets()]
    rates = _without_company([burst for burst in every if not burst.count], found, settings)
    joined = _Joined(len(rates))
    _share_marks(rates, settings, joined)
    _chain([(burst.start, burst.start, row) for row, burst in enumerate(rates)], settings.together, joined)
    found += [[rates[row] for row in sorted(one)] for one in joined.sets()]
    return sorted(found, key=lambda one: (one[0].start, one[0].first["id"]))


def _share_marks(rows: Sequence[Burst], settings: IncidentSettings, joined: _Joined) -> None:
    spans: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for row, burst in enumerate(rows):
        for mark, span in burst.marks.items():
            spans[mark].append((*span, row))
    for mark, found in spans.items():
        gap = settings.quiet if mark.startswith(EXACT) else settings.vague
        _chain(found, gap, joined)


def _begin_together(
    rows: Sequence[Burst], settings: IncidentSettings, joined: _Joined, inside: Callable[[Burst], bool]
) -> None:
    """What begins at about the same time, with the most unusual line in the same service, or in one session.

    Of a service whose name is known, the first bursts of its kinds are compared; in a log without services all bursts.
    """
    opening = {one[0] for one in joined.sets()}
    places: dict[tuple[str, str], list[tuple[int, int, int]]] = defaultdict(list)
    for row, burst in enumerate(rows):
        if not burst.start or not settings.together or inside(burst):
            continue
        span = (burst.start, burst.start, row)
        if row in opening or not burst.opened_in:
            places["service", burst.opened_in].append(span)
        if row in opening:
            for name in burst.sessions:
                places["session", name].append(span)
    for (_, name), found in places.items():
        _chain(found, settings.together if name else _NAMELESS * settings.together, joined)


def _storm(rows: Sequence[Burst], settings: IncidentSettings, joined: _Joined) -> None:
    """New messages in one service, another one each time, that come one after the other."""
    places: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for row, burst in enumerate(rows):
        if "new" in burst.ways and burst.start:
            places[burst.opened_in].append((burst.start, burst.last, row))
    for found in places.values():
        if len(found) >= _STORM:
            _chain(found, settings.burst, joined, least=_STORM)


def _chain(spans: list[tuple[int, int, int]], gap: int, joined: _Joined, least: int = 2) -> None:
    """Join the rows whose spans (start, last, row) are at most ``gap`` apart, where they are ``least`` or more."""
    end, chain = None, list[int]()
    for start, last, row in [*sorted(spans), (_NEVER, _NEVER, -1)]:
        if end is not None and start - end > gap:
            for other in chain[1:] if len(chain) >= least else ():
                joined.join(chain[0], other)
            end, chain = None, []
        end = last if end is None else max(end, last)
        chain.append(row)


def _keep_company(rows: Sequence[Burst], joined: _Joined) -> None:
    """A few alerts with no new message belong to the largest incident that is going on around them."""
    sets = joined.sets()
    facts = [_Facts([rows[row] for row in one]) for one in sets]
    large = [place for place, one in enumerate(facts) if one.count >= _LARGER]
    for place, one in enumerate(sets):
        small = facts[place]
        if small.count > _FEW or small.new:
            continue
        around = [
            (larger.count, -larger.start, -sets[other][0])
            for other, larger in ((other, facts[other]) for other in large)
            if other != place
            and larger.count >= _LARGER * small.count
            and larger.services & small.services
            and larger.start <= small.start <= larger.last
        ]
        if around:
            joined.join(one[0], -max(around)[2])


def _without_company(rates: Sequence[Burst], found: list[list[Burst]], settings: IncidentSettings) -> list[Burst]:
    """Put each rate change into one of the incidents ``found``; those are left that belong to none.

    It belongs to the one that began most nearly when it did, of those that were going on in its service before it was
    found, and are incidents without it. What is unusual because a service is silent is seen in other services. No two
    incidents become one by a rate change, and what comes while it goes on makes no difference.
    """
    facts = [_Facts(one) for one in found]
    left = []
    for burst in rates:
        silent, services = "silent" in burst.ways, burst.services.keys()
        around = [
            (-abs(one.start - burst.start), -place)
            for place, one in enumerate(facts)
            if one.reported
            if (one.services & services and one.start - settings.burst <= burst.found)
            or (silent and burst.start <= one.start <= burst.found)
            if burst.start <= one.last + settings.burst
        ]
        if around:
            found[-max(around)[1]].append(burst)
        else:
            left.append(burst)
    for one in found:
        one.sort(key=lambda burst: (burst.start, burst.first["id"]))
    return left


class _Facts:
    """What is compared of two groups of alerts."""

    def __init__(self, bursts: Sequence[Burst]) -> None:
        self.count = sum(burst.count for burst in bursts)
        self.new = any("new" in burst.ways for burst in bursts)
        self.start = min(burst.start for burst in bursts)
        self.last = max(burst.last for burst in bursts)
        self.services = {name for burst in bursts for name in burst.services}
        self.reported = self.count > 1 or self.new or max(burst.max_level for burst in bursts) >= ERROR
