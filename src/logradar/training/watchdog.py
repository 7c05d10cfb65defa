"""Ends a process that waits for others in vain: without it, one process that has stopped would stop all for ever."""

from __future__ import annotations

import os
import sys
import threading
from types import TracebackType
from typing import Final

import torch

from logradar.training.processes import place
from logradar.training.trainer import Objective, Tensors

EXIT: Final = 2  # the command line's status where one sentence says what to do
_LOOKS: Final = 20  # how often it looks within the limit: it counts looks, because a job may sleep as a whole


class Watchdog:
    """Ends this process with a sentence and exit status 2 after ``limit`` seconds without a batch.

    A process that waits for another inside a library cannot be interrupted from Python, whatever connects them (gloo,
    NCCL); so a thread ends the process as a whole, after the sentence. It counts seconds without a batch, not seconds
    of waiting, so it ends the process that has stopped too. All checkpoints that were complete stay. It does nothing
    where ``limit`` is 0 or only one process trains.
    """

    def __init__(self, limit: float, title: str = "training") -> None:
        self.limit, self.title = limit, title
        self._batches = 0
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def watching(self, objective: Objective) -> Objective:
        """``objective``, each call of which shows that this process moves."""

        def watched(network: torch.nn.Module, batch: Tensors) -> tuple[torch.Tensor, ...]:
            self._batches += 1
            return objective(network, batch)

        return watched

    def __enter__(self) -> Watchdog:
        if self.limit and place()[1] > 1:
            self._thread = threading.Thread(target=self._look, name="watchdog", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _look(self) -> None:
        before, looks = self._batches, 0
        while not self._over.wait(self.limit / _LOOKS):
            looks = looks + 1 if self._batches == before else 0
            before = self._batches
            if looks >= _LOOKS:
                self._end()

    def _end(self) -> None:
        rank, ranks = place()
        print(
            f"logradar: {self.title}: process {rank} of {ranks} (from 0) had no batch for {self.limit:g} s: one of the "
            "processes has stopped, or is much slower than the others. Train again with --resume, or with another "
            "training.stall_seconds.",
            file=sys.stderr,
            flush=True,
        )
        os._exit(EXIT)
