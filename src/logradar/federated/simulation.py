"""The simulation: all clients in one process, which swap their vectors in one network."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from logradar.federated.client import Client
from logradar.federated.server import Round, Server


def simulate(server: Server, clients: Mapping[int, Client], done: Callable[[Round], None]) -> None:
    """Run the rounds that are left; ``done`` is called after each.

    Clients without sessions, and the share of `faults.dropouts`, do not answer. All else is as over a network: the
    same messages, the same order, so the same vector.
    """
    s = server.settings
    while server.number < s.rounds:
        chosen, message = server.begin()
        lost = np.random.default_rng((s.seed, server.number, 5)).random(len(chosen)) < s.faults.dropouts
        for number, gone in zip(chosen, lost.tolist(), strict=True):
            if number in clients and not gone:
                server.take(number, clients[number].answer(message))
        done(server.finish())
