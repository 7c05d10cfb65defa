"""Seeds for the tests of what a network has learnt, so that they hold on every processor.

Two processors round differently, and so do two thread counts. The same seed may then learn on one of them and
stop at a worse loss on the other. A test of learnt behaviour therefore trains several seeds if it must, and the
environment variable LOGRADAR_TEST_SEED moves all these seeds, to see that they are not chosen by luck.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, TypeVar

import pytest

from logradar.detectors.neural.body import NeuralDetector

SHIFT: Final = int(os.environ.get("LOGRADAR_TEST_SEED", "0"))
SEEDS: Final = 3  # tried one after the other
_APART: Final = 1000  # between the seeds of one test, so that no shift below it repeats a seed

D = TypeVar("D", bound=NeuralDetector)


def converged(train: Callable[[int], D], loss: float) -> D:
    """The first of `SEEDS` detectors whose validation loss (nats per prediction) is below ``loss``.

    ``train`` trains a detector from a seed. Where none is below, the test fails and names the losses reached.
    """
    reached = []
    for attempt in range(SEEDS):
        detector = train(SHIFT + attempt * _APART)
        reached.append(best_loss(detector))
        if reached[-1] < loss:
            return detector
    return pytest.fail(f"no seed reached a validation loss below {loss}: {', '.join(f'{one:.4f}' for one in reached)}")


def best_loss(detector: NeuralDetector) -> float:
    """The validation loss of the weights that the detector keeps."""
    return min(epoch["eval_loss"] for epoch in detector.history)
