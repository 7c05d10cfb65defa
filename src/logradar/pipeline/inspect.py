"""Inspect: what a bundle is and how it came about, from its manifest; no detector is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from logradar.core.bundle import verify
from logradar.core.errors import BundleError
from logradar.model.bundle import FEEDBACK


def inspect(bundle: Path) -> dict[str, Any]:
    """The document of ``inspect --json``: the facts of the manifest, thresholds, and the provenance last.

    Every file of the bundle is verified. ``provenance`` is None in bundles that were trained before it was kept. Raises
    `BundleError` where the folder is no bundle of a training, or was changed.
    """
    facts = verify(bundle)
    files, provenance = facts.pop("files"), facts.pop("provenance", None)
    try:
        thresholds = json.loads((bundle / "thresholds.json").read_text())
        feedback = json.loads((bundle / FEEDBACK).read_text("utf-8")) if FEEDBACK in files else {"accepted": []}
        figures = {
            "thresholds": {name: threshold["value"] for name, threshold in thresholds.items()},
            "feedback": len(feedback["accepted"]),
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"'{bundle}' is not what `logradar train` writes ({error}); name a bundle.") from None
    sizes = {"files": len(files), "bytes": sum(entry["bytes"] for entry in files.values())}
    return {"bundle": str(bundle), **facts, **figures, **sizes, "provenance": provenance}
