"""Log language models measured: pretraining on HDFS, OpenStack with and without labels, replay, adapters, transfer.

    python experiments/language_models.py PART... [--seeds 0 1 2] [--home DIR] [--epochs N]

Bundles stay in ``--home`` and are used again; each row is printed when it is known. Parts: ``hdfs``, the later half of
the 2 % sample. ``openstack``, Kalaki's published split: 50 normal sequences to learn from, no labels; the model of HDFS
as it is, fine-tuned, and from scratch. ``labelled``, half of Kalaki drawn at random, with its labels: from scratch and
from the model of HDFS, with and without replay, and with adapters; and the loss on HDFS after it. Fine-tuning begins
with the model of HDFS of seed 0. ``transfer``, trained
on one system and scored on another: as it is, and with 50 sessions of it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from logradar.detectors.base import Detector
from logradar.detectors.text.body import TextDetector
from logradar.detectors.text.word_masking import Shares
from logradar.model.settings import run_settings
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.train import train
from logradar.training.counter_rng import draws
from logradar.training.ragged import RaggedRows

Row = dict[str, Any]
BOTH = ("scratch", "from HDFS, replay")  # of more than one seed
ZERO = {"epochs": 1, "epoch_steps": 1, "learning_rate": 1e-12, "averaging": 0.0}  # as good as no training
SIMPLE = ["new_template", "count_vector", "density"]
PUBLISHED = ["events=mined", "split.first=50"]
HALF = ["events=mined", "split.test=0.5", "split.shuffle=true"]
SETS: dict[str, tuple[str, list[str]]] = {
    "hdfs": ("hdfs", []),
    "openstack": ("openstack", PUBLISHED),
    "trainticket": ("trainticket", []),
}


def bundle_of(
    home: Path, spec: str, name: str, words: list[str], training: dict[str, Any], *, detector: str = "distilbert"
) -> tuple[Path, float]:
    """A trained bundle, from an earlier run where there is one, and its seconds of training."""
    folder, note = home / name, home / f"{name}.json"
    if not note.is_file():
        updates = ["detectors.distilbert.updates=4"] if detector == "distilbert" else []
        told = [f"detector={detector}", f"beside={json.dumps(SIMPLE)}", *updates, *words]
        began = time.monotonic()
        train(spec, folder, run_settings(None, told, {}, training))
        note.write_text(json.dumps({"seconds": time.monotonic() - began}))
    return folder, json.loads(note.read_text())["seconds"]


def measured(bundle: Path, spec: str, title: str, seed: int, only: tuple[str, ...] = ()) -> Iterator[Row]:
    """A row for each detector of a bundle."""
    document = evaluate(bundle, spec).document
    for name, one in document["detectors"].items():
        if not only or name in only:
            kept = {key: one.get(key) for key in ("f1", "precision", "recall", "roc_auc", "pr_auc", "intervals")}
            kept["intervals"] = (kept["intervals"] or {}).get("f1")
            yield {"part": title, "detector": name, "seed": seed, **kept}


def started(pretrained: Path, **more: Any) -> list[str]:
    """Settings that begin with a pretrained bundle."""
    values = {"start": str(pretrained), **more}
    return [f"detectors.distilbert.{key}={value}" for key, value in values.items()]


def hdfs(home: Path, seed: int, training: dict[str, Any]) -> Iterator[Row]:
    folder, seconds = bundle_of(home, "hdfs", f"hdfs-{seed}", [f"seed={seed}"], training)
    for row in measured(folder, "hdfs", "hdfs", seed):
        yield {**row, "train_seconds": round(seconds)}


def openstack(home: Path, seed: int, training: dict[str, Any]) -> Iterator[Row]:
    pretrained, _ = bundle_of(home, "hdfs", "hdfs-0", ["seed=0"], training)
    ways = {
        "zero-shot": (started(pretrained), ZERO),
        "fine-tuned": (started(pretrained), {**training, "epochs": max(training["epochs"] // 4, 2)}),
        "scratch": ([], training),
    }
    for way, (words, given) in ways.items():
        name = f"openstack-{way}-{seed}"
        folder, seconds = bundle_of(home, "openstack", name, [*PUBLISHED, f"seed={seed}", *words], given)
        only = () if way == "scratch" else ("distilbert",)
        for row in measured(folder, "openstack", f"openstack {way}", seed, only):
            yield {**row, "train_seconds": round(seconds)}


def labelled(home: Path, seed: int, training: dict[str, Any]) -> Iterator[Row]:
    pretrained, _ = bundle_of(home, "hdfs", "hdfs-0", ["seed=0"], training)
    short = {**training, "epochs": max(training["epochs"] // 7, 2)}
    prefix = "detectors.distilbert_classifier."
    ways = {
        "scratch": [],
        "from HDFS, no replay": [f"{prefix}start={pretrained}", f"{prefix}replay=0"],
        "from HDFS, replay": [f"{prefix}start={pretrained}", f"{prefix}replay=0.2"],
        "from HDFS, LoRA 8": [f"{prefix}start={pretrained}", f"{prefix}replay=0.2", f"{prefix}lora=8"],
    }
    for way, words in list(ways.items()) if not seed else [(way, ways[way]) for way in BOTH]:
        name = f"labelled-{way.replace(' ', '-').replace(',', '')}-{seed}"
        told = [*HALF, f"seed={seed}", f"split.seed={seed}", *words]
        folder, seconds = bundle_of(home, "openstack", name, told, short, detector="distilbert_classifier")
        only = () if way == "scratch" else ("distilbert_classifier",)
        for row in measured(folder, "openstack", f"labelled {way}", seed, only):
            yield {**row, "train_seconds": round(seconds)}
        yield {"part": f"labelled {way}", "seed": seed, "hdfs_loss": loss_on(folder, pretrained)}
    yield {"part": "before fine-tuning", "seed": seed, "hdfs_loss": loss_on(pretrained, pretrained)}


def loss_on(bundle: Path, pretrained: Path) -> float:
    """The masked loss (nats per hidden word) of a model on HDFS sessions that the pretrained one keeps."""
    import torch

    from logradar.detectors.text.word_masking import question

    model, rows = text_model(bundle), RaggedRows(text_model(pretrained).rows, like=1.5)
    network, marks, total, count = model.network(), model.model.tokenizer.marks, 0.0, 0
    for index in rows.batches(64):
        batch = {name: torch.from_numpy(value) for name, value in rows.batch(index).items()}
        asked = question(batch["tokens"], torch.from_numpy(draws(index)), Shares(0.15, 0.05, 0.0), marks)
        with torch.no_grad():
            found = network(asked.tokens, asked.targets, asked.asked)
        losses = found[1] if isinstance(found, tuple) else found
        weights = batch["weights"][:, None].expand_as(asked.asked)[asked.asked]
        total, count = total + float((losses * weights).sum()), count + float(weights.sum())
    return total / count


def text_model(bundle: Path) -> TextDetector:
    """The language model of a bundle."""
    folders = sorted((bundle / "detectors").glob("distilbert*"))
    found = Detector.load(folders[0])
    assert isinstance(found, TextDetector)
    return found


def transfer(home: Path, seed: int, training: dict[str, Any]) -> Iterator[Row]:
    models = {}
    for name, (spec, words) in SETS.items():
        models[name], _ = bundle_of(home, spec, f"transfer-{name}-{seed}", [*words, f"seed={seed}"], training)
    for target, (spec, words) in SETS.items():
        for source, pretrained in models.items():
            for way, given in (("zero-shot", ZERO), ("50 sessions", {**training, "epochs": 10})):
                if source == target:
                    folder = pretrained
                else:
                    first = [word for word in words if "split" not in word]
                    told = [*first, "split.first=50", f"seed={seed}", *started(pretrained)]
                    folder, _ = bundle_of(home, spec, f"transfer-{source}-{target}-{way.split()[0]}", told, given)
                yield from measured(folder, spec, f"{source} -> {target}, {way}", seed, ("distilbert",))
                if source == target:
                    break


PARTS = {"hdfs": hdfs, "openstack": openstack, "labelled": labelled, "transfer": transfer}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=sorted(PARTS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--home", type=Path, default=Path("runs/language-models"))
    parser.add_argument("--epochs", type=int, default=40)
    given = parser.parse_args()
    given.home.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    for part in given.parts:
        for seed in given.seeds:
            for row in PARTS[part](given.home, seed, {"epochs": given.epochs}):
                rows.append(row)
                print(json.dumps({key: _short(value) for key, value in row.items()}), flush=True)
    names = sorted({(row["part"], row.get("detector")) for row in rows if "f1" in row}, key=str)
    for name in names:
        of = [row["f1"] for row in rows if (row["part"], row.get("detector")) == name and row["f1"] is not None]
        if len(of) > 1:
            print(f"{name[0]}, {name[1]}: F1 {np.mean(of):.3f} ({min(of):.3f} to {max(of):.3f}, {len(of)} seeds)")


def _short(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
