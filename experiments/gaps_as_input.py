"""What time gaps as a second input would cost and give: HDFS 2 % sample, whole sessions.

Prints how many sequences stay distinct when every event carries the bucket of the gap before it, and
the validation loss of the network of ``loglstm`` with and without an embedding of that bucket.

    python experiments/gaps_as_input.py [--seeds 2]
"""

from __future__ import annotations

import argparse

import numpy as np
import pyarrow as pa
import torch
from torch import nn

from logradar.core import progress
from logradar.core.sequences import Sequences
from logradar.core.session_set import SessionTable
from logradar.core.tables import UNKNOWN
from logradar.detectors.loglstm import LogLSTM
from logradar.detectors.neural.causal import _framed
from logradar.detectors.neural.vocabulary import Vocabulary
from logradar.model.settings import run_settings
from logradar.pipeline.learning.fitting import resolved
from logradar.pipeline.training_data.sessions import TrainingData, from_records
from logradar.storage.records import collect, opening
from logradar.training.device import seeded
from logradar.training.loop import fit_network
from logradar.training.ragged import RaggedRows

EDGES = {"a minute": [60], "0.5 s to 10 min": [0.5, 2, 10, 60, 600], "powers of two": [2.0**k for k in range(-4, 16)]}
Tensors = dict[str, torch.Tensor]


class WithGaps(nn.Module):
    """The network of ``loglstm``, with the bucket of each event's gap added to the event where ``on``."""

    def __init__(self, detector: LogLSTM, on: bool) -> None:
        super().__init__()
        s = detector.settings
        self.on, width = on, s.embedding
        self.embed = nn.Embedding(len(detector.vocabulary), width, padding_idx=UNKNOWN)
        self.gap = nn.Embedding(32, width)
        self.lstm = nn.LSTM(width, s.hidden, s.layers, batch_first=True)
        self.out = nn.Linear(s.hidden, detector._classes)

    def forward(self, tokens: torch.Tensor, gaps: torch.Tensor) -> torch.Tensor:
        events = self.embed(tokens) + (self.gap(gaps) if self.on else 0)
        return torch.log_softmax(self.out(self.lstm(events)[0]), -1)


def material() -> TrainingData:
    """The normal sessions of the training and the validation part."""
    settings = run_settings(None, (), {"seed": 1})
    with opening("hdfs", settings.input) as (opened, home):
        corpus = collect(opened, home)
        return from_records(corpus, resolved(settings, corpus.input, corpus.test), home)


def read(sessions: pa.Table, edges: list[float]) -> tuple[Sequences, Sequences]:
    """Template ids, and the bucket of the gap before each event."""
    ids = Sequences.from_arrow(sessions["template_ids"])
    gaps = sessions["gaps"].combine_chunks().values.to_numpy()
    return ids, Sequences.of(np.digitize(gaps, edges).astype(np.int32), ids.offsets)


def rows(detector: LogLSTM, ids: Sequences, gaps: Sequences) -> RaggedRows:
    """Distinct rows of both together, each with its count."""
    tokens, buckets = _framed(detector._tokens(ids), True), _framed(gaps, True)
    both = Sequences.of(tokens.values * 32 + buckets.values, tokens.offsets).distinct()
    kept = Sequences(both.values // 32, both.offsets, both.counts, np.arange(len(both)))
    return RaggedRows(kept, {"gaps": both.values % 32})


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=2)
    given = parser.parse_args()
    progress.quiet()
    found, detector = material(), LogLSTM()
    assert isinstance(found.train, SessionTable)
    assert isinstance(found.valid, SessionTable)
    train, valid = found.train.table, found.valid.table
    ids, _ = read(train, [])
    detector.vocabulary = Vocabulary.of(ids.values)
    print(f"{len(ids):,} training sessions, {len(ids.distinct()):,} distinct")
    for name, edges in EDGES.items():
        print(f"  with gaps in buckets, {name}: {len(rows(detector, *read(train, edges))):,} distinct")
    learn, watch = (rows(detector, *read(part, EDGES["0.5 s to 10 min"])) for part in (train, valid))

    def loss(network: nn.Module, batch: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        told = network(batch["tokens"][:, :-1], batch["gaps"][:, :-1])
        return detector._loss(lambda _: told, batch)  # type: ignore[arg-type]

    training = detector.settings.training.model_copy(update={"epoch_steps": 50})
    for seed in range(given.seeds):
        for on in (False, True):
            with seeded(seed):
                network = WithGaps(detector, on)
            done = fit_network(network, loss, learn, watch, training, None, seed)
            best = done.best["eval_loss"] if done.best else 0.0
            print(f"seed {seed}, {'with' if on else 'without'} gaps: validation loss {best:.4f}", flush=True)


if __name__ == "__main__":
    main()
