"""The result: a bundle like any other, with the record of the rounds beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.columns import Columns
from logradar.core.documents import UNREADABLE, read_object, reason_of
from logradar.core.errors import BundleError
from logradar.core.session_set import SessionTable
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector
from logradar.federated.run import Federation
from logradar.federated.server import Server
from logradar.federated.sketch_federation import Sketched
from logradar.model.bundle import Bundle
from logradar.model.provenance import Invocation
from logradar.model.replay_buffer import ReplayBuffer
from logradar.pipeline.learning.fitting import concluded

Floats = npt.NDArray[np.float32]
FOLDER: Final = "federated"
ROUNDS: Final = "rounds.parquet"
RECORD: Final = "federation.json"
ADAPTER: Final = "adapter.safetensors"
START: Final = "base.safetensors"


def bundle_of(
    federation: Federation, server: Server, sketched: Sketched, spec: str, began: float, started: Invocation | None
) -> Bundle:
    """The bundle: the model of the last round, and the sketch beside it, with thresholds of the clients' sessions.

    Of sequences it keeps the server's own alone; of the clients' sessions it has fingerprints, which `evaluate` needs
    to find overlap.
    """
    plain, data = federation.material.settings, federation.material.data
    main: Detector = federation.fitted(server.vector.astype(np.float32))
    detectors: dict[str, Detector] = {main.name: main, "count_vector": sketched.detector}
    shown = replace(data, valid=SessionTable(federation.validation), reviewable=None)
    with TrainingSet(SessionTable(federation.base), shown.valid, templates=data.texts) as training:
        bundle = concluded(plain, shown, detectors, training)
        bundle.memory = ReplayBuffer.of(training.distinct.pieces(), plain.replay)
    bundle.next_events, bundle.sample = {}, None
    given = federation.settings.plain
    bundle.facts |= federation.material.facts(spec, began, started, given)
    bundle.facts["federation"] = record(federation, server, sketched)
    return bundle


def record(federation: Federation, server: Server, sketched: Sketched) -> dict[str, Any]:
    """What a federation reports: sizes, bytes, who took part, what was refused."""
    f, layout = federation.settings.federation, federation.learner.layout
    up, down = sum(one.up for one in server.rounds), sum(one.down for one in server.rounds)
    answers = sum(len(one.answered) for one in server.rounds)
    return {
        "settings": f.model_dump(mode="json"),
        "hash": server.hash,
        "rounds": server.number,
        "clients": len(federation.clients),
        "sessions": {
            "server": len(federation.base),
            "clients": [len(part) for part in federation.train],
            "validation": [len(part) for part in federation.valid],
        },
        "numbers": {"trained": layout.count, "network": federation.full},
        "bytes": {
            "up": up,
            "down": down,
            "message_up": round(up / max(answers, 1)),
            "socket_up": _sum(server, "socket_up"),
            "socket_down": _sum(server, "socket_down"),
            "base_once": 4 * federation.full,
            "scores_once": 4 * len(federation.validation),
            "sketch_up": sketched.up,
            "sketch_largest": sketched.largest,
        },
        "answers": answers,
        "lost": sum(len(one.chosen) - len(one.answered) for one in server.rounds),
        "refused": dict(server.refused()),
        "sketch_left_out": sketched.left_out,
    }


def _sum(server: Server, name: str) -> int | None:
    """What a deployment counted at its sockets; None in a simulation."""
    found = [one.figures[name] for one in server.rounds if name in one.figures]
    return int(sum(found)) if found else None


def write(bundle: Bundle, folder: Path, federation: Federation, server: Server, pictures: Mapping[str, bytes]) -> None:
    """Write the bundle, with the vector of every round, the adapter and the pictures in its folder `federated`."""
    from safetensors.numpy import save

    layout = federation.learner.layout

    def beside(draft: Path) -> None:
        from logradar.pipeline.learning.training_artifacts import write_artifacts

        write_artifacts(bundle.history, {}, None, draft)
        home = draft / FOLDER
        home.mkdir()
        (home / RECORD).write_bytes(
            orjson.dumps(
                {**bundle.facts["federation"], "by_round": [one.to_json() for one in server.rounds]},
                option=orjson.OPT_INDENT_2,
            )
        )
        vectors = [federation.start, *server.vectors]
        columns = {"round": list(range(len(vectors))), "vector": [one.tolist() for one in vectors]}
        pq.write_table(pa.table(columns, schema=_SCHEMA), home / ROUNDS, compression="zstd")
        last, start, parts = vectors[-1], 0, {}
        for name, shape, size in zip(layout.names, layout.shapes, layout.sizes.tolist(), strict=True):
            parts[name] = last[start : start + size].reshape(shape)
            start += size
        (home / ADAPTER).write_bytes(save(parts))
        (home / START).write_bytes(federation.base_weights)
        for name, picture in pictures.items():
            (home / name).write_bytes(picture)

    bundle.save(folder, beside)


_SCHEMA: Final = pa.schema([("round", pa.int32()), ("vector", pa.list_(pa.float32()))])


def read(folder: Path) -> tuple[dict[str, Any], list[Floats]]:
    """The record and the vectors of the rounds of a bundle. Raises `BundleError` where it is of no federation."""
    home = folder / FOLDER
    if not (home / RECORD).is_file():
        raise BundleError(f"Bundle '{folder}' is of no federation; `logradar federate run` writes such bundles.")
    if not (home / ROUNDS).is_file():
        raise BundleError(f"Bundle '{folder}' was made of sketches and has no rounds; `logradar evaluate` measures it.")
    try:
        found = Columns(home / ROUNDS)
        column = found.table["vector"]
        vectors = [np.asarray(one, np.float32) for one in column.to_pylist()]
        if not vectors or len({len(one) for one in vectors}) != 1 or not all(np.isfinite(one).all() for one in vectors):
            raise ValueError("its vectors are not of one length")
        return read_object(home / RECORD), vectors
    except UNREADABLE as error:
        raise BundleError(f"The rounds in '{home}' cannot be read ({reason_of(error)}); train it again.") from None
