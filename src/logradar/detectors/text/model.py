"""A log language model: tokenizer, sizes and weights, made anew or read from elsewhere."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pydantic import ConfigDict, Field

from logradar.core.documents import Saved, parsed, reason_of
from logradar.core.errors import ConfigError
from logradar.core.progress import say
from logradar.detectors.neural.scorer import ladder
from logradar.detectors.text.normaliser import NormaliserSettings
from logradar.detectors.text.tokenizer import TextTokenizer, document_of
from logradar.training.device import seeded

if TYPE_CHECKING:
    from logradar.detectors.text.language_network import LanguageNetwork

NETWORK_FILE: Final = "model.safetensors"
_HEADER: Final = 8 << 20  # bytes of the header of safetensors
_LONGEST: Final = 1 << 14  # places that a network may have


class Sizes(Saved):
    """What decides the shapes of a DistilBERT: the fields of `transformers.DistilBertConfig` with these names."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    vocab_size: int = Field(ge=6, le=1 << 20)
    dim: int = Field(ge=1, le=1 << 14)
    n_layers: int = Field(ge=1, le=128)
    n_heads: int = Field(ge=1, le=256)
    hidden_dim: int = Field(ge=1, le=1 << 16)
    max_position_embeddings: int = Field(ge=16, le=_LONGEST)
    dropout: float = Field(ge=0, lt=1)

    def config(self) -> dict[str, Any]:
        """Settings of `DistilBertConfig`: no dropout in attention, without which it is four times faster on a CPU."""
        return {**self.model_dump(), "attention_dropout": 0.0, "pad_token_id": 0}


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A tokenizer, the sizes of a network, and its weights as safetensors."""

    tokenizer: TextTokenizer
    sizes: Sizes
    weights: bytes

    @classmethod
    def new(cls, texts: Iterable[str], s: Any, seed: int) -> LanguageModel:
        """A model for these texts with random weights; ``s`` are `logradar.detectors.distilbert.DistilbertSettings`."""
        tokenizer = tokenizer_for(texts, s)
        sizes = Sizes(
            vocab_size=len(tokenizer),
            dim=s.hidden,
            n_layers=s.layers,
            n_heads=s.heads,
            hidden_dim=s.intermediate,
            max_position_embeddings=int(ladder(np.array([s.positions]))[0]),
            dropout=s.dropout,
        )
        from logradar.detectors.text.language_network import LanguageNetwork

        with seeded(seed):
            network = LanguageNetwork.of_sizes(sizes.config())
        return cls(tokenizer, sizes, weights_of(network))

    @classmethod
    def of_hub(cls, start: str, normaliser: NormaliserSettings, words: int) -> LanguageModel:
        """A DistilBERT with its tokenizer from a folder, or by its name from the hub of Hugging Face.

        Only safetensors are read, and no code that comes with a model runs. Raises `ConfigError`.
        """
        with redirect_stdout(sys.stderr):
            from transformers import AutoConfig, AutoTokenizer, DistilBertForMaskedLM

        from logradar.detectors.text.language_network import LanguageNetwork

        only = how_to_read(start)
        try:
            c = AutoConfig.from_pretrained(start, **only)
            _require_distilbert(c)
            sizes = Sizes(**{name: getattr(c, name) for name in Sizes.model_fields})
            loaded: Any = DistilBertForMaskedLM.from_pretrained(
                start, use_safetensors=True, output_loading_info=True, **only
            )
            model, report = loaded
            if report["missing_keys"]:
                raise ValueError(f"it has no weights for {min(report['missing_keys'])}")
            document = AutoTokenizer.from_pretrained(start, use_fast=True, **only)
            tokenizer = TextTokenizer(document.backend_tokenizer.to_str(), normaliser, words)
            if tokenizer.highest >= sizes.vocab_size:
                raise ValueError("its tokenizer has tokens that the network does not know")
        except Exception as error:  # transformers and safetensors raise what they like
            reason = " ".join(str(error).split())[:200]
            raise ConfigError(
                f"'{start}' is no DistilBERT that can be read ({reason}); give the folder of a bundle, the folder of a "
                "DistilBERT with its tokenizer.json and model.safetensors, or the name of one on the hub."
            ) from None
        return cls(tokenizer, sizes, weights_of(LanguageNetwork.of_masked(model)))

    @staticmethod
    def sizes_of(values: object) -> Sizes:
        """The sizes that a bundle keeps; `ValueError` where they are none."""
        return Sizes.of(values, "state.sizes")

    def require_fit(self) -> None:
        """`ValueError` where the weights are not those of a network of these sizes."""
        require_fit(self.weights, self.sizes)

    def network(self, kind: type[LanguageNetwork] | None = None) -> LanguageNetwork:
        """The network with its weights, in evaluation mode; `RuntimeError` where they do not fit.

        A network of another ``kind`` has a new head where these weights have none, and none where they have one.
        """
        from safetensors.torch import load

        from logradar.detectors.text.language_network import LanguageNetwork

        network = (kind or LanguageNetwork).of_sizes(self.sizes.config())
        weights = load(self.weights)
        own = network.state_dict()
        heads = {name for name in {*own, *weights} if name.startswith("head.")}
        if own.keys() - heads != weights.keys() - heads:
            raise RuntimeError("the weights are those of another network")
        network.load_state_dict({**own, **{name: value for name, value in weights.items() if name in own}})
        return network.eval()

    def with_network(self, network: LanguageNetwork) -> LanguageModel:
        """The same with the weights that ``network`` has now."""
        return replace(self, weights=weights_of(network))

    def write(self, folder: Path) -> None:
        """Write it as a folder that `transformers` loads: DistilBertForMaskedLM with its tokenizer."""
        with redirect_stdout(sys.stderr):
            from transformers import PreTrainedTokenizerFast

        folder.mkdir(parents=True, exist_ok=True)
        self.network().as_masked().save_pretrained(folder, safe_serialization=True)
        names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "mask_token": "[MASK]"}
        self.tokenizer.save(folder)
        fast = PreTrainedTokenizerFast(
            tokenizer_file=str(folder / "tokenizer.json"), cls_token="[CLS]", sep_token="[SEP]", **names
        )
        fast.save_pretrained(folder)


def how_to_read(start: str) -> dict[str, Any]:
    """How `transformers` reads a folder, or what has this name on its hub: no code that comes with a model runs.

    Raises `ConfigError` for what is neither a folder nor a name.
    """
    local = Path(start).is_dir()
    if not local:
        _require_name(start)
        say(f"'{start}' is no folder here; it is looked for on the hub of Hugging Face")
    return {"trust_remote_code": False, "local_files_only": local}


def _require_name(start: str) -> None:
    if not re.fullmatch(r"[\w.-]+(?:/[\w.-]+)?", start) or start.startswith("."):
        raise ConfigError(
            f"There is no folder '{start}' to begin with; give the folder of a bundle or of a model of the kind that "
            "this detector is, or the name of one on the hub."
        )


def _require_distilbert(config: Any) -> None:
    """`ValueError` for another kind of model, or for one that would be computed in another way here."""
    if config.model_type != "distilbert":
        raise ValueError(f"it is a {config.model_type}")
    other = {"activation": "gelu", "pad_token_id": 0, "sinusoidal_pos_embds": False}
    for name, value in other.items():
        if getattr(config, name, value) != value:
            raise ValueError(f"its {name} is not {value}")


def shapes_in(weights: bytes) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor, from the header of safetensors; `ValueError` where there is none."""
    size = int.from_bytes(weights[:8], "little")
    if len(weights) < 8 or size > min(len(weights) - 8, _HEADER):
        raise ValueError("the weights have no header")
    header = parsed(weights[8 : 8 + size], "weights")
    if not isinstance(header, dict):
        raise ValueError("the header of the weights is no object")
    found = {name: value for name, value in header.items() if name != "__metadata__"}
    if max((one["data_offsets"][1] for one in found.values()), default=0) != len(weights) - 8 - size:
        raise ValueError("the weights are not whole")
    return {name: tuple(one["shape"]) for name, one in found.items()}


