"""Prepare: an input as records, templates and sessions in Parquet, with a manifest."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from logradar import __version__
from logradar.core.errors import InputError
from logradar.parsing.templates import TemplateMiner
from logradar.pipeline.corpus import reading
from logradar.pipeline.settings import RunSettings
from logradar.pipeline.tabulate import fill, group, learn_templates

MANIFEST = "prepared.json"


def prepare(spec: str, folder: Path, settings: RunSettings) -> dict[str, Any]:
    """Write INPUT ``spec`` to ``folder`` and return the figures of ``prepare --json``.

    ``records/*.parquet`` are LOG_RECORDS, ``templates.parquet`` TEMPLATES mined on all of them,
    ``sessions.parquet`` SESSIONS, ``prepared.json`` the manifest. The folder is an INPUT itself;
    `train` mines templates again, on its training part only.
    """
    began = time.monotonic()
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise InputError(f"'{folder}' holds other files; choose a new folder for the prepared data.")
    for old in (folder / "records").glob("*.parquet"):
        old.unlink()
    with reading(spec, settings.input, folder) as corpus:
        grouped = group(corpus, settings.sessions)
        miner = TemplateMiner(settings.parsing)
        learn_templates(corpus, miner, grouped, np.arange(len(grouped)))
        sessions = fill(corpus, miner, grouped)
    pq.write_table(miner.templates(), folder / "templates.parquet")
    pq.write_table(sessions, folder / "sessions.parquet")
    figures = {
        "records": corpus.records,
        "templates": miner.templates().num_rows,
        "sessions": sessions.num_rows,
        "quarantined": corpus.quarantined,
        "seconds": round(time.monotonic() - began, 2),
        "peak_rss_mb": peak_rss_mb(),
    }
    facts = {"logradar": __version__, "input": spec, "source": corpus.source, **figures}
    facts["settings"] = settings.model_copy(update={"input": corpus.input}).model_dump(mode="json")
    (folder / MANIFEST).write_text(json.dumps(facts, indent=1) + "\n")
    return figures


def peak_rss_mb() -> float:
    """The most memory that this process ever held, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)
