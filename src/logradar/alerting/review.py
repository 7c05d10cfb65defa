"""Review: what a person said of kinds of training sessions: normal, an anomaly, or unsure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import Field

from logradar.core.config import Config, validated
from logradar.core.documents import parsed
from logradar.core.errors import InputError, did_you_mean

FORMAT = 1
NORMAL: Final = "normal"
ANOMALY: Final = "anomaly"
UNSURE: Final = "unsure"
Word = Literal["normal", "anomaly", "unsure"]
KindName = Annotated[str, Field(pattern="^[0-9a-f]{16}$")]


class Answer(Config):
    """What was said of one kind of sessions, and when (ISO 8601)."""

    answer: Word
    given: str = ""


class _Document(Config):
    format: int = Field(FORMAT, ge=1, le=FORMAT)
    answers: dict[KindName, Answer] = Field(default_factory=dict)


@dataclass(frozen=True)
class Review:
    """Answers by the name of the kind, in the order in which they were given."""

    answers: Mapping[str, Answer] = field(default_factory=lambda: MappingProxyType({}))

    def __len__(self) -> int:
        return len(self.answers)

    @property
    def words(self) -> dict[str, Word]:
        """The answers alone."""
        return {kind: answer.answer for kind, answer in self.answers.items()}

    def add(self, more: Mapping[str, Word]) -> Review:
        """The same with more answers; the later answer on a kind replaces the earlier one."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return replace(self, answers={**self.answers, **{k: Answer(answer=w, given=now) for k, w in more.items()}})

    def without(self, kinds: Iterable[str]) -> Review:
        """The same without the answers on these kinds; `InputError` for a kind that has none."""
        left = dict(self.answers)
        for kind in kinds:
            if kind not in left:
                raise InputError(f"No answer was given on the kind '{kind}'; {did_you_mean(kind, left)}")
            del left[kind]
        return replace(self, answers=left)

    def to_json(self) -> str:
        """The content of the file ``review.json`` of a bundle."""
        return json.dumps(_Document(answers=dict(self.answers)).model_dump(mode="json"), indent=1)

    @classmethod
    def of_json(cls, text: str) -> Review:
        """Read what `to_json` wrote; raises `ConfigError` or `ValueError` where it is something else."""
        return cls(validated(_Document, dict(parsed(text.encode(), "review.json")), "review").answers)
