"""The folder of a simulation: whether it may be written, and whether there is enough room."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Final

from logradar import __version__
from logradar.core.errors import InputError
from logradar.core.outputs import require_outside
from logradar.simulation.journal import LABELS, ORIGINS
from logradar.simulation.settings import ShopSettings
from logradar.sources.simulated import FILES, FORMAT, MARK, read_mark

LABELS_APART: Final = "session_labels.csv"  # a name that is not opened by itself: the labels may not fit in memory
EVENTS: Final = "events.csv"
DAYS: Final = "preprocessed_logs_????-??-??.json"
NAMES: Final = (*FILES.values(), LABELS, LABELS_APART, ORIGINS, EVENTS, MARK)
SPARE: Final = 64 << 20  # bytes that stay free


def take(folder: Path, settings: ShopSettings, size: int = 0) -> None:
    """Make ``folder`` ready for a simulation of about ``size`` bytes and mark it as not complete.

    The files of an earlier simulation are removed. Raises `InputError` when the folder cannot be
    written, has files of these names that no simulation wrote, or the disk has too little room.
    """
    require_outside(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"'{folder}' is a file; a simulation needs a folder.")
    there = [folder / name for name in NAMES if (folder / name).exists()] + sorted(folder.glob(DAYS))
    if there and read_mark(folder) is None:
        names = ", ".join(file.name for file in there[:3]) + (f" and {len(there) - 3} more" if len(there) > 3 else "")
        raise InputError(f"'{folder}' has {names}, which no simulation wrote; choose another folder.")
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
            f"The disk of '{folder}' has {free / 1e9:.1f} GB free, but {size / 1e9:.1f} GB are needed; choose "
            "a smaller --size or another disk."
        )


def write_mark(folder: Path, settings: ShopSettings, **facts: Any) -> None:
    """Write ``simulation.json``, which marks ``folder`` as the folder of a simulation."""
    mark = {"format": FORMAT, "logradar": __version__, "settings": settings.model_dump(mode="json"), **facts}
    (folder / MARK).write_text(json.dumps(mark, indent=2) + "\n", encoding="utf-8")
