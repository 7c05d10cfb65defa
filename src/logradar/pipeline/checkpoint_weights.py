"""Weights of a checkpoint, in place of those of a bundle: of any step that a training kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from logradar.alerting.threshold import fit_threshold
from logradar.core.errors import BundleError, ConfigError, did_you_mean
from logradar.core.progress import say
from logradar.core.sequences import Sequences
from logradar.detectors.base import Detector
from logradar.detectors.neural.body import NeuralDetector
from logradar.detectors.neural.validation_learning import FOLDER as UPDATES
from logradar.model.bundle import Bundle
from logradar.training import checkpoints
from logradar.training.device import require

EXPORTED: Final = ".pt"
States = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a training kept at one step: ``weights`` as safetensors, by which a session is scored.

    ``name`` is for people, ``detector`` the one that was trained, as the place of the checkpoint says. ``best_loss`` is
    the lowest validation loss until then. ``states`` reads those of optimiser and schedule. None: not known.
    ``updated`` says that it comes from a training in which validation sessions were learnt.
    """

    name: str
    weights: bytes
    states: Callable[[], States]
    detector: str | None = None
    step: int | None = None
    epoch: float | None = None
    best_loss: float | None = None
    updated: bool = False

    @classmethod
    def read(cls, path: Path) -> Checkpoint:
        """From a folder ``checkpoint-STEP``, the link ``best``, or the folder of all (then the best).

        Raises `ConfigError` for anything else, and `BundleError` for a file that cannot be read. An exported ``.pt`` is
        refused: reading it would need ``torch.load``, which is not for files of unknown origin.
        """
        require("torch", "safetensors")
        if path.suffix == EXPORTED and path.is_file():
            raise ConfigError(
                f"'{path}' is an export for other programs and is not read back; give the folder checkpoint-STEP "
                "that it was made from. Such a folder can be copied anywhere."
            )
        return _kept(_folder(path))

    def equals(self, detector: NeuralDetector) -> bool:
        """Whether these are the weights of ``detector``."""
        import torch
        from safetensors.torch import load

        own, weights = detector.network().state_dict(), load(self.weights)
        return own.keys() == weights.keys() and all(torch.equal(own[key], value) for key, value in weights.items())

    def fits(self, detector: NeuralDetector) -> bool:
        """Whether the network of ``detector`` has tensors of these names and shapes, now or with fewer templates."""
        return self._shapes == _shapes(self._of_then(detector).network().state_dict())

    def inside(self, detector: NeuralDetector, valid: Sequences | None = None) -> NeuralDetector:
        """A copy of ``detector`` with these weights; see `NeuralDetector.with_weights`.

        It knows the templates that it knew then: those that validation sessions taught it come later. Raises
        `BundleError` where the weights are those of another network.
        """
        try:
            return self._of_then(detector).with_weights(self.weights, valid)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1].strip()
            raise BundleError(
                f"The weights in '{self.name}' are not those of this bundle's '{detector.name}': {reason}"
            ) from None

    @property
    def _shapes(self) -> dict[str, tuple[int, ...]]:
        from safetensors.torch import load

        return _shapes(load(self.weights))

    def _of_then(self, detector: NeuralDetector) -> NeuralDetector:
        """The detector with the templates of these weights: new ones have higher ids, so the first ones."""
        own, mine = _shapes(detector.network().state_dict()), self._shapes
        pairs = [(one, mine[key]) for key, one in own.items() if key in mine and len(one) == len(mine[key])]
        fewer = max((a - b for one, other in pairs for a, b in zip(one, other, strict=True)), default=0)
        templates = len(detector.vocabulary.ids) - fewer
        if not 0 < templates < len(detector.vocabulary.ids):
            return detector
        earlier = copy(detector)
        earlier.vocabulary = replace(detector.vocabulary, ids=detector.vocabulary.ids[:templates])
        return earlier


def _shapes(tensors: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in tensors.items()}


