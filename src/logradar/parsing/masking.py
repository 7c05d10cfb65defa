"""Masks replace variable parts of a log line by named tokens before templates are mined.

Rules are data. They are applied in order, each to the result of the one before. A regex uses the syntax that
Rust (Polars) and Python have in common, without look-around. A match of a rule with ``whole`` must not be next
to a letter or digit; other tools use look-around for this. In masks ``_`` is punctuation: ``task_17`` is the word
``task`` and the number 17, and neither ``\\w`` nor ``\\b`` treat it as part of a word.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import polars as pl
from pydantic import Field, model_validator

from logradar.core.config import Config

_BEFORE, _AFTER = r"(?-u:\b{start-half})", r"(?-u:\b{end-half})"
# While the rules run, `_` is replaced by a control character, which is not part of a word. If the text itself
# contains this character, that one is replaced by two others first.
_UNDERSCORE: Final = "\x01"
_MANY: Final = 4_096  # from this number of lines on, several cores are faster
_ESCAPES: Final = (("\x02", "\x02\x03"), (_UNDERSCORE, "\x02\x04"))


class MaskingRule(Config):
    """One mask: every match of ``regex`` is replaced by ``token``, for example ``<NUM>``."""

    name: str = Field(description="name of the rule in messages")
    regex: str = Field(description="in Rust's syntax, without look-around; it must not match the empty text")
    token: str = Field(description="text without white space, digits and '_'; not the wildcard '<*>'")
    whole: bool = Field(True, description="the match must not be next to a letter or digit")

    @model_validator(mode="after")
    def _usable(self) -> MaskingRule:
        where = f"masking rule '{self.name}'"
        if not self.token or re.search(r"[\s\d_]", self.token):
            raise ValueError(f"{where}: the token {self.token!r} must be text without white space, digits and '_'")
        if "<*>" in self.token:
            raise ValueError(f"{where}: '<*>' is the wildcard of templates; choose another token, for example '<NUM>'")
        try:
            empty = pl.Series([""]).str.contains(self.pattern()).item()
        except pl.exceptions.ComputeError as error:
            raise ValueError(f"{where}: the regex {self.regex!r} is not valid: {_cause(error)}") from None
        if empty:
            raise ValueError(f"{where}: the regex {self.regex!r} matches empty text; it must match some characters")
        return self

    def pattern(self, underscore: str = "_") -> str:
        """The regex in Rust's syntax, with ``_`` written as ``underscore``."""
        regex = self.regex.replace("_", underscore)
        return f"{_BEFORE}(?:{regex}){_AFTER}" if self.whole else regex


def _cause(error: Exception) -> str:
    causes = [line.removeprefix("error: ") for line in str(error).splitlines() if line.startswith("error: ")]
    return causes[0] if causes else str(error).splitlines()[0].removeprefix("regex error: ")


def _rule(name: str, regex: str, token: str | None = None, whole: bool = True) -> MaskingRule:
    """A rule that is known to be usable (a test looks), so that not every command tries it."""
    return MaskingRule.model_construct(name=name, regex=regex, token=token or f"<{name.upper()}>", whole=whole)


_HEX = "[0-9a-fA-F]"
_CLOCK = r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?"
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_WEEKDAY = "(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_ZONE = "(?:GMT|UTC|Z|CES?T|[ECMP][SD]T|BST|[+-][0-9]{2}:?[0-9]{2})"
_UNIT = "(?:ns|us|µs|ms|msecs?|millis|milliseconds?|secs?|seconds?|mins?|minutes?|hrs?|hours?|days?)"
_KILO = "[kKMGTP]"

