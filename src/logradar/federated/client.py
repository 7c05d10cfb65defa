"""The client: what one site does with a message of the server."""

from __future__ import annotations

from logradar.federated.learner import Learner
from logradar.federated.wire import GLOBAL, UPDATE, Header, Refused, packed, unpacked
from logradar.training.rows import Rows


class Client:
    """One site: its number (from 1), its sessions as rows, and the learner of its process.

    ``noise`` is the multiplier of differential privacy, 0 without; ``opposite`` turns it into an attacker, for
    simulations.
    """

    def __init__(self, number: int, rows: Rows, learner: Learner, noise: float = 0.0, opposite: bool = False) -> None:
        self.number, self.rows, self.learner = number, rows, learner
        self.noise, self.opposite = noise, opposite

    @property
    def sessions(self) -> int:
        """How many sessions it learns from."""
        return int(self.rows.weights.sum())

    def answer(self, message: bytes) -> bytes:
        """The update to a message of the server. Raises `Refused` where that is not one for this client."""
        s, layout = self.learner.settings, self.learner.layout
        header, vector = unpacked(message, layout.sizes)
        if header.kind != GLOBAL:
            raise Refused("unknown kind", "only the server's messages are answered")
        if header.manifest != layout.manifest:
            raise Refused("wrong hash", "the server has another network")
        if header.round > s.rounds:
            raise Refused("wrong round", f"round {header.round} of {s.rounds}")
        learnt = self.learner.train(vector, self.rows, header.round, self.number, self.noise)
        delta = -5 * learnt.delta if self.opposite else learnt.delta
        head = Header(UPDATE, header.round, self.number, self.sessions, layout.manifest, header.nonce)
        return packed(head, delta, layout.sizes, s.bits, (s.seed, header.round, self.number, 1))