def networks_of(bundle: Bundle) -> dict[str, NeuralDetector]:
    """The neural detectors of a bundle by name, members of ensembles too; `ConfigError` where there is none."""
    networks = {key: detector for key, detector in bundle.detectors.items() if isinstance(detector, NeuralDetector)}
    if not networks:
        raise ConfigError("The bundle has no network; train one with --detector deeplog.")
    return networks


def network_of(bundle: Bundle, name: str | None = None) -> tuple[str, NeuralDetector]:
    """The neural detector ``name`` of a bundle, with its name.

    Without ``name`` it is the main detector, or the only neural detector of the bundle. Raises `ConfigError` where
    there is none, or more than one to choose from.
    """
    networks = networks_of(bundle)
    if name is None:
        name = bundle.settings.detector if bundle.settings.detector in networks else next(iter(networks))
        if len(networks) > 1 and name != bundle.settings.detector:
            raise ConfigError(f"The bundle has several networks ({', '.join(networks)}); choose one with --detector.")
    if name not in networks:
        raise ConfigError(f"'{name}' is not a network of this bundle; {did_you_mean(name, networks)}")
    return name, networks[name]


def owner(bundle: Bundle, checkpoint: Checkpoint, name: str | None = None) -> tuple[str, NeuralDetector]:
    """The neural detector ``name`` of a bundle; without a name the one that ``checkpoint`` belongs to.

    That is said by its place, or else by its shapes. Raises `ConfigError` where neither says it.
    """
    networks = networks_of(bundle)
    if name is None and checkpoint.detector in networks:
        name = checkpoint.detector
    elif name is None and len(networks) == 1:
        name = next(iter(networks))
    elif name is None:
        fitting = [key for key, detector in networks.items() if checkpoint.fits(detector)]
        if len(fitting) != 1:
            raise ConfigError(
                f"'{checkpoint.name}' may belong to any network of this bundle ({', '.join(fitting or networks)}); "
                "leave it in the folder DETECTOR/checkpoints in which it was written."
            )
        name = fitting[0]
    return network_of(bundle, name)


def with_checkpoint(bundle: Bundle, path: Path, name: str | None = None) -> Bundle:
    """The same bundle with the weights of a checkpoint, and a threshold for them.

    Weights that are those of the bundle change nothing. Those of an update, which has learnt validation sessions, have
    the bundle's threshold, as each of these sessions was scored before it was learnt. For others the threshold is
    fitted anew, on the validation sessions that the bundle keeps. An ensemble takes its member with these weights and
    scales the member's scores anew; its own threshold stays, because it is one for p-values; that of an ensemble of one
    is its member's. `Checkpoint.read` explains ``path``, `owner` ``name``.
    """
    checkpoint = Checkpoint.read(path)
    name, detector = owner(bundle, checkpoint, name)
    facts = {**bundle.facts, "checkpoint": {"detector": name, "name": checkpoint.name, "step": checkpoint.step}}
    if checkpoint.equals(detector):
        say(f"{name}: the weights of {checkpoint.name} are those of the bundle, and so is the threshold.")
        return replace(bundle, facts=facts)
    if checkpoint.updated:
        say(f"{name}: the weights of {checkpoint.name} have learnt validation sessions; the threshold is the bundle's.")
        restored = checkpoint.inside(detector)
        restored.validation_scores = bundle.validation[name]
        return replace(bundle, detectors=_replaced(bundle.detectors, name, restored), facts=facts)
    restored = checkpoint.inside(detector, Sequences.from_arrow(validation_of(bundle)["template_ids"]).distinct())
    restored.validation_scores = restored.score(validation_of(bundle))["score"].to_numpy()
    settings = bundle.settings.threshold
    if settings.precision is not None:  # the sessions labelled anomalous are not kept
        say(f"{name}: the bundle has no labelled sessions; the threshold is fitted to quantile {settings.quantile:g}.")
        settings = settings.model_copy(update={"precision": None})
    threshold = fit_threshold(restored.validation_scores, settings, bundle.facts.get("sessions_per_day"))
    say(
        f"{name}: weights of {checkpoint.name}, threshold {threshold.value:.4g} from {threshold.sessions} validation "
        "sessions"
    )
    alike = {name} | {key for key, one in bundle.detectors.items() if list(one.members) == [name]}
    return replace(
        bundle,
        detectors=_replaced(bundle.detectors, name, restored),
        thresholds={**bundle.thresholds, **dict.fromkeys(alike, threshold)},
        validation={**bundle.validation, **dict.fromkeys(alike, restored.validation_scores)},
        marked={key: scores for key, scores in bundle.marked.items() if key not in alike},
        facts=facts,
    )


