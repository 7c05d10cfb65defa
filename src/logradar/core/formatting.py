"""Formatting for people: numbers, times and untrusted text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, TypeGuard

from logradar.core.tables import LEVELS

NONE: Final = "–"
NO_TIME: Final = "no time"  # where no event of a session carries one
# Characters that reorder, hide or break text: control characters except newline and tab, bidirectional and zero-width
# marks, lone surrogates.
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_NAMES: Final = {0: "NUL", 7: "BEL", 8: "BS", 11: "VT", 12: "FF", 13: "CR", 27: "ESC", 127: "DEL"}


def visible(text: str) -> str:
    """The text with its invisible characters written as names, so that a log line cannot hide anything.

    >>> visible("a\\x1b[31mb\\u202ec")
    'a⟨ESC⟩[31mb⟨U+202E⟩c'
    """
    return _INVISIBLE.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"⟨{_NAMES[code]}⟩" if code in _NAMES else f"⟨U+{code:04X}⟩"


def figure(value: Any, digits: int = 3) -> str:
    """A number between -1 and 1 with ``digits`` decimals; a dash where it is not defined."""
    return f"{value:.{digits}f}" if real(value) else NONE


def percent(value: Any) -> str:
    """A share (0 to 1) in per cent, with enough digits not to show 0 or 100: 100 %, 88.6 %, 0.36 %, 0.004 %."""
    if not real(value):
        return NONE
    share = 100 * value
    if share in (0, 100):
        return f"{share:.0f} %"
    if share < 0.1:
        return f"{share:.2g} %" if share >= 1e-4 else "< 0.0001 %"
    if share > 99.9:  # never rounded up to 100 %
        return f"{math.floor(share * 100) / 100:.2f} %"
    return f"{share:.2f} %" if share < 1 else f"{share:.1f} %"


def number(value: Any) -> str:
    """A count or rate with thousands separators: 4,313, 36.7, 0.12, 3.1e-05, ∞."""
    if isinstance(value, float) and math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if not real(value):
        return NONE
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 100:
        return f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.3g}"
    return f"{value:.3g}"


def duration(seconds: Any) -> str:
    """A time span in the unit that is easiest to read: 0.05 s, 12 s, 3.5 min, 2 h, 4 days."""
    if not real(seconds):
        return NONE
    for unit, size in (("days", 172_800), ("h", 7_200), ("min", 120)):
        if abs(seconds) >= size:
            return f"{number(seconds / {'days': 86_400, 'h': 3_600, 'min': 60}[unit])} {unit}"
    return f"{seconds:.2g} s" if abs(seconds) < 10 else f"{seconds:.0f} s"


def counted(value: Any, noun: str) -> str:
    """A count with its noun: 1 session, 4,313 sessions, 2 anomalies, 3 days."""
    if value == 1:
        return f"1 {noun}"
    ends_in_ies = noun.endswith("y") and noun[-2] not in "aeou"
    return f"{number(value)} {noun[:-1] + 'ies' if ends_in_ies else noun + 's'}"


def how_often(count: int) -> str:
    """How often: never, once, twice, 3 times."""
    return ("never", "once", "twice")[count] if count < 3 else f"{count:,} times"


def joined(names: Iterable[str]) -> str:
    """Names listed as in a sentence: a, b and c."""
    listed = [str(name) for name in names]
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}" if listed else ""


def level_word(level: int | None) -> str:
    """The word for a SeverityNumber; empty where there is none.

    >>> level_word(18)
    'ERROR'
    """
    if not level or not 1 <= level <= 24:
        return ""
    return next(word for word, first in reversed(list(LEVELS.items())) if level >= first)


def moment(text: Any) -> str:
    """An ISO 8601 time as ``2026-01-31 10:00:00 UTC``; other text unchanged."""
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return str(text) if text else NONE
    zone = " UTC" if time.tzinfo is not None and not time.utcoffset() else time.strftime(" %z")
    return f"{time:%Y-%m-%d %H:%M:%S}{zone}".rstrip()


def iso(moment: datetime | None) -> str | None:
    """A time as ISO 8601 writes it; None where there is none."""
    return moment.isoformat() if moment else None


def minute(text: Any) -> str:
    """A time as `moment` formats it, without seconds and zone."""
    return re.sub(r":\d\d( UTC| [+-]\d{4})?$", "", moment(text))


def real(value: Any) -> TypeGuard[float]:
    """Whether a value from a JSON file is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e308
