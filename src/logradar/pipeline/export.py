"""Export: write the network of a bundle, or of a checkpoint, to a file (ONNX or PyTorch)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from logradar.core.errors import ConfigError, LogRadarError
from logradar.core.files import require_writable
from logradar.core.outputs import require_outside
from logradar.core.progress import say
from logradar.core.session_set import SessionTable
from logradar.detectors.neural.body import NeuralDetector
from logradar.model.bundle import Bundle
from logradar.pipeline.checkpoint_weights import Checkpoint, network_of, owner, validation_of
from logradar.pipeline.export_text import export_text, text_model_of
from logradar.training import checkpoints
from logradar.training.device import require

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = ("onnx", "pt", "ts", "transformers")
PLAIN: Final = FORMATS[:2]  # of every network
_MEASURED: Final = 1000  # validation sessions on which a change of the network is measured


def export(
    bundle: Path,
    output: Path,
    *,
    form: str | None = None,
    int8: bool = False,
    name: str | None = None,
    checkpoint: Path | None = None,
) -> Any:
    """Write the network of the bundle in folder ``bundle`` to the file ``output``; return facts about the file.

    ``form`` is one of `FORMATS`, by default the extension of ``output``. ``pt`` is a dictionary that
    torch loads with ``weights_only``. ``onnx`` runs without torch; with ``int8`` its weights have 8 bits, and the
    change of the scores is measured on validation sessions. ``ts`` (TorchScript) and ``transformers`` (a folder) are
    for log language models. With ``checkpoint`` the weights are those of a checkpoint
    (`logradar.pipeline.checkpoint_weights.Checkpoint.read`), and not the best ones, which the bundle has.
    """
    form = form or output.suffix.lstrip(".")
    if form not in FORMATS:
        raise ConfigError(f"There is no format '{form}'; choose --format {' or '.join(FORMATS)}.")
    if int8 and form != "onnx":
        raise ConfigError("--int8 is for --format onnx only.")
    require_outside(output)
    loaded = Bundle.load(bundle)
    if checkpoint is None and (text := text_model_of(loaded, name)) is not None:
        said = {"file": str(output), "format": form, "detector": text[0]}
        figures = {**said, **export_text(*text, output, form, int8)}
        return figures if output.is_dir() else {**figures, "bytes": output.stat().st_size}
    if form not in PLAIN:
        raise ConfigError(f"Only language models are written as '{form}'; choose --format {' or '.join(PLAIN)}.")
    require_writable(output)
    kept = Checkpoint.read(checkpoint) if checkpoint is not None else None
    name, detector = network_of(loaded, name) if kept is None else owner(loaded, kept, name)
    figures = {"file": str(output), "format": form, "detector": name}
    if kept is not None:
        detector = kept.inside(detector)
        figures["checkpoint"] = kept.name
    if form == "pt":
        figures |= _write_torch(name, detector, kept or _best(loaded, name, bundle), output)
    else:
        figures |= _write_onnx(loaded, name, detector, int8, output)
    return {**figures, "bytes": output.stat().st_size}


def _write_onnx(bundle: Bundle, name: str, detector: NeuralDetector, int8: bool, output: Path) -> dict[str, Any]:
    from logradar.detectors.neural.quantized import labelled, quantized

    network, figures = detector.onnx, {}
    if int8:
        network = quantized(network)
        figures = {"bytes_before": len(detector.onnx), **_effect(detector, network, _some(bundle))}
    facts = {"detector": name, "vocabulary": detector.vocabulary.ids.tolist(), "settings": _settings(detector)}
    _write(output, labelled(network, {"logradar": json.dumps(facts)}))
    return figures


def _effect(detector: NeuralDetector, network: bytes, sample: pa.Table) -> dict[str, Any]:
    """How much the scores of ``sample`` change when ``network`` computes them."""
    before = detector.score(sample)["score"].to_numpy()
    difference = np.abs(detector.scoring_with(network).score(sample)["score"].to_numpy() - before)
    change = {"max": float(difference.max()), "mean": float(difference.mean()), "sessions": len(difference)}
    return {"score_difference": change, "scores": {"mean": float(before.mean()), "max": float(before.max())}}


def _write_torch(name: str, detector: NeuralDetector, kept: Checkpoint, output: Path) -> dict[str, Any]:
    require("torch", "safetensors")
    import torch

    states = kept.states()
    course = {"global_step": kept.step, "epoch": kept.epoch, "best_loss": kept.best_loss}
    content = {
        "detector": name,
        "model_state_dict": detector.network().state_dict(),
        "optimizer_state_dict": states["optimizer"],
        "scheduler_state_dict": states["scheduler"],
        **course,
        "config": _settings(detector),
        "seed": detector.seed,
        "updated": kept.updated,
        "vocabulary": torch.from_numpy(detector.vocabulary.ids.copy()),
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, output)
    if states["optimizer"] is None:
        say(
            "A bundle does not contain the states of optimiser and schedule; to export them too, train with "
            f"detectors.{name}.training.keep_checkpoints=true."
        )
    tensors = len(detector.network().state_dict())
    return {"tensors": tensors, "optimizer": states["optimizer"] is not None, **course}


def _best(bundle: Bundle, name: str, folder: Path) -> Checkpoint:
    """The checkpoint whose weights the bundle has; the best epoch without states where it was not kept."""
    detector, home = network_of(bundle, name)[1], folder.absolute()
    for place in sorted(home.with_name(home.name + ".training").rglob(checkpoints.FOLDER)):
        try:
            if name in place.parts and (kept := Checkpoint.read(place)).equals(detector):
                kept.states()
                return kept
        except LogRadarError as error:
            say(f"The checkpoint in '{place}' is left out: {error}")
    history = [row for row in bundle.history.get(name, []) if "eval_loss" in row]
    best: Mapping[str, Any] = min(history, key=lambda row: row["eval_loss"]) if history else {}
    course = best.get("step"), best.get("epoch"), best.get("eval_loss")
    nothing = {"optimizer": None, "scheduler": None}
    return Checkpoint("best", b"", lambda: nothing, name, *course, updated=bool(detector.settings.updates))


def _some(bundle: Bundle) -> pa.Table:
    """Some of the validation sessions that a bundle keeps: what a change of the network does is seen on few."""
    return SessionTable(validation_of(bundle)).thinned(_MEASURED).table


def _settings(detector: NeuralDetector) -> dict[str, Any]:
    settings: dict[str, Any] = detector.settings.model_dump(mode="json")
    return settings


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
