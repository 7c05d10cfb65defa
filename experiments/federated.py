"""A federation measured on DeepLog's split of HDFS: beside one place, beside clients alone, beside the sketch.

    python experiments/federated.py PART... [--seeds 0 1 2] [--rounds 50] [--data DIR] [--set KEY=VALUE …]

The normal sessions of `hdfs_sequences` (4,855) are divided: the earliest 80 % train, the others give the threshold.
Tested are 3,366 further normal and all 16,838 anomalous sessions, at the natural prevalence (553,366 normal), all and
distinct ones. An event is read as its number (`words=2`). Parts:

``main``: base, federated, the same adapters trained in one place, three clients alone, sketch.
``ladder``: adapters, ranks and bits. ``faults``: lost clients and attackers. ``divided``: clients unlike each other.
``private``: budgets of differential privacy. Each row is printed when it is known, as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from sklearn.metrics import roc_auc_score

from hdfs_deeplog_split import NORMAL, Split, sessions
from logradar.alerting.threshold import ThresholdSettings, fit_threshold
from logradar.core.sequences import Sequences
from logradar.detectors.base import Detector
from logradar.evaluation.metrics import measure, natural_weights
from logradar.federated.client import Client
from logradar.federated.run import Federation, federated_settings, material_of, prepared, run_rounds
from logradar.federated.wire import length
from logradar.pipeline.learning.fitting import Material

Row = dict[str, Any]
USUAL = ["detectors.causal_lm.words=2"]
FIGURES = ("f1", "precision", "recall", "fpr", "pr_auc", "oracle_f1")


class Test:
    """The test sessions of the split, in the ids of a federation."""

    def __init__(self, folder: Path) -> None:
        self.split = split = Split(folder)
        self.first = int(split.train.values[0])
        self.both = split.normal.concat(split.abnormal)
        self.labels = np.repeat([False, True], [len(split.normal), len(split.abnormal)])
        self.weights = natural_weights(self.labels, NORMAL)

    def figures(self, federation: Federation, detector: Detector) -> Row:
        """At the threshold of the validation sessions: natural prevalence, and over distinct sessions."""
        shift = int(federation.base["template_ids"][0].as_py()[0]) - self.first
        rows = Sequences(self.both.values + shift, self.both.offsets, self.both.counts, self.both.inverse)
        limit = fit_threshold(detector.validation_scores, ThresholdSettings()).value
        scores = detector.score(sessions(rows))["score"].to_numpy()
        found = measure(self.labels, scores, limit, weights=self.weights)
        alarms = scores > limit
        once = self.split.measure(alarms[~self.labels], alarms[self.labels])["distinct"]
        return {**{name: found[name] for name in FIGURES}, "distinct_f1": once["f1"], "distinct_fpr": once["fpr"]}


class Study:
    """Runs federations of one data set."""

    def __init__(self, data: Path, words: list[str]) -> None:
        self.data, self.words, self.test = data, words, Test(data / "hdfs")
        self.begun: dict[int, tuple[Material, Detector]] = {}  # by seed: all runs of a seed have one base

    def federation(self, seed: int, rounds: int, *words: str) -> Federation:
        """One that is ready to run."""
        given = [*USUAL, *self.words, f"seed={seed}", f"federation.seed={seed}", f"federation.rounds={rounds}", *words]
        settings = federated_settings(None, given, {"input.data_dir": self.data})
        if seed not in self.begun:
            first: Federation = material_of("hdfs_sequences", settings, lambda material: prepared(material, settings))
            self.begun[seed] = first.material, copy(first.detector)
        return prepared(self.begun[seed][0], settings, self.begun[seed][1])

    def row(self, federation: Federation, name: str, vector: np.ndarray, **more: Any) -> Row:
        """Figures of a vector, with the loss of the validation sessions."""
        ids = Sequences.from_arrow(federation.validation["template_ids"])
        loss = federation.learner.loss(vector, federation.detector.learnable(ids))
        return {"name": name, "loss": loss, **self.test.figures(federation, federation.fitted(vector)), **more}

    def run(self, name: str, seed: int, rounds: int, *words: str) -> Row:
        """A row for one whole run."""
        began, cpu = time.monotonic(), time.process_time()
        federation = self.federation(seed, rounds, *words)
        server = run_rounds(federation, None)
        sizes = federation.learner.layout.sizes
        f = federation.settings.federation
        return self.row(
            federation,
            name,
            server.vectors[-1],
            seed=seed,
            rounds=rounds,
            numbers=federation.learner.layout.count,
            message=length(sizes, f.bits),
            up=sum(one.up for one in server.rounds),
            down=sum(one.down for one in server.rounds),
            answers=sum(len(one.answered) for one in server.rounds),
            seconds=round(time.monotonic() - began),
            cpu=round(time.process_time() - cpu),
        )


def main(study: Study, seed: int, rounds: int) -> Iterator[Row]:
    federation = study.federation(seed, rounds)
    yield study.row(federation, "base alone", federation.start, seed=seed)
    sketched = federation.sketches()
    figures = study.test.figures(federation, sketched.detector)
    yield {"name": "sketch", **figures, "seed": seed, "up": sketched.up, "largest": sketched.largest}
    for number in (1, 2, 3):
        alone = study.federation(seed, rounds // 2, "federation.fraction=1")
        one = alone.clients[number]
        alone.learner.settings = alone.settings.federation.model_copy(update={"clients": 1})
        alone.settings = alone.settings.model_copy(update={"federation": alone.learner.settings})
        alone.clients = {1: Client(1, one.rows, alone.learner)}
        alone.valid = [alone.valid[number - 1]]
        server = run_rounds(alone, None)
        yield study.row(alone, "client alone", server.vectors[-1], seed=seed, client=number, sessions=one.sessions)
    yield study.run("federated", seed, rounds)
    yield study.run("one place", seed, rounds, "federation.clients=1", "federation.fraction=1")


def ladder(study: Study, seed: int, rounds: int) -> Iterator[Row]:
    for rank in (4, 8, 16):
        for bits in (4, 8, 32):
            if bits == 8 or rank == 16:
                words = f"federation.rank={rank}", f"federation.bits={bits}"
                yield study.run(f"core r={rank}, {bits} bits", seed, rounds, *words)
    lora = "federation.rank=8", "federation.bits=32", "federation.learning_rate=0.005"
    yield study.run("LoRA r=8, 32 bits", seed, rounds, *lora, "federation.adapter=lora")
    yield study.run("FFA r=8, 8 bits", seed, rounds, *lora, "federation.adapter=ffa", "federation.bits=8")


def faults(study: Study, seed: int, rounds: int) -> Iterator[Row]:
    yield study.run("plain", seed, rounds)
    yield study.run("40 % lost", seed, rounds, "federation.faults.dropouts=0.4", "federation.least_answers=0.2")
    hostile = "federation.faults.attackers=0.2"
    yield study.run("20 % attackers, mean", seed, rounds, hostile)
    for mode in ("trimmed", "krum"):
        guard = f"federation.trust.mode={mode}", "federation.trust.suspects=0.4", "federation.trust.clip=1.5"
        yield study.run(f"20 % attackers, {mode}", seed, rounds, hostile, *guard)


def divided(study: Study, seed: int, rounds: int) -> Iterator[Row]:
    for alpha in (0.5, 0.1):
        words = "federation.division=dirichlet", f"federation.alpha={alpha}"
        yield study.run(f"Dirichlet {alpha}", seed, rounds, *words)


def membership(federation: Federation, detector: Detector) -> float:
    """How well a score tells a session that was learnt from one that was not (ROC-AUC; Yeom et al., CSF 2018).

    Distinct sequences of the clients that are not among the validation sessions, and the other way round: 0.5 is as
    good as chance. It has a bias of its own, because validation sessions are later: compare with the base.
    """
    learnt, other = (
        Sequences.from_arrow(pa.concat_tables(parts)["template_ids"]).distinct()
        for parts in (federation.train, federation.valid)
    )
    sides = [(learnt, other), (other, learnt)]
    kept = [one.take(np.flatnonzero(~np.isin(one.fingerprints(), two.fingerprints()))) for one, two in sides]
    scores = [detector.score(sessions(part))["score"].to_numpy() for part in kept]
    return float(roc_auc_score(np.repeat([0, 1], list(map(len, scores))), np.concatenate(scores)))


def private(study: Study, seed: int, rounds: int) -> Iterator[Row]:
    for epsilon in (None, 8, 2, 1):
        words = [] if epsilon is None else [f"federation.privacy.epsilon={epsilon}"]
        federation = study.federation(seed, rounds, *words)
        if epsilon is None:
            yield {"name": "base", "membership": membership(federation, federation.fitted(federation.start))}
        server = run_rounds(federation, None)
        row = study.row(federation, f"epsilon {epsilon or 'none'}", server.vectors[-1], seed=seed, rounds=rounds)
        noise = [client.noise for client in federation.clients.values()]
        yield {**row, "noise": float(np.mean(noise)), "membership": membership(federation, federation.detector)}


PARTS = {part.__name__: part for part in (main, ladder, faults, divided, private)}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("LOGRADAR_DATA", "../shared/data")))
    parser.add_argument("--set", dest="words", nargs="*", default=[], metavar="KEY=VALUE")
    chosen = parser.parse_args()
    made = Study(chosen.data, chosen.words)
    for one in chosen.seeds:
        for part in chosen.parts:
            for found in PARTS[part](made, one, chosen.rounds):
                print(json.dumps({"part": part, **found}), flush=True)
