"""Verdict: whether the new kinds of a bad run go beyond what differs between good runs anyway.

Any run says a few things that no other does. How many is seen from the kinds that are in one good run alone. If the
bad run is like the good ones, a kind is as likely to be in it alone as in a good run alone. The test is exact
(binomial, given how many there are of either): little seen gives no alarm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from scipy import stats

LEVEL: Final = 0.05  # p below which new kinds are no chance; halved, as two groups are asked
_PRIOR: Final = 0.5  # kinds more than were seen, so that a group without any is not taken for impossible


@dataclass(frozen=True)
class Group:
    """New kinds of some urgency: how many are ``new``, how many there are in a good run (``known``), and chance.

    ``expected`` is how many would be new by chance, ``p`` how probable so many or more are.
    """

    name: str
    new: int
    known: float
    expected: float
    p: float


def group(name: str, new: int, known: float, alone: int, kinds: int) -> Group:
    """A group of ``new`` kinds; a good run has ``known`` kinds like them.

    Of all ``kinds`` of good runs ``alone`` are in one run alone; a kind of several good runs counts for each.
    """
    share = (known + _PRIOR) / (kinds + known + 2 * _PRIOR)
    trials = new + alone
    p = float(stats.binom.sf(new - 1, trials, share)) if new else 1.0
    return Group(name, new, known, (alone + _PRIOR) / (kinds + 2 * _PRIOR) * (known + _PRIOR), p)


def beyond_chance(groups: list[Group]) -> bool:
    """Whether one of the groups has more new kinds than chance explains."""
    return any(one.new and one.p * len(groups) <= LEVEL for one in groups)
