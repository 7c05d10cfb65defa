"""Placeholders in the texts of messages, as printf, slf4j, Python, Rust and .NET write them, become holes."""

from __future__ import annotations

import re
from typing import Final

from logradar.retrieval.patterns import ANY, NUMBER

# Flags, width and precision as C has them, then a conversion; nginx's own (%V, %ui, %uz, %uA) are among them.
_PERCENT: Final = re.compile(
    r"%(?:\([^)\n]{1,80}\))?(?:[0-9]+\$)?[-+ #0',]*(?:\*|[0-9]+)?(?:\.(?:\*|[0-9]+)?)?"
    r"(?:hh|h|ll|l|L|z|j|t|q|I64)?(?:u[izADOVXx]\b|[%a-zA-Z@])"
)
_WHOLE: Final = re.compile(r"[diu]")
_BRACE: Final = re.compile(r"\{\{|\}\}|\{[^{}\n\"]{0,80}\}")
_DOLLAR: Final = re.compile(r"\$\{[^{}\n]{1,200}\}|\$[A-Za-z_]\w*")
ESCAPE: Final = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-7]{1,3})|(\r?\n\s*|.))", re.DOTALL
)
_LETTERS: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "a": "\a", "v": "\v", "0": ""}


def percent(text: str) -> str:
    """The placeholders of printf; ``%%`` is a per cent sign.

    >>> percent("%d of %s, 100%%") == "\\x01 of \\x00, 100%"
    True
    """
    return _PERCENT.sub(_of_percent, text.replace(f"%{ANY}", ANY))  # "%" PRIu64


def _of_percent(match: re.Match[str]) -> str:
    kind = match[0][-1]
    if kind == "%":
        return "%"
    if kind == "n":
        return "\n"
    return NUMBER if _WHOLE.fullmatch(kind) else ANY


def braces(text: str, doubled: bool = False) -> str:
    """Placeholders in braces; with ``doubled``, two of them are one brace of the text."""
    return _BRACE.sub(lambda match: match[0][0] if match[0] in ("{{", "}}") and doubled else ANY, text)


def dollars(text: str) -> str:
    """Placeholders such as ``$name`` and ``${name}``."""
    return _DOLLAR.sub(ANY, text)


def unescaped(text: str) -> str:
    """The text that a literal with escape sequences stands for; a backslash at the end of a line joins lines.

    >>> unescaped("a\\\\tb\\\\u0041")
    'a\\tbA'
    """
    return ESCAPE.sub(_of_escape, text) if "\\" in text else text


def _of_escape(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code:
        number = int(code, 16)
        return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "?"
    if match[4]:
        return chr(int(match[4], 8)) if match[4] != "0" else ""
    return _LETTERS.get(match[5], "" if match[5][:1] in "\r\n" else match[5])
