"""Settings of redaction: which rules are left out, and rules of one's own."""

from __future__ import annotations

from typing import Final

import polars as pl
from pydantic import Field, model_validator

from logradar.core.config import Config
from logradar.core.errors import did_you_mean
from logradar.core.redaction.numbers import NUMBERS
from logradar.core.redaction.rules import RULES

NAMES: Final = tuple(rule.name for rule in (*RULES, *NUMBERS))


class RedactionRule(Config):
    """A rule of one's own: every match of ``regex`` is replaced by ``token``, for example ``<CUSTOMER>``."""

    regex: str = Field(min_length=1, description="in Rust's syntax, without look-around; it must not match empty text")
    token: str = Field(pattern=r"^<[A-Z][A-Z0-9-]{0,30}>$", description="capital letters in angle brackets")

    @model_validator(mode="after")
    def _usable(self) -> RedactionRule:
        try:
            empty, own = pl.Series(["", self.token]).str.contains(self.regex).to_list()
        except pl.exceptions.ComputeError as error:
            raise ValueError(f"the regex {self.regex!r} of a redaction is not valid: {error}") from None
        if empty or own:
            matched = "empty text" if empty else "its own token"
            raise ValueError(
                f"the regex {self.regex!r} of a redaction matches {matched}; it must match other text only"
            )
        return self


class RedactionSettings(Config):
    """What is masked in what leaves the machine, and in files and prints with ``--redact``."""

    keep: tuple[str, ...] = Field((), description="names of rules that are not applied, such as ip")
    extra: tuple[RedactionRule, ...] = Field((), description="your own rules, applied before the others")

    @model_validator(mode="after")
    def _known(self) -> RedactionSettings:
        for name in self.keep:
            if name not in NAMES:
                raise ValueError(f"there is no rule of redaction '{name}'; {did_you_mean(name, NAMES)}")
        return self
