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
    SKETCH,
    FederatedRunSettings,
    Transport,
    material_of,
    prepared,
    run_rounds,
)
from logradar.federated.simulation import simulate
from logradar.federated.sketch_run import run_sketches
from logradar.model.provenance import Invocation

STATE: Final = ".federation"


def federate(
    spec: str,
    bundle: Path,
    settings: FederatedRunSettings,
    *,
    deploy: bool = False,
    resume: bool = False,
    replace: bool = True,
    started: Invocation | None = None,
) -> dict[str, Any]:
    """Let clients learn a detector of INPUT ``spec`` together, and write it to ``bundle``; returns the record.

    All clients are in this process; with ``deploy``, in SuperNodes of Flower on this machine. The file of each round is
    in ``BUNDLE.federation`` until the bundle is written; ``resume`` goes on from there.
    """
    began = time.monotonic()
    require_place(bundle, replace=replace)
    state = bundle.with_name(bundle.name + STATE)
    if not resume:
        shutil.rmtree(state, ignore_errors=True)  # what an earlier run left
    if settings.federation.model == SKETCH:
        return material_of(  # type: ignore[no-any-return]
            spec, settings, lambda material: run_sketches(material, settings, spec, bundle, began, started)
        )
    federation = material_of(spec, settings, lambda material: prepared(material, settings))
    transport: Transport = simulate
    if deploy:
        from logradar.federated.deployment import deployed

        transport = deployed(federation, state)
    server = run_rounds(federation, state, transport, resume=resume)
    sketched = federation.sketches()
    made = result.bundle_of(federation, server, sketched, spec, began, started)
    result.write(made, bundle, federation, server, pictures_of(server.rounds))
    shutil.rmtree(state, ignore_errors=True)
    return {"bundle": str(bundle), **made.facts["federation"], "seconds": round(time.monotonic() - began, 1)}
