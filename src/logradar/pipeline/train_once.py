"""Train once: a training that is done already is not done again, as notebooks that are run twice wish it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from logradar.core.bundle import MANIFEST
from logradar.core.errors import LogRadarError
from logradar.core.progress import say
from logradar.model.bundle import Bundle
from logradar.model.provenance import files_of, settings_given
from logradar.model.settings import RunSettings
from logradar.pipeline.train import train
from logradar.storage.records import opening


def train_once(spec: str, bundle: Path, settings: RunSettings) -> dict[str, Any]:
    """The figures of a training of INPUT ``spec``: of the one whose ``bundle`` is there, if nothing has changed since.

    Compared are all settings, and the names and sizes of the files that are read. Another bundle of that name is
    replaced. Raises what `logradar.pipeline.train.train` raises.
    """
    found = _before(spec, bundle, settings)
    if found is None:
        return train(spec, bundle, settings).figures
    say(f"'{bundle}' was trained with these settings and files already; it is used as it is.")
    return {"bundle": str(bundle), **found.facts, "thresholds": {n: t.value for n, t in found.thresholds.items()}}


def is_newer(result: Path, bundle: Path) -> bool:
    """Whether a file is there that was made of this bundle as it is: then it need not be made again either."""
    return result.is_file() and result.stat().st_mtime_ns >= (bundle / MANIFEST).stat().st_mtime_ns


def _before(spec: str, bundle: Path, settings: RunSettings) -> Bundle | None:
    try:
        found = Bundle.load(bundle)
    except LogRadarError:
        return None
    provenance = found.facts.get("provenance", {})
    with opening(spec, settings.input) as (opened, _):
        same = provenance.get("files") == files_of(opened)
    return found if same and provenance.get("settings") == settings_given(settings) else None
