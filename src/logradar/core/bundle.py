"""A bundle: a folder with everything that is needed to score new logs, and a manifest of checksums.

``manifest.json`` states the format version and the SHA-256 of every other file. All files are verified
before any of them is read, so a changed byte is reported as an error.
Allowed files are JSON, Parquet, safetensors and ONNX, and for people plain text, pictures and TensorBoard
events: none of them can run code when it is loaded.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from logradar.core.errors import BundleError

FORMAT: Final = 2
OLDEST: Final = 2  # format that this version can still read
MANIFEST: Final = "manifest.json"
KINDS: Final = (".json", ".parquet", ".safetensors", ".onnx", ".log", ".txt", ".png", ".tfevents")


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def writing(folder: Path, facts: dict[str, Any]) -> Iterator[Path]:
    """Write a bundle: yields a temporary folder to fill; at the end the manifest is added and the folder is renamed.

    ``facts`` are written into the manifest (name, version, training data). ``folder`` exists only once the
    bundle is complete. An older bundle of that name is replaced. Raises `BundleError` when ``folder`` exists
    and is not a bundle; such a folder is never changed.
    """
    folder = folder.absolute()
    if folder.exists() and not (folder / MANIFEST).is_file() and any(folder.iterdir() if folder.is_dir() else [1]):
        raise BundleError(f"'{folder}' exists and is not a bundle; choose another name for the bundle.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield draft
        _seal(draft, facts)
        draft.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def amending(folder: Path) -> Iterator[Path]:
    """Change single files of a bundle: yields a copy of it, which replaces the bundle at the end.

    The bundle is verified first; the facts in its manifest stay as they are. Raises the errors of `verify`.
    """
    folder = folder.absolute()
    facts = {name: value for name, value in verify(folder).items() if name not in ("format", "files")}
    with writing(folder, facts) as draft:
        shutil.copytree(folder, draft, dirs_exist_ok=True, ignore=_manifest_of(folder))
        yield draft


def _manifest_of(folder: Path) -> Callable[[str, list[str]], list[str]]:
    """An ``ignore`` for `shutil.copytree` that leaves out the manifest of ``folder`` itself."""
    return lambda place, names: [MANIFEST] if Path(place) == folder and MANIFEST in names else []


def _seal(folder: Path, facts: dict[str, Any]) -> None:
    files = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if path.suffix not in KINDS:
            raise BundleError(f"A bundle may hold only {', '.join(KINDS)} files, not '{path.name}'.")
        files[path.relative_to(folder).as_posix()] = {"sha256": digest(path), "bytes": path.stat().st_size}
    manifest = {"format": FORMAT, "created": datetime.now(UTC).isoformat(timespec="seconds"), **facts, "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


def verify(folder: Path) -> dict[str, Any]:
    """Check every file of a bundle against its manifest and return the manifest.

    Raises `BundleError` when the folder is not a bundle or has a newer format, and when a file is
    missing, changed or not in the manifest.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise BundleError(f"'{folder}' is not a bundle: it has no {MANIFEST}. `logradar train` writes bundles.")
    try:
        manifest = json.loads(path.read_text())
        version, listed = int(manifest["format"]), dict(manifest["files"])
        wanted = {str(name): (str(entry["sha256"]), int(entry["bytes"])) for name, entry in listed.items()}
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise BundleError(f"The manifest of bundle '{folder}' cannot be read ({error}); train it again.") from None
    if version > FORMAT:
        raise BundleError(
            f"Bundle '{folder}' has format {version}, but this LogRadar reads formats up to {FORMAT}; upgrade LogRadar."
        )
    if version < OLDEST:
        raise BundleError(
            f"Bundle '{folder}' has format {version}, which an older LogRadar wrote; this one reads formats from "
            f"{OLDEST} on. Train it again on the same logs."
        )
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {MANIFEST}
    for name in sorted(present ^ set(wanted)):
        state = "is not in its manifest" if name in present else "is missing"
        raise BundleError(f"Bundle '{folder}' was changed: file '{name}' {state}. Copy it again or train it again.")
    for name, (sha256, size) in wanted.items():
        file = folder / name
        if file.stat().st_size != size or digest(file) != sha256:
            raise BundleError(
                f"Bundle '{folder}' was changed: file '{name}' has another checksum. Copy it again or train it again."
            )
    return dict(manifest)
