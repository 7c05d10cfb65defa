"""The settings of a federation: who takes part, what travels, and how it is learnt."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from logradar.core.config import Config


class TrustSettings(Config):
    """Against clients that send what would spoil the result, where the server may see single updates."""

    mode: Literal["mean", "trimmed", "krum"] = Field(
        "mean",
        description="how updates become one: their `mean` by sessions; for each number the mean without the highest "
        "and lowest; or the mean of those that are closest to others (multi-Krum)",
    )
    suspects: float = Field(0.2, ge=0, lt=0.5, description="share of clients of a round that may be hostile")
    clip: float = Field(
        0.0, ge=0, description="no update may be longer than this many times the median length of its round; 0: any may"
    )


class PrivacySettings(Config):
    """Differential privacy of sessions: the gradient of each is clipped, and noise is added at the client."""

    epsilon: float | None = Field(None, gt=0, description="budget of the whole run; without it there is no noise")
    delta: float = Field(1e-5, gt=0, lt=1, description="chance that the promise does not hold")
    clip: float = Field(0.1, gt=0, description="longest gradient of one session")


class FaultSettings(Config):
    """What goes wrong in a simulation, on purpose."""

    dropouts: float = Field(0.0, ge=0, lt=1, description="share of chosen clients that are lost before their answer")
    attackers: float = Field(0.0, ge=0, lt=1, description="share of clients that send the opposite, five times")


class FederationSettings(Config):
    """One federation: `logradar federate run INPUT -o BUNDLE key=value …`."""

    name: str = Field("federation", min_length=1, max_length=100, description="name of the run, part of its rounds")
    seed: int = Field(0, ge=0, description="makes the run repeatable")
    rounds: int = Field(50, ge=1, le=65_535, description="how often the clients' updates are put together")
    clients: int = Field(50, ge=1, le=100_000, description="among how many clients the sessions are divided")
    fraction: float = Field(0.1, gt=0, le=1, description="share of the clients that take part in a round")
    model: str = Field(
        "causal_lm",
        description="causal_lm, distilbert, deeplog or logbert; count_vector for sketches alone; or what a causal_lm "
        "begins with: a bundle, the folder of a Llama such as SmolLM2, or its name on the hub",
    )
    lora: bool = Field(True, description="train adapters; false: all weights, and all of them travel")
    adapter: Literal["core", "lora", "ffa"] = Field(
        "core", description="r x r matrices between frozen factors; LoRA; or one factor of LoRA"
    )
    rank: int = Field(8, ge=1, le=256, description="rank of the adapters")
    modules: Literal["all", "attention"] = Field("all", description="beside which linear layers adapters are trained")
    rows: int | None = Field(None, ge=1, description="training sessions at most, the earliest")
    device: Literal["auto", "cuda", "mps", "cpu"] = Field("auto", description="auto: the first of these that is there")
    steps: int = Field(10, ge=1, description="local steps of a client in a round at most")
    batch_size: int = Field(32, ge=1, description="sessions of a step")
    learning_rate: float = Field(1e-2, gt=0, description="highest learning rate of a client, falling over the rounds")
    least_learning_rate: float = Field(1e-4, ge=0, description="where its cosine ends")
    bits: Literal[4, 8, 32] = Field(8, description="of a number that a client sends")
    bits_down: Literal[8, 32] = Field(8, description="of a number that the server sends")
    base_share: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="share of the training sessions, the earliest, that the server has itself: it learns tokenizer "
        "and base from them, and no client has them",
    )
    base_epochs: int = Field(3, ge=0, description="passes over these; 0: the base stays as it is")
    division: Literal["iid", "dirichlet", "service", "file"] = Field(
        "iid",
        description="how sessions are divided: at random; with clients that have other templates more often; by "
        "service; or by file, one client each",
    )
    alpha: float = Field(0.5, gt=0, description="how alike clients are with `dirichlet`; less is less")
    trust: TrustSettings = TrustSettings()
    privacy: PrivacySettings = PrivacySettings()
    faults: FaultSettings = FaultSettings()
    least_answers: float = Field(0.5, ge=0, le=1, description="share of answers below which a round changes nothing")

    @model_validator(mode="after")
    def _possible(self) -> FederationSettings:
        if self.privacy.epsilon is not None and self.trust.mode != "mean":
            raise ValueError("privacy.epsilon and trust.mode cannot be combined: choose one of them")
        if self.lora and self.model in ("deeplog", "logbert"):
            raise ValueError(f"{self.model} has no layers for adapters: set lora=false, then all weights travel")
        return self

    @property
    def chosen(self) -> int:
        """How many clients take part in a round."""
        return max(round(self.fraction * self.clients), 1)
