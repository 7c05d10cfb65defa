"""Networks: the one that is meant in a bundle, with weights from a checkpoint, or written to a file for elsewhere."""

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


def network_of(fitted: Bundle, name: str | None = None) -> tuple[str, NeuralDetector]:
    """The neural detector of that name; without one the main detector, or the only neural one that there is."""
    found = {key: detector for key, detector in fitted.detectors.items() if isinstance(detector, NeuralDetector)}
    if name is None:
        name = fitted.settings.detector if fitted.settings.detector in found else next(iter(found), "")
        if len(found) > 1 and name != fitted.settings.detector:
            raise ConfigError(f"The bundle has several networks ({', '.join(found)}); choose one with --detector.")
    if not found:
        raise ConfigError("The bundle has no network; train one with --detector deeplog.")
    if name not in found:
        raise ConfigError(f"'{name}' is no network of this bundle; {did_you_mean(name, found)}")
    return name, found[name]


def from_checkpoint(fitted: Bundle, checkpoint: Path, name: str | None = None) -> Bundle:
    """The same with the weights of a checkpoint, and a threshold from the validation sessions that the bundle keeps."""
    require("torch", "safetensors")
    from safetensors import SafetensorError

    name, detector = network_of(fitted, name)
    if name in fitted.main.members:
        raise ConfigError(f"'{name}' is part of '{fitted.settings.detector}'; a checkpoint can be measured alone only.")
    try:
        twin = detector.with_weights((checkpoint / "model.safetensors").read_bytes())
    except OSError:
        raise ConfigError(f"'{checkpoint}' is no checkpoint: it holds no model.safetensors.") from None
    except (SafetensorError, RuntimeError) as error:
        told = str(error).strip().splitlines()[-1].strip()
        raise BundleError(f"The weights in '{checkpoint}' are not those of this bundle's '{name}': {told}") from None
    twin.validation_scores = twin.score(_sample(fitted))["score"].to_numpy()
    rate = fitted.facts.get("sessions_per_day")
    limit = fit_threshold(twin.validation_scores, fitted.settings.threshold, rate)
    say(f"{name}: weights of {checkpoint.name}, threshold {limit.value:.4g} from {limit.sessions} validation sessions")
    return replace(
        fitted,
        detectors={**fitted.detectors, name: twin},
        thresholds={**fitted.thresholds, name: limit},
        validation={**fitted.validation, name: twin.validation_scores},
    )


def export(bundle: Path, output: Path, *, form: str | None = None, int8: bool = False, name: str | None = None) -> Any:
    """Write the network of a bundle to a file, and return what is in it as figures.

    ``form`` is one of `FORMATS`, by default as the file's name ends. ``pt`` is a dictionary that
    torch loads with ``weights_only``; ``onnx`` runs anywhere, with ``int8`` in 8 bits, for which the
    difference of scores on validation sessions is measured.
    """
    form = form or output.suffix.lstrip(".")
    if form not in FORMATS:
        raise ConfigError(f"There is no format '{form}'; choose --format {' or '.join(FORMATS)}.")
    if int8 and form != "onnx":
        raise ConfigError("--int8 is for --format onnx only.")
    fitted = Bundle.load(bundle)
    name, detector = network_of(fitted, name)
    figures: dict[str, Any] = {"file": str(output), "format": form, "detector": name}
    if form == "pt":
        figures |= _write_torch(fitted, name, detector, bundle, output)
    else:
        figures |= _write_onnx(fitted, name, detector, int8, output)
    return {**figures, "bytes": output.stat().st_size}


def _write_onnx(fitted: Bundle, name: str, detector: NeuralDetector, int8: bool, output: Path) -> dict[str, Any]:
    from logradar.detectors.neural.quantized import labelled, quantized

    network, figures = detector.onnx, {}
    if int8:
        network = quantized(network)
        figures = {"bytes_before": len(detector.onnx), **_effect(detector, network, _sample(fitted))}
    facts = {"detector": name, "vocabulary": detector.vocabulary.ids.tolist(), "settings": _settings(detector)}
    _write(output, labelled(network, {"logradar": json.dumps(facts)}))
    return figures


def _effect(detector: NeuralDetector, network: bytes, sample: pa.Table) -> dict[str, Any]:
    """By how much scores differ when another network gives them."""
    before = detector.score(sample)["score"].to_numpy()
    difference = np.abs(detector.scoring_with(network).score(sample)["score"].to_numpy() - before)
    told = {"max": float(difference.max()), "mean": float(difference.mean()), "sessions": len(difference)}
    return {"score_difference": told, "scores": {"mean": float(before.mean()), "max": float(before.max())}}


def _write_torch(fitted: Bundle, name: str, detector: NeuralDetector, bundle: Path, output: Path) -> dict[str, Any]:
    require("torch", "safetensors")
    import torch

    history = [row for row in fitted.history.get(name, []) if "eval_loss" in row]
    best: Mapping[str, Any] = min(history, key=lambda row: row["eval_loss"]) if history else {}
    states = _states(name, detector, bundle, best.get("step"))
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
            "The states of optimiser and schedule are not in a bundle; to export them too, train with "
            f"detectors.{name}.training.keep_checkpoints=true."
        )
    told = {key: content[key] for key in ("global_step", "epoch", "best_loss")}
    return {"tensors": len(content["model"]), "optimizer": states["optimizer"] is not None, **told}


def _states(name: str, detector: NeuralDetector, bundle: Path, step: int | None) -> dict[str, Any]:
    """States of optimiser and schedule of the best checkpoint, where it was kept and is that of this bundle."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from logradar.training.optimizer_files import read_optimizer, read_scheduler

    home = bundle.absolute()
    own = detector.network().state_dict()
    for folder in sorted(home.with_name(home.name + ".training").rglob(f"{name}/checkpoints/checkpoint-{step}")):
        try:
            weights = load_file(folder / "model.safetensors")
            same = all(torch.equal(own[key], value) for key, value in weights.items())
            if same:
                return {"optimizer": read_optimizer(folder), "scheduler": read_scheduler(folder)}
        except (OSError, KeyError, ValueError, SafetensorError, RuntimeError) as error:
            say(f"The checkpoint '{folder.name}' cannot be read and is left out: {error}")
    return {"optimizer": None, "scheduler": None}


def _sample(fitted: Bundle) -> pa.Table:
    if fitted.sample is None or not len(fitted.sample):
        raise BundleError("The bundle keeps no validation sessions to measure on; train it again, with some held back.")
    return fitted.sample


def _settings(detector: NeuralDetector) -> dict[str, Any]:
    settings: dict[str, Any] = detector.settings.model_dump(mode="json")
    return settings


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
