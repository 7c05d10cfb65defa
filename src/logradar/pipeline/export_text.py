"""Export of log language models: ONNX, TorchScript, or a folder of `transformers`, each compared with the model."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from logradar.core.errors import ConfigError
from logradar.core.files import require_writable, write_whole
from logradar.core.sequences import Sequences
from logradar.detectors.neural.scorer import Scorer
from logradar.detectors.text.body import TextDetector
from logradar.model.bundle import Bundle
from logradar.training.device import require
from logradar.training.ragged import padded

if TYPE_CHECKING:
    pass

TEXT_FORMATS: Final = ("onnx", "ts", "transformers")
_ROWS: Final = 64  # sessions on which what was written is compared with the model
_CLOSE: Final = 1e-4  # of 32-bit numbers that were added in another order


def text_model_of(bundle: Bundle, name: str | None) -> tuple[str, TextDetector] | None:
    """The log language model ``name`` of a bundle, or its only one where no name is given; None where there is none."""
    models = {key: one for key, one in bundle.detectors.items() if isinstance(one, TextDetector)}
    if name is not None or bundle.settings.detector in models:
        name = name or bundle.settings.detector
        return (name, models[name]) if name in models else None
    return next(iter(models.items())) if len(models) == 1 else None


def export_text(name: str, detector: TextDetector, output: Path, form: str, int8: bool) -> dict[str, Any]:
    """Write the model to ``output``; the figures say how far it is from the model that was trained, on real sessions.

    Raises `ConfigError` for another format, and where what was written differs too much.
    """
    if form not in TEXT_FORMATS:
        raise ConfigError(f"A language model has no format '{form}'; choose --format {' or '.join(TEXT_FORMATS)}.")
    require("torch")
    if form == "transformers" and detector.outputs != 2:
        raise ConfigError(f"transformers does not know the head of '{name}'; choose --format onnx or ts.")
    if form == "transformers":
        require_writable(output, folder=True)
        detector.model.write(output)
        return {"difference": _difference_of_folder(detector, output)}
    require_writable(output)
    if form == "ts":
        return {"difference": _write_script(detector, output)}
    from logradar.detectors.neural.quantized import labelled, quantized

    network = quantized(detector.onnx) if int8 else detector.onnx
    words = detector.model.tokenizer
    facts = {"detector": name, "tokens": len(words), "settings": detector.settings.model_dump(mode="json")}
    write_whole(output, labelled(network, {"logradar": json.dumps(facts)}))
    difference = max(
        (float(np.abs(next(Scorer(network)(batch)) - expected).max()) for batch, expected in _expected(detector)),
        default=0.0,
    )
    return {"difference": difference, **({"bytes_before": len(detector.onnx)} if int8 else {})}


def _write_script(detector: TextDetector, output: Path) -> float:
    import torch

    network = detector.network()
    example = {key: torch.from_numpy(value) for key, value in detector.example().items()}
    with warnings.catch_warnings(), torch.no_grad(), _quiet():
        warnings.simplefilter("ignore")  # that tracing is old, and of shapes that are checked below
        script = torch.jit.trace(  # type: ignore[no-untyped-call]
            network, example_kwarg_inputs=example, check_trace=False
        )
        difference = max((_distance(script, *pair) for pair in _expected(detector)), default=0.0)
        if difference > _CLOSE:
            raise ConfigError(f"The TorchScript differs from the model by {difference:.2g}; export ONNX instead.")
        torch.jit.save(script, str(output))
    return difference


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what `transformers` says of a model that is looked at from outside."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(level)


def _distance(network: Any, batch: dict[str, Any], expected: Any) -> float:
    import torch

    with torch.no_grad():
        output = network(**{key: torch.from_numpy(value) for key, value in batch.items()})
    return float(np.abs(output.numpy() - expected).max())


def _difference_of_folder(detector: TextDetector, folder: Path) -> float:
    """How far a model that `transformers` loads from the folder is."""
    import torch
    from transformers import DistilBertForMaskedLM

    loaded: Any = DistilBertForMaskedLM.from_pretrained(folder, use_safetensors=True)
    loaded.eval()
    own = detector.network()
    worst = 0.0
    for batch, _ in _expected(detector):
        tokens = torch.from_numpy(batch["tokens"]).long()
        with torch.no_grad():
            theirs = loaded(input_ids=tokens, attention_mask=(tokens != 0).long()).logits
            ours = own.logits(own.states(tokens))
        worst = max(worst, float((theirs - ours)[tokens != 0].abs().max()))
    return worst


def _expected(detector: TextDetector) -> list[tuple[dict[str, Any], Any]]:
    """Some sessions that the model has learnt as batches of several lengths, and what the model says of them."""
    import torch

    rows, network = detector.rows, detector.network()
    chosen = np.arange(0, len(rows), max(len(rows) // _ROWS, 1))[:_ROWS]
    chosen = chosen[np.argsort(rows.lengths[chosen], kind="stable")]
    found = []
    for part in np.array_split(chosen, 4):
        if not len(part):
            continue
        some: Sequences = rows
        tokens = padded(some.values, some.offsets, part)
        batch = dict.fromkeys(detector.example(), tokens)
        with torch.no_grad():
            output = network(**{key: torch.from_numpy(value) for key, value in batch.items()})
        found.append((batch, output.numpy()))
    return found
