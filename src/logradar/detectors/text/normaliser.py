"""Normaliser: which parts of a text count, as rules; it is the first step of a tokenizer and is saved with it."""

from __future__ import annotations

import re
from typing import Final

from pydantic import Field, model_validator

from logradar.core.config import Config

VALUE: Final = "[VALUE]"  # what stands for a value that was masked
SPECIAL: Final = ("[PAD]", "[UNK]", "[MASK]", "[CLS]", "[SEP]")  # tokens that are no text
_SIGNS: Final = re.compile(r"[^\w\s]+")
_FORGED: Final = re.compile(r"\[(PAD|UNK|MASK|CLS|SEP|VALUE)\]", re.IGNORECASE)  # a log may say so


class TextRule(Config):
    """One rule: every match of ``regex`` is replaced by ``by``."""

    regex: str = Field(min_length=1, max_length=500, description="a regular expression, without look-around")
    by: str = Field("", description="the text that takes its place")

    @model_validator(mode="after")
    def _usable(self) -> TextRule:
        try:
            pattern = re.compile(self.regex)
            pattern.sub(self.by, "")  # refuses groups that there are not
            if pattern.search(""):
                raise ValueError(f"the regex {self.regex!r} matches empty text; it must match some characters")
        except re.error as error:
            raise ValueError(f"the regex {self.regex!r} or what takes its place is not valid: {error}") from None
        return self


DEFAULT_RULES: Final = (
    TextRule(regex=r"<\*>|<[A-Z]+>", by=f" {VALUE} "),  # wildcards of templates, and masks
    TextRule(regex=r"([a-z0-9])([A-Z])", by=r"\1 \2"),  # words of a name: packetResponder
    TextRule(regex=r"([A-Z])([A-Z][a-z])", by=r"\1 \2"),
    TextRule(regex=r"_", by=" "),
)


class NormaliserSettings(Config):
    """What is done to a text before it is cut into words."""

    rules: tuple[TextRule, ...] = Field(DEFAULT_RULES, description="replacements, one after the other")
    extra: tuple[TextRule, ...] = Field((), description="more rules, before these")
    lowercase: bool = Field(True, description="small letters only")
    punctuation: bool = Field(False, description="keep signs that are neither letters nor digits")


def normalised(text: str, settings: NormaliserSettings) -> str:
    """A text as the tokenizer sees it, with single spaces.

    >>> normalised("PacketResponder <NUM> for block <BLK> terminating", NormaliserSettings())
    'packet responder [VALUE] for block [VALUE] terminating'
    """
    parts = _FORGED.sub(r" \1 ", text)
    for rule in (*settings.extra, *settings.rules):
        parts = re.sub(rule.regex, rule.by, parts)
    found: list[str] = []
    for number, part in enumerate(parts.split(VALUE)):
        if number and found[-1:] != [VALUE]:  # several values in a row are one
            found.append(VALUE)
        part = _FORGED.sub(r" \1 ", part)  # rules may have made one
        part = part if settings.punctuation else _SIGNS.sub(" ", part)
        found += (part.lower() if settings.lowercase else part).split()
    return " ".join(found)
