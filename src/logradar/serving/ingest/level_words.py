"""The level of one record, from a word or a number: the words of `logradar.sources.opening.levels`, one at a time."""

from __future__ import annotations

from typing import Final

from logradar.sources.opening import levels

_LONGEST: Final = 24  # letters of a level
_SPELT: Final = {  # as most senders spell them; others are brought to this form first
    spelt: number for word, number in levels.WORDS.items() for spelt in (word, word.lower(), word.capitalize())
}
NUMBERS: Final = {**levels.TENS, **levels.SYSLOG}  # where nothing says more, 0 to 7 are those of syslog


def level_of(value: object, numbers: dict[str, int] = NUMBERS) -> int | None:
    """The SeverityNumber (1 to 24) of a level, None if it is unknown; ``numbers`` says what numbers mean.

    >>> level_of("Warning"), level_of("[ERR]"), level_of(30), level_of("3"), level_of("blue")
    (13, 17, 9, 17, None)
    """
    if isinstance(value, str):
        if (found := _SPELT.get(value)) is not None:
            return found
        if len(value) > _LONGEST:
            return None
        plain = value.strip().strip("[]<>():").upper()
        return levels.WORDS.get(plain) or numbers.get(plain)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 60:
        return numbers.get(str(value))
    return None
