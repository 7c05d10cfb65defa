"""The server: who takes part in a round, which updates count, and what they change; a file for each round."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, Field

from logradar.core.documents import UNREADABLE, Saved, parsed, reason_of
from logradar.core.errors import StateError
from logradar.core.files import write_whole
from logradar.federated.aggregation import together
from logradar.federated.settings import FederationSettings
from logradar.federated.vector import Layout
from logradar.federated.wire import GLOBAL, UPDATE, Header, Refused, hash64, packed, unpacked

Floats = npt.NDArray[np.float32]
FILE: Final = "round.json"
_VECTOR: Final = ".f32"  # suffix of the file of the vector after a round
_MOST_WEIGHT: Final = 1_000_000  # sessions that a client may say it has


@dataclass
class Round:
    """What happened in a round: who was chosen, who answered, what was refused, and bytes of messages."""

    number: int
    chosen: list[int]
    answered: list[int] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    up: int = 0
    down: int = 0
    counted: bool = True
    figures: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {**vars(self), "chosen": list(self.chosen), "answered": list(self.answered)}


class _State(Saved):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    run: str
    number: int = Field(ge=0)
    vector: str
    sha256: str
    rounds: list[dict[str, Any]]


class Server:
    """Holds the vector of all; every round it asks some clients and adds the mean of what they changed.

    A client has the server's vector as it was sent, rounded; what it sends is what it changed from there. The server
    itself rounds nothing. ``folder`` receives `round.json` after each round, from which `resume` goes on: the same
    rounds give the same vector, whenever the server was stopped.
    """

    def __init__(self, layout: Layout, start: Floats, settings: FederationSettings, folder: Path | None = None) -> None:
        self.layout, self.settings, self.folder = layout, settings, folder
        self.vector = np.asarray(start, np.float64).copy()
        self.rounds: list[Round] = []
        self.vectors: list[Floats] = []  # after each round
        self._open: Round | None = None
        self._message = b""
        self._updates: dict[int, tuple[Floats, int]] = {}

    @property
    def number(self) -> int:
        """Rounds that are done."""
        return len(self.rounds)

    @property
    def hash(self) -> str:
        """The SHA-256 of the vector as float32."""
        return hashlib.sha256(self.vector.astype("<f4").tobytes()).hexdigest()

    def begin(self) -> tuple[list[int], bytes]:
        """The next round: the numbers of the clients that take part, and the message for them."""
        s, number = self.settings, self.number + 1
        random = np.random.default_rng((s.seed, number))
        chosen = sorted((1 + random.choice(s.clients, min(s.chosen, s.clients), replace=False)).tolist())
        self._open, self._updates = Round(number, chosen), {}
        header = Header(GLOBAL, number, 0, 0, self.layout.manifest, self._nonce(number))
        vector = self.vector.astype(np.float32)
        self._message = packed(header, vector, self.layout.sizes, s.bits_down, (s.seed, number, 0))
        self._open.down = len(self._message) * len(chosen)
        return chosen, self._message

    def take(self, sender: int, message: bytes) -> str:
        """Accept the answer of a client, or refuse it; returns the reason, empty where it was accepted.

        ``sender`` is who it comes from, as the transport knows it.
        """
        assert self._open is not None
        found = self._open
        found.up += len(message)
        try:
            header, values = unpacked(message, self.layout.sizes)
            self._require(header, sender)
        except Refused as error:
            found.refused[error.reason] = found.refused.get(error.reason, 0) + 1
            return error.reason
        self._updates[sender] = values, header.weight
        return ""

    def _require(self, header: Header, sender: int) -> None:
        assert self._open is not None
        number = self._open.number
        if header.kind != UPDATE:
            raise Refused("unknown kind")
        if header.manifest != self.layout.manifest:
            raise Refused("wrong hash", "the client has another network")
        if header.round != number or header.nonce != self._nonce(number):
            raise Refused("too late or replayed", f"round {header.round}, and it is round {number}")
        if header.sender != sender or sender not in self._open.chosen:
            raise Refused("wrong sender")
        if sender in self._updates:
            raise Refused("sent twice")
        if not 0 < header.weight <= _MOST_WEIGHT:
            raise Refused("wrong weight", f"{header.weight:,} sessions")

    def finish(self) -> Round:
        """End the round: the vector changes if enough clients answered. Writes the file of the round."""
        assert self._open is not None
        done, s = self._open, self.settings
        done.answered = sorted(self._updates)
        done.counted = bool(self._updates) and len(self._updates) >= s.least_answers * len(done.chosen)
        if done.counted:
            updates = np.stack([self._updates[client][0] for client in done.answered]).astype(np.float64)
            weights = np.array([self._updates[client][1] for client in done.answered], np.float64)
            self.vector += together(updates, weights, s.trust)
            done.figures["length"] = float(np.linalg.norm(updates, axis=1).mean())
        self.rounds.append(done)
        self.vectors.append(self.vector.astype(np.float32))
        self._open, self._updates = None, {}
        if self.folder is not None:
            self._save(self.folder)
        return done

    def refused(self) -> Counter[str]:
        """How often what was refused, over all rounds."""
        found: Counter[str] = Counter()
        for one in self.rounds:
            found.update(one.refused)
        return found

    def _nonce(self, number: int) -> int:
        return hash64(self.settings.name.encode(), self.hash.encode(), number.to_bytes(4, "little"))

    def _run(self) -> str:
        free = {"rounds", "device"}
        text = json.dumps(self.settings.model_dump(mode="json", exclude=free), sort_keys=True)
        return f"{hash64(text.encode()):016x}{self.layout.manifest:016x}"

    def _save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        raw = self.vector.astype("<f8").tobytes()
        state = {
            "run": self._run(),
            "number": self.number,
            "vector": raw.hex(),
            "sha256": hashlib.sha256(raw).hexdigest(),
            "rounds": [one.to_json() for one in self.rounds],
        }
        write_whole(folder / f"{self.number:05d}{_VECTOR}", self.vectors[-1].astype("<f4").tobytes())
        write_whole(folder / FILE, json.dumps(state))

    def resume(self) -> bool:
        """Go on from the file of the newest round, where there is one. Raises `StateError` for that of another run."""
        path = self.folder / FILE if self.folder is not None else None
        if path is None or not path.is_file():
            return False
        try:
            state = _State.of(parsed(path.read_bytes(), FILE), FILE)
            raw = bytes.fromhex(state.vector)
            if hashlib.sha256(raw).hexdigest() != state.sha256 or len(raw) != 8 * self.layout.count:
                raise ValueError("its vector is damaged")
            rounds = [Round(**one) for one in state.rounds]
            if len(rounds) != state.number:
                raise ValueError("it does not have as many rounds as it says")
            vectors = [(path.parent / f"{number:05d}{_VECTOR}").read_bytes() for number in range(1, len(rounds) + 1)]
            if any(len(one) != 4 * self.layout.count for one in vectors):
                raise ValueError("a vector of a round is damaged")
        except UNREADABLE as error:
            raise StateError(f"The state in '{path}' cannot be read ({reason_of(error)}); start without it.") from None
        if state.run != self._run():
            raise StateError(
                f"The state in '{path}' is that of a run with other settings or another base; name another."
            )
        self.vector, self.rounds = np.frombuffer(raw, "<f8").copy(), rounds
        self.vectors = [np.frombuffer(one, "<f4").astype(np.float32) for one in vectors]
        return True
