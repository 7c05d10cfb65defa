"""A causal log language model: tokenizer, sizes and weights, made anew or begun with a Llama from elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from pydantic import ConfigDict, Field

from logradar.core.documents import Saved
from logradar.core.errors import ConfigError
from logradar.detectors.text.model import how_to_read, shapes_in, tokenizer_for, weights_of
from logradar.detectors.text.tokenizer import TextTokenizer
from logradar.training.device import seeded

if TYPE_CHECKING:
    from logradar.detectors.text.causal_network import CausalNetwork


_COUNTS: Final = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "max_position_embeddings",
)


class CausalSizes(Saved):
    """What decides the shapes of a Llama: the fields of `transformers.LlamaConfig` with these names."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    vocab_size: int = Field(ge=6, le=1 << 20)
    hidden_size: int = Field(ge=2, le=1 << 14)
    intermediate_size: int = Field(ge=1, le=1 << 16)
    num_hidden_layers: int = Field(ge=1, le=128)
    num_attention_heads: int = Field(ge=1, le=256)
    num_key_value_heads: int = Field(ge=1, le=256)
    max_position_embeddings: int = Field(ge=16, le=1 << 20)
    rms_norm_eps: float = Field(gt=0, le=1)
    rope_theta: float = Field(ge=1, le=1e9)
    tie_word_embeddings: bool

    def config(self) -> dict[str, Any]:
        """Settings of `LlamaConfig`."""
        values = self.model_dump()
        rope = {"rope_type": "default", "rope_theta": values.pop("rope_theta")}
        return {**values, "rope_parameters": rope, "pad_token_id": 0, "bos_token_id": None, "eos_token_id": None}