DEFAULT_RULES: Final = (
    _rule("star", r"<\*>", whole=False),  # a `<*>` that is in the log itself is text, not a wildcard
    _rule("uuid", rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"),
    _rule("block", r"blk_-?[0-9]+", "<BLK>"),
    _rule(
        "time",
        rf"[0-9]{{4}}[-/.][0-9]{{2}}[-/.][0-9]{{2}}(?:[T ]{_CLOCK}(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})?)?"
        rf"|(?:{_DAY},? )?{_MONTH} {{1,2}}[0-9]{{1,2}},? (?:[0-9]{{4}},? )?{_CLOCK}(?: (?:[A-Z]{{3,4}} )?[0-9]{{4}})?"
        rf"|(?:{_WEEKDAY},? )?[0-9]{{1,2}}[ /-]{_MONTH}[ /-](?:[0-9]{{4}}|[0-9]{{2}})[ :]{_CLOCK}(?: {_ZONE})?"
        rf"|{_CLOCK}",
    ),
    _rule("mac", rf"(?:{_HEX}{{2}}[:-]){{5}}{_HEX}{{2}}"),
    _rule(
        "ipv6",
        rf"(?:{_HEX}{{1,4}}:){{7}}{_HEX}{{1,4}}"
        rf"|(?:[0-9]{_HEX}{{3}}|[fF][c-fC-F]{_HEX}{{2}})(?::{_HEX}{{1,4}}){{0,6}}::(?:{_HEX}{{1,4}}:){{0,5}}{_HEX}{{1,4}}",
        "<IP>",
    ),
    _rule("ip", r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?::[0-9]{1,5})?"),
    _rule("hex", rf"0[xX]{_HEX}+"),
    _rule("bytes", rf"[0-9]+(?:\.[0-9]+)? (?:{_KILO}?i?B|[Bb]ytes?)(?: \([0-9]+(?:\.[0-9]+)? {_KILO}i?B\))?", "<SIZE>"),
    _rule("interval", rf"[0-9]+(?:\.[0-9]+)? {_UNIT}", "<DURATION>"),
    _rule("duration", r"[0-9]+(?:\.[0-9]+)?(?:ns|us|ms|s|secs?|min|hrs?)|[0-9]{1,4}[hd]|[0-9]{1,2}:[0-9]{2}"),
    _rule("size", r"[0-9]+(?:\.[0-9]+)?(?:[kKMGTP]i?[Bb]?|B)"),
    _rule("num", r"[-+]?[0-9]+(?:[.,][0-9]+)*(?:[eE][-+]?[0-9]+)?"),
    _rule("longhex", rf"{_HEX}{{8,}}", "<HEX>"),  # after the numbers, so it contains a letter
    _rule("id", r"[A-Za-z]*(?:[0-9]+[A-Za-z]+){3,}[0-9]*"),
    _rule("digits", r"[0-9]{4,}", "<NUM>", whole=False),  # inside a word: J355512575
)


class MaskingSettings(Config):
    """The masks and their order."""

    extra: tuple[MaskingRule, ...] = Field((), description="your own rules, applied before the others")
    rules: tuple[MaskingRule, ...] = Field(DEFAULT_RULES, description="all other rules, applied in order")

    @model_validator(mode="after")
    def _named_once(self) -> MaskingSettings:
        names = [rule.name for rule in self.ordered]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two masking rules have the name '{twice[0]}'; give each rule its own name")
        return self

    @property
    def ordered(self) -> tuple[MaskingRule, ...]:
        """All rules in the order in which they are applied."""
        return (*self.extra, *self.rules)

    @property
    def tokens(self) -> list[str]:
        """The distinct tokens, in order of the rules."""
        return list(dict.fromkeys(rule.token for rule in self.ordered))

    @property
    def digit_blind(self) -> bool:
        """Whether no rule depends on the value of a digit (7 or 3); only the 0 of ``0x`` may matter.

        Then lines that differ only in digits are masked at the same positions.
        """
        return not any(_names_a_digit(rule.regex) for rule in self.ordered)

    @property
    def hex_blind(self) -> bool:
        """Whether all UUIDs get the same mask, all numbers after ``0x`` too, and all words of 8 or more hex digits.

        This holds for `DEFAULT_RULES` alone, for these reasons. `shape_folding` changes only words that consist of hex
        digits. A rule with ``whole`` covers a word completely or not at all. The rule for UUIDs comes first and accepts
        all hex digits. ``x`` occurs in one rule only. Of all other rules only ``longhex`` covers a word of eight
        hex digits with two letters: a number has one ``e``, a size one ``B``, and the words in addresses are
        shorter. Rules that the user adds may depend on any letter, so then it does not hold.
        """
        return not self.extra and _forms(self.rules) == _forms(DEFAULT_RULES)


def _forms(rules: tuple[MaskingRule, ...]) -> list[tuple[str, bool]]:
    return [(rule.regex, rule.whole) for rule in rules]


_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]")
_COUNT = re.compile(r"\{[0-9]+(?:,[0-9]*)?\}")
_ZERO_X = re.compile(r"0(?:x|\[xX\]|\[Xx\])(?![?*{])")


def _names_a_digit(regex: str) -> bool:
    if re.search(r"\\[xuU]", regex):
        return True
    bare = _CLASS.sub(
        lambda found: found[0].replace("0-9", "") if found[0] not in ("[xX]", "[Xx]") else found[0], regex
    )
    return re.search("[0-9]", _COUNT.sub("", _ZERO_X.sub("", bare))) is not None


def mask(lines: pl.Series, settings: MaskingSettings) -> pl.Series:
    """The lines with all masks applied. Equal lines are masked again each time, so pass distinct lines.

    >>> mask(pl.Series(["served blk_-17 to 10.0.0.7:80 in 12ms"]), MaskingSettings()).item()
    'served <BLK> to <IP> in <DURATION>'
    """
    if not len(lines):
        return lines
    swap = bool(lines.str.contains("_", literal=True).any())
    escape = swap and bool(lines.str.contains_any([written for written, _ in _ESCAPES]).any())
    rules = tuple((rule.pattern(_UNDERSCORE if swap else "_"), rule.token) for rule in settings.ordered)
    frame, text = pl.DataFrame({"line": lines}), _masked(rules, swap, escape)
    if len(lines) >= _MANY:
        return frame.lazy().select(text).collect(engine="streaming")["line"]
    return frame.select(text)["line"]


@lru_cache(maxsize=64)
def _masked(rules: tuple[tuple[str, str], ...], swap: bool, escape: bool) -> pl.Expr:
    text = pl.col("line")
    for written, escaped in _ESCAPES if escape else ():
        text = text.str.replace_all(written, escaped, literal=True)
    if swap:
        text = text.str.replace_all("_", _UNDERSCORE, literal=True)
    for pattern, token in rules:
        text = text.str.replace_all(pattern, token.replace("$", "$$"))
    if swap:
        text = text.str.replace_all(_UNDERSCORE, "_", literal=True)
    for written, escaped in reversed(_ESCAPES) if escape else ():
        text = text.str.replace_all(escaped, written, literal=True)
    return text
