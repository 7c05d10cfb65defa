"""Export: write the network of a bundle to a file (ONNX or PyTorch), or give it the weights of a checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from logradar.alerting.threshold import fit_threshold
from logradar.core.errors import BundleError, ConfigError, did_you_mean
from logradar.core.progress import say
from logradar.detectors.neural.body import NeuralDetector
from logradar.model.bundle import Bundle
from logradar.training.device import require

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = ("onnx", "pt")


def network_of(bundle: Bundle, name: str | None = None) -> tuple[str, NeuralDetector]:
    """The neural detector ``name`` of a bundle, with its name.

    Without ``name`` it is the main detector, or the only neural detector of the bundle. Raises `ConfigError` where
    there is none, or more than one to choose from.
    """
    networks = {key: detector for key, detector in bundle.detectors.items() if isinstance(detector, NeuralDetector)}
    if name is None:
        name = bundle.settings.detector if bundle.settings.detector in networks else next(iter(networks), "")
        if len(networks) > 1 and name != bundle.settings.detector:
            raise ConfigError(f"The bundle has several networks ({', '.join(networks)}); choose one with --detector.")
    if not networks:
        raise ConfigError("The bundle has no network; train one with --detector deeplog.")
    if name not in networks:
        raise ConfigError(f"'{name}' is not a network of this bundle; {did_you_mean(name, networks)}")
    return name, networks[name]


def from_checkpoint(bundle: Bundle, checkpoint: Path, name: str | None = None) -> Bundle:
    """The same bundle with the weights of a checkpoint and a threshold for them.

    ``checkpoint`` is a folder with ``model.safetensors``. The threshold is fitted on the validation sessions that
    the bundle keeps.
    """
    require("torch", "safetensors")
    from safetensors import SafetensorError

    name, detector = network_of(bundle, name)
    if name in bundle.main.members:
        raise ConfigError(
            f"'{name}' is a member of '{bundle.settings.detector}'; a checkpoint can be measured only for a detector "
            "that is not part of an ensemble."
        )
    try:
        restored = detector.with_weights((checkpoint / "model.safetensors").read_bytes())
    except OSError:
        raise ConfigError(f"'{checkpoint}' is not a checkpoint: it has no model.safetensors.") from None
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise BundleError(f"The weights in '{checkpoint}' are not those of this bundle's '{name}': {reason}") from None
    restored.validation_scores = restored.score(_sample(bundle))["score"].to_numpy()
    rate = bundle.facts.get("sessions_per_day")
    threshold = fit_threshold(restored.validation_scores, bundle.settings.threshold, rate)
    say(
        f"{name}: weights of {checkpoint.name}, threshold {threshold.value:.4g} from {threshold.sessions} validation "
        "sessions"
    )
    return replace(
        bundle,
        detectors={**bundle.detectors, name: restored},
        thresholds={**bundle.thresholds, name: threshold},
        validation={**bundle.validation, name: restored.validation_scores},
    )


def export(bundle: Path, output: Path, *, form: str | None = None, int8: bool = False, name: str | None = None) -> Any:
    """Write the network of the bundle in folder ``bundle`` to the file ``output``; return facts about the file.

    ``form`` is one of `FORMATS`, by default the extension of ``output``. ``pt`` is a dictionary that
    torch loads with ``weights_only``. ``onnx`` runs without torch; with ``int8`` its weights have 8 bits, and the
    change of the scores is measured on validation sessions.
    """
    form = form or output.suffix.lstrip(".")
    if form not in FORMATS:
        raise ConfigError(f"There is no format '{form}'; choose --format {' or '.join(FORMATS)}.")
    if int8 and form != "onnx":
        raise ConfigError("--int8 is for --format onnx only.")
    loaded = Bundle.load(bundle)
    name, detector = network_of(loaded, name)
    figures: dict[str, Any] = {"file": str(output), "format": form, "detector": name}
    if form == "pt":
        figures |= _write_torch(loaded, name, detector, bundle, output)
    else:
        figures |= _write_onnx(loaded, name, detector, int8, output)
    return {**figures, "bytes": output.stat().st_size}


def _write_onnx(bundle: Bundle, name: str, detector: NeuralDetector, int8: bool, output: Path) -> dict[str, Any]:
    from logradar.detectors.neural.quantized import labelled, quantized

    network, figures = detector.onnx, {}
    if int8:
        network = quantized(network)
        figures = {"bytes_before": len(detector.onnx), **_effect(detector, network, _sample(bundle))}
    facts = {"detector": name, "vocabulary": detector.vocabulary.ids.tolist(), "settings": _settings(detector)}
    _write(output, labelled(network, {"logradar": json.dumps(facts)}))
    return figures


def _effect(detector: NeuralDetector, network: bytes, sample: pa.Table) -> dict[str, Any]:
    """How much the scores of ``sample`` change when ``network`` computes them."""
    before = detector.score(sample)["score"].to_numpy()
    difference = np.abs(detector.scoring_with(network).score(sample)["score"].to_numpy() - before)
    change = {"max": float(difference.max()), "mean": float(difference.mean()), "sessions": len(difference)}
    return {"score_difference": change, "scores": {"mean": float(before.mean()), "max": float(before.max())}}


def _write_torch(bundle: Bundle, name: str, detector: NeuralDetector, folder: Path, output: Path) -> dict[str, Any]:
    require("torch", "safetensors")
    import torch

    history = [row for row in bundle.history.get(name, []) if "eval_loss" in row]
    best: Mapping[str, Any] = min(history, key=lambda row: row["eval_loss"]) if history else {}
    states = _states(name, detector, folder, best.get("step"))
    content = {
        "detector": name,
        "model": detector.network().state_dict(),
        **states,
        "global_step": best.get("step"),
        "epoch": best.get("epoch"),
        "best_loss": best.get("eval_loss"),
        "config": _settings(detector),
        "seed": detector.seed,
        "vocabulary": torch.from_numpy(detector.vocabulary.ids.copy()),
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, output)
    if states["optimizer"] is None:
        say(
            "A bundle does not contain the states of optimiser and schedule; to export them too, train with "
            f"detectors.{name}.training.keep_checkpoints=true."
        )
    course = {key: content[key] for key in ("global_step", "epoch", "best_loss")}
    return {"tensors": len(content["model"]), "optimizer": states["optimizer"] is not None, **course}


def _states(name: str, detector: NeuralDetector, folder: Path, step: int | None) -> dict[str, Any]:
    """States of optimiser and schedule of the best checkpoint; None where none was kept for this bundle's weights."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from logradar.training.optimizer_files import read_optimizer, read_scheduler

    home = folder.absolute()
    own = detector.network().state_dict()
    for checkpoint in sorted(home.with_name(home.name + ".training").rglob(f"{name}/checkpoints/checkpoint-{step}")):
        try:
            weights = load_file(checkpoint / "model.safetensors")
            same = all(torch.equal(own[key], value) for key, value in weights.items())
            if same:
                return {"optimizer": read_optimizer(checkpoint), "scheduler": read_scheduler(checkpoint)}
        except (OSError, KeyError, ValueError, SafetensorError, RuntimeError) as error:
            say(f"The checkpoint '{checkpoint.name}' cannot be read and is left out: {error}")
    return {"optimizer": None, "scheduler": None}


def _sample(bundle: Bundle) -> pa.Table:
    if bundle.sample is None or not len(bundle.sample):
        raise BundleError(
            "The bundle has no validation sessions to measure on; train it again with some held back (split.valid)."
        )
    return bundle.sample


def _settings(detector: NeuralDetector) -> dict[str, Any]:
    settings: dict[str, Any] = detector.settings.model_dump(mode="json")
    return settings


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