def require_fit(weights: bytes, sizes: Sizes) -> None:
    """`ValueError` where the weights are not those of a network of these sizes; no network is made."""
    shapes, last = shapes_in(weights), f"distilbert.transformer.layer.{sizes.n_layers - 1}.ffn.lin1.weight"
    expected = {
        "distilbert.embeddings.word_embeddings.weight": (sizes.vocab_size, sizes.dim),
        "distilbert.embeddings.position_embeddings.weight": (sizes.max_position_embeddings, sizes.dim),
        last: (sizes.hidden_dim, sizes.dim),
    }
    more = f"distilbert.transformer.layer.{sizes.n_layers}."
    if any(shapes.get(name) != shape for name, shape in expected.items()) or sizes.dim % sizes.n_heads:
        raise ValueError("the weights are those of a network of other sizes")
    if any(name.startswith(more) for name in shapes):
        raise ValueError("the weights are those of a network with more layers")


def tokenizer_for(texts: Iterable[str], s: Any) -> TextTokenizer:
    """The tokenizer that the settings ``s`` name, else one that is learnt from these texts. Raises `ConfigError`."""
    if s.tokenizer is None:
        return TextTokenizer.learn(texts, s.vocabulary, s.normaliser, s.words)
    try:
        return TextTokenizer(document_of(Path(s.tokenizer)), s.normaliser, s.words)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"There is no tokenizer that can be read in '{s.tokenizer}' ({reason_of(error)}); write one with "
            "`logradar prepare --format texts`, or leave the setting 'tokenizer' out."
        ) from None


def weights_of(network: Any) -> bytes:
    """The weights of a network as safetensors."""
    from safetensors.torch import save

    return bytes(save({name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}))
