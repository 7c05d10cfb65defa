"""Run: from an input to a bundle that several clients have learnt together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.core.config import load_config, validated
from logradar.core.errors import DataError
from logradar.core.progress import say
from logradar.core.sequences import Sequences
from logradar.core.session_set import SessionTable
from logradar.core.session_view import SessionView
from logradar.core.tables import SESSIONS
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector, detectors
from logradar.federated.client import Client
from logradar.federated.learner import Learner
from logradar.federated.server import Round, Server
from logradar.federated.settings import FederationSettings
from logradar.federated.simulation import simulate
from logradar.federated.sites import divided
from logradar.federated.sketch import LARGEST
from logradar.federated.sketch_federation import Sketched, federated_counts
from logradar.federated.wire import length
from logradar.model.settings import RunSettings
from logradar.pipeline.learning.fitting import Material, training_material
from logradar.storage.records import opening

Rows = npt.NDArray[np.int64]
Transport = Callable[[Server, Mapping[int, Client], Callable[[Round], None]], None]
NETWORKS = ("causal_lm", "distilbert", "deeplog", "logbert")
SKETCH = "count_vector"


class FederatedRunSettings(RunSettings):
    """The settings of a run, and of the federation that trains it."""

    beside: tuple[str, ...] = ("count_vector",)
    federation: FederationSettings = FederationSettings()

    @property
    def plain(self) -> RunSettings:
        """The settings that the bundle keeps: those of any run, with the detector of the federation."""
        values = self.model_dump(exclude={"federation"}, exclude_unset=True)  # what is not set, a data set may decide
        model = self.federation.model
        name = model if model in (*NETWORKS, SKETCH) else "causal_lm"
        chosen = dict(values.get("detectors", {}))
        if name != model:
            chosen[name] = {**chosen.get(name, {}), "start": model}
        if "updates" in detectors.load(name).Settings.model_fields:  # a federation learns no validation session
            chosen[name] = {**chosen.get(name, {}), "updates": 0}
        return validated(RunSettings, {**values, "detector": name, "beside": (SKETCH,), "detectors": chosen})


def federated_settings(
    file: Path | None = None,
    overrides: Iterable[str] | None = None,
    given: Mapping[str, Any] = MappingProxyType({}),
) -> FederatedRunSettings:
    """Settings from a YAML file, ``key.sub=value`` overrides and values by path, in rising order."""
    return load_config(FederatedRunSettings, file, overrides or (), given)


@dataclass(eq=False)
class Federation:
    """All that a federation begins with: the server's own sessions and base, the clients, and the learner.

    ``base`` are the server's sessions, ``train`` and ``valid`` the sessions of each client; ``valid_rows`` all
    validation sessions together. ``full`` counts the numbers of the whole network.
    """

    settings: FederatedRunSettings
    material: Material
    detector: Any
    learner: Learner
    start: npt.NDArray[np.float32]
    base: pa.Table
    train: list[pa.Table]
    valid: list[pa.Table]
    clients: dict[int, Client]
    full: int
    base_weights: bytes

    @property
    def validation(self) -> pa.Table:
        """The validation sessions of all clients."""
        return pa.concat_tables(self.valid)

    def sketches(self) -> Sketched:
        """The yardstick: count vectors of the same sessions, the server's own included.

        With a privacy budget they are of the server's sessions alone: a sketch has no noise.
        """
        hidden = self.settings.federation.privacy.epsilon is not None
        train, valid = ([], []) if hidden else (self.train, self.valid)
        learn = [_sequences(part) for part in (self.base, *train)]
        watch = [_sequences(part) for part in (SESSIONS.empty_table(), *valid)]
        return federated_counts(learn, watch, self.material.data.texts(), LARGEST)

    def fitted(self, vector: npt.NDArray[np.float32]) -> Detector:
        """The detector with this vector in its weights, and scores of the validation sessions."""
        from safetensors.torch import load

        from logradar.training.adapters import merge

        network = self.detector.network()
        network.load_state_dict(load(self.base_weights))
        adapted(network, self.settings.federation)
        self.learner.layout.write(network, vector)
        merge(network)
        network.eval()
        self.detector.take(network, SessionView.whole(SessionTable(self.validation), self.detector.inputs))
        return self.detector  # type: ignore[no-any-return]


def adapted(network: Any, f: FederationSettings) -> None:
    """Put the adapters of the settings into a network."""
    from logradar.training.adapters import ATTENTION, adapt

    adapt(network, f.adapter if f.lora else "all", f.rank, ATTENTION if f.modules == "attention" else (), f.seed)


def in_memory(material: Material) -> Material:
    """The same, with sessions that are still there when the files of the input are gone."""
    train, valid = (SessionTable(_table(part)) for part in (material.data.train, material.data.valid))
    return replace(material, data=replace(material.data, train=train, valid=valid))


def prepared(material: Material, settings: FederatedRunSettings, base_detector: Detector | None = None) -> Federation:
    """The federation of some training data: base learnt, sessions divided, clients ready.

    ``base_detector`` is one that has learnt the base already, of an equal `Federation`. Raises `DataError` where there
    are too few sessions.
    """
    from safetensors.torch import save

    f, plain = settings.federation, settings.plain
    train, valid = (_table(part) for part in (material.data.train, material.data.valid))
    if f.rows is not None:
        train = train.slice(0, f.rows)
    own = int(np.ceil(f.base_share * len(train)))
    base, rest = train.slice(0, own), train.slice(own)
    if len(base) < 2 or not len(rest):
        raise DataError(
            f"{len(train):,} training sessions are too few for a federation: the server needs two of its own "
            "(federation.base_share), and the clients the others."
        )
    texts, ids = material.data.texts(), _ids(train, valid)
    detector: Any = copy(base_detector) if base_detector is not None else _with_base(plain, f, base, texts, ids)
    network = detector.network()
    full = sum(value.numel() for value in network.parameters())
    weights = save({name: value.contiguous() for name, value in network.state_dict().items()})
    adapted(network, f)
    learner = Learner(network, detector.objective, f)
    learns, watches = _filled(divided(rest, f), divided(valid, f))
    if len(learns) != f.clients:
        say(f"{f.name}: {len(learns):,} clients have sessions to learn from; there are no others.")
        f = f.model_copy(update={"clients": len(learns)})
        settings = settings.model_copy(update={"federation": f})
        learner.settings = f
    parts = [rest.take(pa.array(rows)) for rows in learns]
    hostile = _hostile(f)
    clients = {
        number: Client(number, detector.learnable(_sequences(part)), learner, _noise(f, len(part)), number in hostile)
        for number, part in enumerate(parts, 1)
    }
    say(
        f"{f.name}: {len(rest):,} sessions of {len(clients):,} clients, {len(base):,} of the server; "
        f"{learner.layout.count:,} of {full:,} numbers are trained, {length(learner.layout.sizes, f.bits):,} bytes a "
        "message"
    )
    return Federation(
        settings,
        material,
        detector,
        learner,
        learner.layout.read(network),
        base,
        parts,
        [valid.take(pa.array(rows)) for rows in watches],
        clients,
        full,
        weights,
    )


def run_rounds(
    federation: Federation, folder: Path | None, transport: Transport = simulate, *, resume: bool = False
) -> Server:
    """Run all rounds over ``transport``; ``folder`` receives the file of each round."""
    server = Server(federation.learner.layout, federation.start, federation.settings.federation, folder)
    if resume and server.resume():
        say(f"Goes on after round {server.number}.")
    began = time.monotonic()

    def done(one: Round) -> None:
        refused = f", refused {one.refused}" if one.refused else ""
        say(
            f"round {one.number} of {server.settings.rounds}: {len(one.answered)} of {len(one.chosen)} clients, "
            f"{one.up:,} bytes up, {one.down:,} down{_at_socket(one)}{refused}, {time.monotonic() - began:.0f} s"
        )

    transport(server, federation.clients, done)
    return server


def _at_socket(one: Round) -> str:
    if "socket_up" not in one.figures:
        return ""
    return f" (at the socket {one.figures['socket_up']:,.0f} and {one.figures['socket_down']:,.0f})"


def material_of(spec: str, settings: FederatedRunSettings, use: Callable[[Material], Any]) -> Any:
    """Read INPUT ``spec`` and call ``use`` with what a training learns from, while it is on disk."""
    plain = settings.plain
    with opening(spec, plain.input) as (opened, home):
        event_ids = opened.has_sessions and plain.events == "given"
        chosen = plain if event_ids else plain.model_copy(update={"events": "mined"})
        return use(in_memory(training_material(opened, home, chosen, event_ids=event_ids)))


def _with_base(
    plain: RunSettings, f: FederationSettings, base: pa.Table, texts: Mapping[int, str], ids: npt.NDArray[np.int32]
) -> Detector:
    values: dict[str, Any] = {"epochs": max(f.base_epochs, 1), "tensorboard": False, "device": f.device}
    chosen = plain.with_training(values)
    detector: Any = chosen.make(plain.detector)
    detector.check_machine()
    words = "texts" in detector.inputs
    if not words:
        detector.begin(ids, texts)
    held = max(len(base) // 5, 1)
    learn, watch = base.slice(0, len(base) - held), base.slice(len(base) - held)
    with TrainingSet(SessionTable(learn), SessionTable(watch), templates=lambda: texts) as training:
        if f.base_epochs:
            detector.fit(training)
        elif words:
            detector.untrained(training)
    if words:
        detector.begin(ids, texts)
    return detector  # type: ignore[no-any-return]


def _filled(learns: list[Rows], watches: list[Rows]) -> tuple[list[Rows], list[Rows]]:
    """The clients that have something to learn; validation sessions of the others are with the last one."""
    watches = (watches + [np.empty(0, np.int64)] * len(learns))[: max(len(learns), len(watches))]
    kept = [place for place, rows in enumerate(learns) if len(rows)]
    own = [watches[place] for place in kept]
    left = [rows for place, rows in enumerate(watches) if place not in kept]
    own[-1] = np.sort(np.concatenate([own[-1], *left]))
    return [learns[place] for place in kept], own


def _ids(*tables: pa.Table) -> npt.NDArray[np.int32]:
    return np.unique(np.concatenate([_sequences(table).values for table in tables])).astype(np.int32)


def _table(part: Any) -> pa.Table:
    """SESSIONS in memory; sessions with event ids of their own have no lines and no gaps, so these are made up."""
    if part.in_memory:
        whole = pa.concat_tables([SESSIONS.empty_table(), *part.tables()])
        return whole.unify_dictionaries().combine_chunks()
    names = ["session_id", "start", "end", "service", "template_ids", "label"]
    found = pa.concat_tables(list(part.tables(names))).unify_dictionaries().combine_chunks()
    ids = found["template_ids"].combine_chunks()
    offsets = ids.offsets
    events = len(ids.values)
    made = {
        "record_ids": pa.ListArray.from_arrays(offsets, pa.array(np.arange(events))),
        "gaps": pa.ListArray.from_arrays(offsets, pa.array(np.zeros(events, np.float32))),
    }
    columns = [
        found[one.name].cast(one.type) if one.name in names else made.get(one.name, pa.nulls(len(found), one.type))
        for one in SESSIONS
    ]
    return pa.table(columns, schema=SESSIONS)


def _sequences(table: pa.Table) -> Sequences:
    return Sequences.from_arrow(table["template_ids"])


def _hostile(f: FederationSettings) -> set[int]:
    count = round(f.faults.attackers * f.clients)
    return set((1 + np.random.default_rng((f.seed, 13)).permutation(f.clients)[:count]).tolist())


def _noise(f: FederationSettings, sessions: int) -> float:
    if f.privacy.epsilon is None:
        return 0.0
    from logradar.federated.privacy import noise_for

    return noise_for(f.privacy.epsilon, f.privacy.delta, min(f.batch_size / sessions, 1.0), f.steps * f.rounds)
