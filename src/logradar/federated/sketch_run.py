"""Sketch run: a federation of sketches alone, one message of each client and no network."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from logradar.core.sequences import Sequences
from logradar.core.session_set import SessionTable
from logradar.core.tables import SESSIONS
from logradar.core.training_set import TrainingSet
from logradar.federated.run import FederatedRunSettings
from logradar.federated.sites import divided
from logradar.federated.sketch import LARGEST
from logradar.federated.sketch_federation import federated_counts
from logradar.model.provenance import Invocation
from logradar.model.replay_buffer import ReplayBuffer
from logradar.pipeline.learning.fitting import Material, concluded


def run_sketches(
    material: Material,
    settings: FederatedRunSettings,
    spec: str,
    bundle: Path,
    began: float,
    started: Invocation | None = None,
) -> dict[str, Any]:
    """Divide the sessions, merge the clients' sketches and write the bundle; returns the record.

    The bundle keeps no sequence of any client, only count vectors, which are what passed.
    """
    f, data = settings.federation, material.data
    train, valid = (_whole(part) for part in (data.train, data.valid))
    train = train.slice(0, f.rows)
    parts = [train.take(pa.array(rows)) for rows in divided(train, f)]
    watched = [valid.take(pa.array(rows)) for rows in divided(valid, f)]
    watched = (watched + [SESSIONS.empty_table()] * len(parts))[: len(parts)]
    learn, watch = ([Sequences.from_arrow(part["template_ids"]) for part in some] for some in (parts, watched))
    found = federated_counts(learn, watch, data.texts(), LARGEST)
    shown = replace(data, valid=SessionTable(pa.concat_tables(watched)), reviewable=None)
    with TrainingSet(SessionTable(train), shown.valid, templates=data.texts) as training:
        made = concluded(material.settings, shown, {"count_vector": found.detector}, training)
    made.memory = ReplayBuffer.of([found.detector.counts], material.settings.replay)
    made.facts |= material.facts(spec, began, started, settings.plain)
    made.facts["federation"] = record = {
        "settings": f.model_dump(mode="json"),
        "clients": sum(len(part) > 0 for part in parts),
        "sessions": {"clients": [len(part) for part in parts], "validation": [len(part) for part in watched]},
        "bytes": {"sketch_up": found.up, "sketch_largest": found.largest},
        "sketch_left_out": found.left_out,
    }
    made.save(bundle, lambda draft: _beside(draft, record))
    return {"bundle": str(bundle), **record, "seconds": round(time.monotonic() - began, 1)}


def _whole(part: Any) -> pa.Table:
    return pa.concat_tables([SESSIONS.empty_table(), *part.tables()]).unify_dictionaries().combine_chunks()


def _beside(draft: Path, record: dict[str, Any]) -> None:
    (draft / "federated").mkdir()
    (draft / "federated" / "federation.json").write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2))
