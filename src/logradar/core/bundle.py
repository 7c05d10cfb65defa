"""A bundle: a folder with everything that is needed to score new logs, and a manifest of checksums.

``manifest.json`` states the format version and the SHA-256 of every other file; its last key is the SHA-256 of all that
is before it. All files are verified before any of them is read, so a changed byte is reported as an error.
Allowed files are JSON, Parquet, safetensors and ONNX, and for people plain text, pictures and TensorBoard
events: none of them can run code when it is loaded.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from logradar.core.documents import UNREADABLE, parsed, reason_of
from logradar.core.errors import BundleError
from logradar.core.files import named_as, require_writable, sha256_of
from logradar.core.interrupts import heed
from logradar.core.locks import locked

FORMAT: Final = 3
OLDEST: Final = 2  # format that this version can still read
MANIFEST: Final = "manifest.json"
SEAL: Final = "sha256"  # the last key of a manifest: the checksum of the text before it
_SEALED: Final = re.compile(rb'(.*),\n  "' + SEAL.encode() + rb'": "([0-9a-f]{64})"\n}\n', re.DOTALL)
KINDS: Final = (".json", ".parquet", ".safetensors", ".onnx", ".log", ".txt", ".png", ".tfevents")


@contextmanager
def writing(folder: Path, facts: dict[str, Any]) -> Iterator[Path]:
    """Write a bundle: yields a temporary folder to fill; at the end the manifest is added and the folder is renamed.

    ``facts`` are written into the manifest (name, version, training data). ``folder`` exists only once the
    bundle is complete. An older bundle of that name is replaced. Raises the errors of `require_place`; an `OSError`
    names ``folder`` and no temporary one.
    """
    require_place(folder)
    folder = folder.resolve()
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    with named_as(draft, folder):
        try:
            yield draft
            _seal(draft, facts)
            draft.chmod(0o755)
            heed()
            with locked(folder, exclusive=True):
                _take_place(draft, folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _take_place(draft: Path, folder: Path) -> None:
    """Rename ``draft`` to ``folder``; what was there is deleted after that, so that it is back where that fails."""
    old = draft.with_name(f"{draft.name}-old")
    if folder.exists():
        folder.replace(old)
    try:
        draft.replace(folder)
    except BaseException:
        if old.exists():
            old.replace(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def require_place(folder: Path, *, replace: bool = True) -> None:
    """`BundleError` where no bundle can be written to ``folder``; asked before hours of work, not after.

    A folder that holds something other than a bundle is never changed, one that holds a bundle only with ``replace``.
    """
    path = folder.resolve()
    if path in (Path(path.anchor), Path.cwd()):
        raise BundleError(f"'{folder}' cannot become a bundle, for it is in use; name a new folder, such as bundle.")
    if path.exists() and not (path / MANIFEST).is_file() and (not path.is_dir() or any(path.iterdir())):
        raise BundleError(f"'{folder}' exists and is not a bundle; choose another name for the bundle.")
    if (path / MANIFEST).is_file() and not replace:
        raise BundleError(f"'{folder}' holds a bundle already; --force replaces it, or choose another name.")
    if (outer := bundle_around(path.parent)) is not None:
        raise BundleError(f"'{folder}' lies in the bundle '{outer}', which must not change; choose another place.")
    require_writable(folder, folder=True, kind=BundleError)


def bundle_around(path: Path) -> Path | None:
    """The bundle in which ``path`` lies, or which it is; None outside of bundles."""
    return next((folder for folder in (path, *path.parents) if _is_bundle(folder)), None)


def _is_bundle(folder: Path) -> bool:
    """Whether a folder looks like one: other programs write files named ``manifest.json`` too."""
    return (folder / MANIFEST).is_file() and (folder / "settings.json").is_file()


@contextmanager
def amending(folder: Path) -> Iterator[Path]:
    """Change single files of a bundle: yields a copy of it, which replaces the bundle at the end.

    The bundle is verified first; the facts in its manifest stay as they are. Raises the errors of `verify`.
    """
    folder = folder.absolute()
    with locked(folder, exclusive=True):
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
            raise BundleError(f"A bundle holds {', '.join(KINDS)} files only, not '{path.name}'.")
        files[path.relative_to(folder).as_posix()] = {"sha256": sha256_of(path), "bytes": path.stat().st_size}
    manifest = {"format": FORMAT, "created": datetime.now(UTC).isoformat(timespec="seconds"), **facts, "files": files}
    text = json.dumps(manifest, indent=2, ensure_ascii=False).encode("utf-8", "replace").removesuffix(b"\n}")
    seal = hashlib.sha256(text).hexdigest()
    (folder / MANIFEST).write_bytes(text + f',\n  "{SEAL}": "{seal}"\n}}\n'.encode())


def _read(path: Path) -> dict[str, Any]:
    """What a manifest says, without its seal; `ValueError` where it is no JSON or its seal does not fit."""
    raw = path.read_bytes()
    sealed = _SEALED.fullmatch(raw)
    if sealed and hashlib.sha256(sealed[1]).hexdigest().encode() != sealed[2]:
        raise ValueError("it was changed, for its own checksum is another one")
    manifest = dict(parsed(raw, MANIFEST))
    if sealed:
        del manifest[SEAL]
    return manifest


def verify(folder: Path) -> dict[str, Any]:
    """Check every file of a bundle against its manifest and return the manifest.

    Raises `BundleError` when the folder is not a bundle or has a newer format, and when a file is
    missing, changed or not in the manifest.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise BundleError(f"'{folder}' is not a bundle: it has no {MANIFEST}. `logradar train` writes bundles.")
    try:
        manifest = _read(path)
        version, listed = int(manifest["format"]), dict(manifest["files"])
        wanted = {str(name): (str(entry["sha256"]), int(entry["bytes"])) for name, entry in listed.items()}
    except UNREADABLE as error:
        raise BundleError(
            f"The manifest of bundle '{folder}' cannot be read ({reason_of(error)}). "
            "Copy the bundle again or train it again."
        ) from None
    if version > FORMAT:
        raise BundleError(
            f"Bundle '{folder}' has format {version}, but this LogRadar reads formats up to {FORMAT}; upgrade LogRadar."
        )
    if version < OLDEST:
        raise BundleError(
            f"Bundle '{folder}' has format {version}, which an older LogRadar wrote; this one reads formats from "
            f"{OLDEST} on. Train it again on the same logs."
        )
    if (
        next(reversed(manifest)) != "files" or SEAL in manifest
    ):  # without a seal, as it was written before there were any
        raise BundleError(f"Bundle '{folder}' was changed: its manifest has lost its own checksum. Copy it again.")
    links = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_symlink())
    if links:  # what it points to may change after it was looked at, or be a file that is nobody's business
        raise BundleError(f"Bundle '{folder}' holds a link, '{links[0]}'; a bundle holds files only. Copy it again.")
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
    return manifest
