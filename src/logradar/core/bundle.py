"""A bundle: a folder that holds all that is needed to score, sealed by a manifest.

``manifest.json`` names the format version and the SHA-256 of every other file. A bundle is
verified in full before anything in it is read, so a changed byte is an error, not a surprise.
Files are JSON, Parquet, safetensors and ONNX, and for people plain text, pictures and what TensorBoard
reads: nothing that runs code when it is loaded.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from logradar.core.errors import BundleError
from logradar.core.files import sha256_of

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
KINDS: Final = (".json", ".parquet", ".safetensors", ".onnx", ".log", ".txt", ".png", ".tfevents")


@contextmanager
def writing(folder: Path, facts: dict[str, Any]) -> Iterator[Path]:
    """Write a bundle: fill the folder that is handed out; on leaving it is sealed and moved.

    ``facts`` go into the manifest (name, version, what it was trained on). The bundle appears
    under its name only when it is whole; an older bundle there is replaced, a folder that is
    not a bundle is never touched.
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
    """Change single files of a bundle: a whole copy is handed out, and takes the bundle's place once it is sealed.

    The bundle is verified first; its facts stay as they are. Raises what `verify` raises.
    """
    folder = folder.absolute()
    facts = {name: value for name, value in verify(folder).items() if name not in ("format", "files")}
    with writing(folder, facts) as draft:
        shutil.copytree(folder, draft, dirs_exist_ok=True, ignore=_manifest_of(folder))
        yield draft


def _manifest_of(folder: Path) -> Callable[[str, list[str]], list[str]]:
    return lambda place, names: [MANIFEST] if Path(place) == folder and MANIFEST in names else []


def _seal(folder: Path, facts: dict[str, Any]) -> None:
    files = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if path.suffix not in KINDS:
            raise BundleError(f"A bundle holds {', '.join(KINDS)} files only, not '{path.name}'.")
        files[path.relative_to(folder).as_posix()] = {"sha256": sha256_of(path), "bytes": path.stat().st_size}
    manifest = {"format": FORMAT, "created": datetime.now(UTC).isoformat(timespec="seconds"), **facts, "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


def verify(folder: Path) -> dict[str, Any]:
    """Check every file of a bundle against its manifest and return the manifest.

    Raises `BundleError` when the folder is no bundle, has a newer format, or when a file is
    missing, changed or not listed.
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
            f"Bundle '{folder}' has format {version}, this version of LogRadar reads up to {FORMAT}; upgrade LogRadar."
        )
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {MANIFEST}
    for name in sorted(present ^ set(wanted)):
        state = "is not in its manifest" if name in present else "is missing"
        raise BundleError(f"Bundle '{folder}' was changed: file '{name}' {state}. Copy it again or train it again.")
    for name, (sha256, size) in wanted.items():
        file = folder / name
        if file.stat().st_size != size or sha256_of(file) != sha256:
            raise BundleError(
                f"Bundle '{folder}' was changed: file '{name}' has another checksum. Copy it again or train it again."
            )
    return dict(manifest)
