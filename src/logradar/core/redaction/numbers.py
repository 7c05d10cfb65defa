"""Numbers with check digits: payment cards (ISO/IEC 7812, Luhn) and IBANs (ISO 13616, modulo 97).

Most long numbers of a log are no cards, so a number counts as one only where issuer, length and check digit fit. One
number in ten has a right check digit by chance. Each look at a text is at most `_LONGEST` characters long, so that
the time is in proportion to the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

_LONGEST: Final = 48

# Length of an IBAN by country, from the registry of ISO 13616.
_IBAN_LENGTHS: Final = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC",
        32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip


class NumberRule(NamedTuple):
    """Numbers that arithmetic confirms. ``where`` finds texts that may hold one, in Rust's syntax.

    ``candidate`` finds where one may be in a text; ``length`` is how many characters of a candidate are one, 0: none.
    """

    name: str
    where: str
    candidate: re.Pattern[str]
    length: Callable[[str], int]
    replacement: str

    def replace(self, text: str) -> str:
        """The text with its numbers of this sort replaced.

        >>> NUMBERS[0].replace("card 4111 1111 1111 1111, order 4111111111111112")
        'card <CARD>, order 4111111111111112'
        """
        parts, done, place = [], 0, 0
        while (found := self.candidate.search(text, place)) is not None:
            size = self.length(found[0])
            if size:
                parts += [text[done : found.start()], self.replacement]
                done = place = found.start() + size
            else:
                place = found.start() + 1
        return "".join([*parts, text[done:]])


def _card(text: str) -> int:
    digits = text.replace(" ", "").replace("-", "")
    return len(text) if _issued(digits) and _luhn(digits) else 0


def _issued(digits: str) -> bool:
    """Whether a number has a length that its issuer gives out."""
    first, size = int(digits[:4]), len(digits)
    if digits[0] == "4":
        return size in (13, 16, 19)
    if 5100 <= first <= 5599 or 2221 <= first <= 2720:  # Mastercard
        return size == 16
    if digits[:2] in ("34", "37"):  # American Express
        return size == 15
    if 3000 <= first <= 3059 or digits[:2] in ("36", "38", "39"):  # Diners
        return size == 14
    if 3528 <= first <= 3589 or first == 6011 or 6440 <= first <= 6599 or digits[:2] == "62":  # JCB, Discover, UnionPay
        return 16 <= size <= 19
    return False


def _luhn(digits: str) -> bool:
    values = [int(digit) for digit in digits[::-1]]
    return (sum(values[::2]) + sum(sum(divmod(2 * value, 10)) for value in values[1::2])) % 10 == 0


def _iban(text: str) -> int:
    needed = _IBAN_LENGTHS.get(text[:2], 0)
    places = [place for place, letter in enumerate(text) if letter != " "][:needed]
    if not needed or len(places) < needed:
        return 0
    end = places[-1] + 1
    if text[end : end + 1].strip():  # it goes on
        return 0
    letters = "".join(text[place] for place in places)
    number = int("".join(str(int(letter, 36)) for letter in letters[4:] + letters[:4]))
    return end if number % 97 == 1 else 0


NUMBERS: Final = (
    NumberRule(
        "card",
        r"[2-6][0-9]{3}[ -]?[0-9]{4}",
        re.compile(
            r"(?<![\w.])(?<!_-)(?:[2-6][0-9]{3}(?P<gap>[ -])[0-9]{4}(?P=gap)[0-9]{4}(?P=gap)[0-9]{1,4}"
            r"(?:(?P=gap)[0-9]{1,3})?|3[0-9]{3}(?P<other>[ -])[0-9]{6}(?P=other)[0-9]{4,5}|[2-6][0-9]{12,18})(?!\w)",
            re.ASCII,
        ),
        _card,
        "<CARD>",
    ),
    NumberRule(
        "iban",
        "[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4}",
        re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,29}", re.ASCII),
        _iban,
        "<IBAN>",
    ),
)
