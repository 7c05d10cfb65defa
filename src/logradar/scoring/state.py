"""State: what a stream has to remember, saved as Parquet, so that the next call goes on where this one ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from logradar import __version__
from logradar.core.bundle import MANIFEST, verify, writing
from logradar.core.errors import BundleError, StateError
from logradar.core.files import require_writable
from logradar.model.bundle import Bundle
from logradar.scoring.stream import Stream

FORMAT: Final = 5  # of the tables; raised when an older state can no longer be read
NAME: Final = "state.json"


def prepare_state(folder: Path) -> None:
    """Make sure, before anything is read, that a state can be written to ``folder``. Raises `StateError`."""
    _require_state(folder)
    require_writable(folder, folder=True, kind=StateError)


def save_state(stream: Stream, bundle: Bundle, folder: Path, **facts: Any) -> None:
    """Write the state of a stream to ``folder``, whole or not at all; an earlier state there is replaced."""
    _require_state(folder)
    about = {"kind": "stream state", "state": FORMAT, "bundle": bundle.identity, "logradar": __version__, **facts}
    about["threshold"] = stream.threshold
    about["incidents"] = stream.grouping.model_dump(mode="json")
    with writing(folder, about) as draft:
        for name, table in stream.tables().items():
            pq.write_table(table, draft / f"{name}.parquet", compression="zstd")
        (draft / NAME).write_text(json.dumps(about) + "\n")


def load_state(stream: Stream, bundle: Bundle, folder: Path) -> dict[str, Any]:
    """Let ``stream`` go on from the state in ``folder``; returns the facts that were saved with it.

    Returns no facts, and changes nothing, where the folder is new. Raises `StateError` where the state is damaged,
    of another version, of another bundle or of another threshold.
    """
    _require_state(folder)
    if not (folder / NAME).is_file():
        return {}
    try:
        verify(folder)
        about: dict[str, Any] = json.loads((folder / NAME).read_text())
        tables = {path.stem: pq.read_table(path) for path in sorted(folder.glob("*.parquet"))}
    except (OSError, ValueError, BundleError, pa.ArrowInvalid):
        raise StateError(f"The state in '{folder}' is damaged; name another folder, or delete this one.") from None
    if not isinstance(about, dict) or about.get("state") != FORMAT:
        raise StateError(f"The state in '{folder}' was written by another version of LogRadar; name another folder.")
    if about.get("bundle") != bundle.identity:
        raise StateError(
            f"The state in '{folder}' belongs to another bundle, or to this one before a review; name another folder."
        )
    if about.get("threshold") != stream.threshold:
        raise StateError(
            f"The state in '{folder}' belongs to the threshold {about.get('threshold')}, not {stream.threshold}; "
            "choose the same threshold, or name another folder."
        )
    if about.get("incidents") != stream.grouping.model_dump(mode="json"):
        raise StateError(
            f"The state in '{folder}' belongs to other settings of incidents; choose the same ones, or name another "
            "folder."
        )
    stream.restore(tables)
    return about


def _require_state(folder: Path) -> None:
    """`StateError` where ``folder`` holds something other than a state."""
    if any((parent / MANIFEST).is_file() for parent in folder.absolute().parents):
        raise StateError(f"'{folder}' lies in a bundle, which must not change; name another folder.")
    if folder.exists() and not (folder / NAME).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise StateError(f"'{folder}' holds no state of a stream; name a new folder for it.")