def validation_of(bundle: Bundle) -> pa.Table:
    """The validation sessions that a bundle keeps; `BundleError` without any."""
    if bundle.sample is None or not len(bundle.sample):
        raise BundleError(
            "The bundle has no validation sessions to measure on; train it again with some held back (split.valid)."
        )
    return bundle.sample


def _replaced(detectors: Mapping[str, Detector], name: str, restored: NeuralDetector) -> dict[str, Detector]:
    """The detectors with ``restored`` under ``name``, also inside an ensemble that has it as a member."""
    from logradar.detectors.ensemble import Ensemble

    fresh = dict(detectors)
    for key, one in detectors.items():
        if isinstance(one, Ensemble) and one.members.get(name) is detectors[name]:
            fresh[key] = one.with_member(name, restored)
    return fresh | {name: restored}


def _folder(path: Path) -> Path:
    """The folder of a checkpoint that ``path`` means."""
    named = path.read_text().strip() if path.name == checkpoints.BEST and path.is_file() else ""
    place = path.parent / named if named else path
    if (place / checkpoints.WEIGHTS).is_file():
        return place.resolve()  # not the link, which may soon be another checkpoint
    run = path.absolute().parent if path.name == checkpoints.FOLDER else _last_training(path)
    if (found := checkpoints.best(run)) is not None:
        return found.resolve()
    near = path if path.is_dir() else path.parent
    there = sorted(str(one) for one in near.rglob("checkpoint-*") if (one / checkpoints.WEIGHTS).is_file())
    hint = f" There is '{there[-1]}'." if there else ""
    raise ConfigError(f"'{path}' is not a checkpoint: it has no {checkpoints.WEIGHTS}.{hint}")


def _last_training(run: Path) -> Path:
    """The folder of the last training of a detector: of the last update, where it learnt validation sessions."""
    return max((run / UPDATES).glob("*"), key=lambda path: (len(path.name), path.name), default=run)


def _kept(folder: Path) -> Checkpoint:
    """The checkpoint that a training wrote into ``folder``."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    from logradar.training.optimizer_files import read_optimizer, read_scheduler

    try:
        weights = (folder / checkpoints.WEIGHTS).read_bytes()
        load(weights)
        state = json.loads((folder / checkpoints.STATE).read_text()) if (folder / checkpoints.STATE).is_file() else {}
    except (OSError, ValueError, SafetensorError) as error:
        raise BundleError(f"The checkpoint '{folder}' cannot be read: {error}") from None

    def states() -> States:
        try:
            return {"optimizer": read_optimizer(folder), "scheduler": read_scheduler(folder)}
        except (OSError, ValueError, SafetensorError) as error:
            raise BundleError(f"The checkpoint '{folder}' cannot be read: {error}") from None

    run = folder.parent.parent
    updated = run.parent.name == UPDATES
    return Checkpoint(
        f"{UPDATES}/{run.name}/{folder.name}" if updated else folder.name,
        weights,
        states,
        run.parent.parent.name if updated else run.name if folder.parent.name == checkpoints.FOLDER else None,
        state.get("global_step"),
        state.get("epoch"),
        state.get("best_metric"),
        updated=updated,
    )
