"""The folder of a simulation: what may be written there, and whether there is room for it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Final

from logradar import __version__
from logradar.core.errors import InputError
from logradar.simulation.journal import LABELS, ORIGINS
from logradar.simulation.settings import ShopSettings
from logradar.sources.simulated import FILES, FORMAT, MARK, read_mark

LABELS_APART: Final = "session_labels.csv"  # not found by itself: there may be more than memory holds
EVENTS: Final = "events.csv"
DAYS: Final = "preprocessed_logs_????-??-??.json"
NAMES: Final = (*FILES.values(), LABELS, LABELS_APART, ORIGINS, EVENTS, MARK)
SPARE: Final = 64 << 20  # bytes that stay free


def take(folder: Path, settings: ShopSettings, size: int = 0) -> None:
    """Make ``folder`` ready for a simulation of about ``size`` bytes and mark it as not complete.

    What an earlier simulation left there is removed. Raises `InputError` when the folder cannot be
    written, holds files of these names that no simulation wrote, or the disk has too little room.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"'{folder}' is a file; a simulation needs a folder.")
    there = [folder / name for name in NAMES if (folder / name).exists()] + sorted(folder.glob(DAYS))
    if there and read_mark(folder) is None:
        names = ", ".join(file.name for file in there[:3]) + (f" and {len(there) - 3} more" if len(there) > 3 else "")
        raise InputError(f"'{folder}' holds {names}, and no simulation wrote that; choose another folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_mark(folder, settings, complete=False)
        for file in there:
            if file.name != MARK:
                file.unlink()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise InputError(f"'{folder}' cannot be written: {error.strerror}.") from None
    if size and size + SPARE > free:
        raise InputError(
            f"The disk of '{folder}' has {free / 1e9:.1f} GB free, {size / 1e9:.1f} GB are to be written; choose "
            "a smaller --size or another disk."
        )


def write_mark(folder: Path, settings: ShopSettings, **facts: Any) -> None:
    """Write ``simulation.json``, by which ``folder`` is recognised as a simulation's."""
    mark = {"format": FORMAT, "logradar": __version__, "settings": settings.model_dump(mode="json"), **facts}
    (folder / MARK).write_text(json.dumps(mark, indent=2) + "\n", encoding="utf-8")