@dataclass(frozen=True, eq=False)
class CausalModel:
    """A tokenizer, the sizes of a Llama, and its weights as safetensors."""

    tokenizer: TextTokenizer
    sizes: CausalSizes
    weights: bytes

    @classmethod
    def new(cls, texts: Iterable[str], s: Any, seed: int) -> CausalModel:
        """A model for these texts with random weights; ``s`` are `logradar.detectors.text.body.TextSettings`."""
        tokenizer = tokenizer_for(texts, s)
        sizes = CausalSizes(
            vocab_size=len(tokenizer),
            hidden_size=s.hidden,
            intermediate_size=s.intermediate,
            num_hidden_layers=s.layers,
            num_attention_heads=s.heads,
            num_key_value_heads=s.heads,
            max_position_embeddings=s.positions,
            rms_norm_eps=1e-5,
            rope_theta=10_000.0,
            tie_word_embeddings=True,
        )
        from logradar.detectors.text.causal_network import CausalNetwork

        with seeded(seed):
            network = CausalNetwork.of_sizes(sizes.config())
        return cls(tokenizer, sizes, weights_of(network))

    @classmethod
    def of_llama(cls, start: str, texts: Iterable[str], s: Any) -> CausalModel:
        """A Llama with its tokenizer from a folder, or by its name from the hub, with a vocabulary for these texts.

        Its own vocabulary (49,152 tokens of SmolLM2) is for all languages; a log has some hundred. So each token of a
        tokenizer that is learnt here begins with the mean embedding of the pieces that the model would read for it
        (as in WECHSEL; Minixhofer et al., NAACL 2022); all other weights stay. Only safetensors are read, and no code
        that comes with a model runs. Raises `ConfigError`.
        """
        with redirect_stdout(sys.stderr):
            from transformers import AutoConfig, AutoTokenizer, LlamaForCausalLM

        only = how_to_read(start)
        try:
            config = AutoConfig.from_pretrained(start, **only)
            _require_llama(config)
            loaded: Any = LlamaForCausalLM.from_pretrained(start, use_safetensors=True, dtype="float32", **only)
            theirs = AutoTokenizer.from_pretrained(start, use_fast=True, **only)
            tokenizer = tokenizer_for(texts, s)
            return cls._with_vocabulary(loaded, theirs, tokenizer)
        except ConfigError:
            raise
        except Exception as error:  # transformers and safetensors raise what they like
            reason = " ".join(str(error).split())[:200]
            raise ConfigError(
                f"'{start}' is no causal language model that can be read ({reason}); give the folder of a bundle, the "
                "folder of a Llama (such as SmolLM2) with its tokenizer and model.safetensors, or a name on the hub."
            ) from None

    @classmethod
    def _with_vocabulary(cls, model: Any, theirs: Any, tokenizer: TextTokenizer) -> CausalModel:
        import torch

        from logradar.detectors.text.causal_network import CausalNetwork

        c = model.config
        old = model.model.embed_tokens.weight.detach()
        rows, mean = [], old.mean(0)
        for word in tokenizer.words:
            pieces = theirs.encode(" " + word, add_special_tokens=False) if word else []
            rows.append(old[pieces].mean(0) if pieces else mean)
        sizes = CausalSizes(
            vocab_size=len(tokenizer),
            **{name: getattr(c, name) for name in _COUNTS},
            rms_norm_eps=float(c.rms_norm_eps),
            rope_theta=float(c.rope_parameters["rope_theta"]),
            tie_word_embeddings=True,
        )
        network = CausalNetwork.of_sizes(sizes.config())
        kept = {f"llama.{name}": value for name, value in model.model.state_dict().items()}
        kept["llama.embed_tokens.weight"] = torch.stack(rows)
        network.load_state_dict({**network.state_dict(), **kept})
        return cls(tokenizer, sizes, weights_of(network))

    @staticmethod
    def sizes_of(values: object) -> CausalSizes:
        """The sizes that a bundle keeps; `ValueError` where they are none."""
        return CausalSizes.of(values, "state.sizes")

    def require_fit(self) -> None:
        """`ValueError` where the weights are not those of a Llama of these sizes; no network is made."""
        s, shapes = self.sizes, shapes_in(self.weights)
        last = f"llama.layers.{s.num_hidden_layers - 1}.mlp.gate_proj.weight"
        expected = {
            "llama.embed_tokens.weight": (s.vocab_size, s.hidden_size),
            last: (s.intermediate_size, s.hidden_size),
            "llama.layers.0.self_attn.k_proj.weight": (
                s.hidden_size // s.num_attention_heads * s.num_key_value_heads,
                s.hidden_size,
            ),
        }
        heads = s.hidden_size % s.num_attention_heads or s.num_attention_heads % s.num_key_value_heads
        if any(shapes.get(name) != shape for name, shape in expected.items()) or heads:
            raise ValueError("the weights are those of a network of other sizes")
        if any(name.startswith(f"llama.layers.{s.num_hidden_layers}.") for name in shapes):
            raise ValueError("the weights are those of a network with more layers")

    def network(self) -> CausalNetwork:
        """The network with its weights, in evaluation mode; `RuntimeError` where they do not fit."""
        from safetensors.torch import load

        from logradar.detectors.text.causal_network import CausalNetwork

        network = CausalNetwork.of_sizes(self.sizes.config())
        network.load_state_dict(load(self.weights))
        return network.eval()

    def with_network(self, network: CausalNetwork) -> CausalModel:
        """The same with the weights that ``network`` has now."""
        return replace(self, weights=weights_of(network))


def _require_llama(config: Any) -> None:
    """`ValueError` for another kind of model, or for one that would be computed in another way here."""
    if config.model_type != "llama":
        raise ValueError(f"it is a {config.model_type}, and only models of the kind llama are known")
    plain = {"attention_bias": False, "mlp_bias": False, "hidden_act": "silu"}
    for name, value in plain.items():
        if getattr(config, name, value) != value:
            raise ValueError(f"its {name} is not {value}")
    if config.rope_parameters.get("rope_type", "default") != "default":
        raise ValueError("its positions are stretched")
