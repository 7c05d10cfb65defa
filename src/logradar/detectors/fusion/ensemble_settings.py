"""What can be set of an ensemble, and the small state that it saves."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field, model_validator

from logradar.core.config import Config
from logradar.core.documents import Saved

_EXACT: Final = 1e-9  # by which the sum of the weights may differ from 1


class EnsembleSettings(Config):
    """Which detectors are the members, and how their scores are calibrated and combined."""

    members: tuple[str, ...] = Field(
        ("new_template", "length", "count_vector", "ngram"), description="names of the detectors that it is made of"
    )
    settings: dict[str, dict[str, Any]] = Field(default_factory=dict, description="settings of members, by name")
    rate: float = Field(
        0.003,
        gt=0,
        lt=1,
        description="expected share of anomalous sessions; at most this share of the normal sessions, each left out of "
        "training in turn, scores above 0",
    )
    by_service: bool = Field(
        True, description="a surprise counts less in a service whose normal sessions surprise more often"
    )


class EnsembleState(Saved):
    """Weights by member (0: it has a cut of its own), the cut, the noise of services, and members that dropped out."""

    weights: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(min_length=1)
    cut: float = Field(ge=0)
    noise: dict[str, float]
    dropped: dict[str, str]

    @model_validator(mode="after")
    def _whole(self) -> EnsembleState:
        if abs(sum(self.weights.values()) - 1.0) > _EXACT:
            raise ValueError("the sum of the weights is not 1")
        return self
