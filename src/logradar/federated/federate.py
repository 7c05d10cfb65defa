"""Federate: the act behind `logradar federate run`."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any, Final

from logradar.core.bundle import require_place
from logradar.federated import result
from logradar.federated.pictures import pictures_of
from logradar.federated.run import (
    FederatedRunSettings,
    material_of,
    prepared,
    run_rounds,
)
from logradar.model.provenance import Invocation

STATE: Final = ".federation"


def federate(
    spec: str,
    bundle: Path,
    settings: FederatedRunSettings,
    *,
    resume: bool = False,
    replace: bool = True,
    started: Invocation | None = None,
) -> dict[str, Any]:
    """Let clients learn a detector of INPUT ``spec`` together, and write it to ``bundle``; returns the record.

    All clients are in this process. The file of each round is in ``BUNDLE.federation`` until the
    bundle is written; ``resume`` goes on from there.
    """
    began = time.monotonic()
    require_place(bundle, replace=replace)
    state = bundle.with_name(bundle.name + STATE)
    federation = material_of(spec, settings, lambda material: prepared(material, settings))
    server = run_rounds(federation, state, resume=resume)
    sketched = federation.sketches()
    made = result.bundle_of(federation, server, sketched, spec, began, started)
    result.write(made, bundle, federation, server, pictures_of(server.rounds))
    shutil.rmtree(state, ignore_errors=True)
    return {"bundle": str(bundle), **made.facts["federation"], "seconds": round(time.monotonic() - began, 1)}
