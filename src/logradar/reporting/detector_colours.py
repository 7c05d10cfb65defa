"""The colour of a detector: the same one in every picture and on every page.

It follows from the name alone, so a reader who has learnt that DeepLog is violet finds it violet in the report of a
run, on the page of a comparison and in a picture file, whichever detectors are beside it. The colours have at least
three times the contrast of a white page and of a dark one; because not everybody distinguishes all of them, a line has
a pattern as well.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

PATTERNS: Final = ("-", (0, (5, 1.5)), (0, (2, 1.2)), (0, (6, 1.5, 1, 1.5)))


class Look(NamedTuple):
    """Colour of a detector, and the pattern of its line in matplotlib's form."""

    colour: str
    pattern: Any


_OWN: Final[Mapping[str, Look]] = MappingProxyType(
    {
        "ensemble": Look("#0072b2", PATTERNS[0]),
        "count_vector": Look("#d97a00", PATTERNS[0]),
        "ngram": Look("#009e73", PATTERNS[1]),
        "new_template": Look("#cc6699", PATTERNS[2]),
        "length": Look("#2f9fd6", PATTERNS[3]),
        "values": Look("#a0671b", PATTERNS[1]),
        "deeplog": Look("#9b78e0", PATTERNS[0]),
        "logbert": Look("#c2334d", PATTERNS[1]),
        "loglstm": Look("#7f9a00", PATTERNS[2]),
        "logtcn": Look("#0b8f9c", PATTERNS[3]),
        "distilbert": Look("#5f80c9", PATTERNS[2]),
        "distilbert_classifier": Look("#a9589c", PATTERNS[1]),
    }
)
_SPARE: Final = ("#6f7d8f", "#c25bd1", "#6b7f2a", "#b8564a")  # of detectors that other packages add


def detector_colour(name: str) -> str:
    """The colour of a detector as ``#rrggbb``; ``bundle/detector`` has the colour of the detector.

    >>> detector_colour("monday/deeplog") == detector_colour("deeplog")
    True
    """
    return _look(name).colour


def looks(names: Iterable[str]) -> dict[str, Look]:
    """Colour and pattern of the detectors in one picture.

    The same detector of several bundles keeps its colour, and each has another pattern.
    """
    seen: Counter[str] = Counter()
    found = {}
    for name in names:
        detector = _detector(name)
        colour, pattern = _look(name)
        found[name] = Look(colour, PATTERNS[(PATTERNS.index(pattern) + seen[detector]) % len(PATTERNS)])
        seen[detector] += 1
    return found


def _detector(name: str) -> str:
    return name.rpartition("/")[2]


def _look(name: str) -> Look:
    detector = _detector(name)
    if detector in _OWN:
        return _OWN[detector]
    number = hashlib.blake2b(detector.encode(errors="replace"), digest_size=4).digest()
    code = int.from_bytes(number, "big")
    return Look(_SPARE[code % len(_SPARE)], PATTERNS[code // len(_SPARE) % len(PATTERNS)])
