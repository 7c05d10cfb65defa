"""INPUT -> files: a file, folder, glob, '-' for stdin, a prepared folder or a named data set."""

from __future__ import annotations

import difflib
import glob
import json
import os
import re
import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import BinaryIO, Final

from logradar.core.errors import InputError, did_you_mean
from logradar.core.files import sha256_of
from logradar.sources.base import Dataset, Source, sources
from logradar.sources.opening.names import date_in

PREPARED: Final = "prepared.json"
SHARDS: Final = ("records", "days")  # what a prepared folder keeps its logs in
SIMULATED: Final = "simulation.json"
MADE: Final = frozenset({PREPARED, "reading.json"})  # stands in a folder that `logradar prepare` writes
NO_LOGS: Final = frozenset({"quarantine.jsonl", SIMULATED, *MADE})
NO_LOG_NAMES: Final = re.compile(r"(?:LICEN[CS]E|README|CITATION|NOTICE|CHANGELOG|SHA256SUMS|MD5SUMS)(?:\..*)?", re.I)
_ENDINGS: Final = (
    ".csv .tsv .parquet .arrow .md .rst .html .css .js .py .yaml .yml .toml .ini .cfg .xml .png .jpg .jpeg .gif .svg "
    ".pdf .npy .npz .pt .onnx .safetensors .tar .zip .tgz .whl .sqlite .db .pid .lock"
)
NO_LOG_ENDINGS: Final = frozenset(_ENDINGS.split())
COMPRESSED: Final = re.compile(r"\.(?:gz|xz|zst|zstd|bz2)$", re.I)
TURNED: Final = re.compile(r"[.-](?:\d{1,4}|\d{4}-\d\d-\d\d(?:[-_.T]\d[\d:.-]*)?|\d{8}(?:[-_.]\d+)?)$")  # by logrotate
PIECE: Final = 1 << 20


@dataclass
class Found:
    """The files of an INPUT. ``names`` says what a file is called where not by its path."""

    files: list[Path]
    dataset: Dataset | None = None
    labels: Path | None = None  # found beside the files
    prepared: Path | None = None  # the folder that `logradar prepare` wrote
    skipped: list[Path] = field(default_factory=list)
    unread: list[Path] = field(default_factory=list)  # folders that cannot be read, links to nothing
    names: dict[Path, str] = field(default_factory=dict)
    close: Callable[[], object] = lambda: None  # removes what was put on disk for it
    source: str | None = None  # the source that a named data set belongs to

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.stat().st_size for file in self.files if file.exists())


def find(spec: str, data_dir: Path | None = None) -> Found:
    """The files that INPUT ``spec`` means.

    Raises `InputError` with a way out when there are none.
    """
    path = Path(spec)
    try:
        if spec == "-":
            return _spooled(sys.stdin.buffer, "stdin")
        if path.is_dir():
            return _in_folder(path)
        if path.is_file():
            return Found([path], labels=labels_beside(path))
        if path.exists():  # a pipe, as the shell's <(command) makes one
            if path.is_fifo():
                with path.open("rb") as pipe:
                    return _spooled(pipe, spec)
            raise InputError(f"'{spec}' is neither a file nor a folder.")
    except OSError as error:
        raise InputError(f"'{spec}' cannot be read: {error.strerror}.") from None
    if glob.has_magic(spec):
        found = [Path(name) for name in glob.glob(spec, recursive=True)]  # noqa: PTH207 absolute patterns too
        files = [file for file in found if file.is_file() and not _hidden(file)]
        if files:
            return Found(in_order(files))
        raise InputError(f"No file fits the pattern '{spec}'.")
    return _named(spec, data_dir)


def find_dataset(name: str, data_dir: Path | None = None) -> Dataset | None:
    """The named data set below ``data_dir`` (or LOGRADAR_DATA), or None where it is not known or not there."""
    folder = data_folder(data_dir)
    kind = _with_dataset().get(name)
    return kind.dataset(folder) if kind and folder else None


def data_folder(data_dir: Path | None) -> Path | None:
    """Where named data sets are: ``data_dir``, else the environment's LOGRADAR_DATA."""
    if data_dir is not None and not data_dir.is_dir():
        raise InputError(f"The data folder '{data_dir}' does not exist.")
    named = os.environ.get("LOGRADAR_DATA")
    return data_dir or (Path(named) if named and Path(named).is_dir() else None)


def in_order(files: Iterable[Path]) -> list[Path]:
    """Files by the date in their names (without one: behind the others), then by name, numbers by value.

    Those that logrotate turned (app.log.2.gz, app.log.1) come before app.log.
    """
    return sorted(files, key=_age)


def stem(path: Path) -> str:
    """What a file is about: its name without endings, dates and numbers (gateway-2026-03-02.log.1.gz -> gateway).

    Kubernetes names files after pods: of <pod>_<namespace>_<container>-<hash>.log it is the
    container, of <container>/0.log the folder.
    """
    pod = re.fullmatch(r"[^_]+_[^_]+_(.+)-[0-9a-f]{64}\.log(?:\..*)?", path.name)
    if pod:
        return pod[1]
    name = COMPRESSED.sub("", path.name)
    for _ in range(3):
        name = TURNED.sub("", name)
        name = re.sub(r"\.(?:log|txt|out|err|json|jsonl|ndjson)$", "", name, flags=re.I)
    return path.parent.name if not name or name.isdigit() else name


def labels_beside(path: Path) -> Path | None:
    """The label file that carries a log's name: app_labels.csv(.gz, .xz) beside app.log."""
    plain = COMPRESSED.sub("", path.name)
    for name in (plain, Path(plain).stem):
        for ending in ("", ".gz", ".xz", ".zst"):
            labels = path.with_name(f"{name}_labels.csv{ending}")
            if labels.is_file():
                return labels
    return None


def _in_folder(folder: Path) -> Found:
    if (folder / PREPARED).is_file():
        shards = [shard for name in SHARDS for shard in sorted((folder / name).glob("*.parquet"))]
        if shards:
            return Found(_wanted(folder, shards), prepared=folder)
    labels = folder / "labels.csv" if (folder / SIMULATED).is_file() else None
    files: list[Path] = []
    skipped: list[Path] = []
    unread: list[Path] = []
    visited: set[Path] = set()  # links to folders may lead in a circle
    for place, folders, names in os.walk(folder, onerror=_noted(folder, unread), followlinks=True):
        if Path(place) != folder and not MADE.isdisjoint(names):  # what LogRadar made of logs is no log
            folders.clear()
            continue
        visited.add(Path(place).resolve())
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and Path(place, name).resolve() not in visited
        )
        for name in names:
            file = Path(place, name)
            if name.startswith(".") or not file.is_file():
                if file.is_symlink() and not file.exists() and not name.startswith("."):
                    unread.append(file)
                continue
            ending = Path(COMPRESSED.sub("", name)).suffix.lower()
            odd = name in NO_LOGS or ending in NO_LOG_ENDINGS or NO_LOG_NAMES.fullmatch(name)
            (skipped if odd else files).append(file)
    if not files:
        why = f": {len(skipped)} files there are of other kinds" if skipped else ""
        raise InputError(f"The folder '{folder}' holds no log files{why}.")
    files = in_order(files)
    if labels is None and len(files) == 1:
        labels = labels_beside(files[0])
    return Found(files, labels=labels if labels and labels.is_file() else None, skipped=sorted(skipped), unread=unread)


def _wanted(folder: Path, shards: list[Path]) -> list[Path]:
    """The shards that the manifest of a prepared folder names; `InputError` where one is not there as it was."""
    try:
        named = json.loads((folder / PREPARED).read_text())["shards"]
        wanted = {folder / shard["name"]: (shard["bytes"], shard["sha256"]) for shard in named}
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"'{folder / PREPARED}' is damaged; prepare the input again.") from None
    missing = sorted(set(wanted) - set(shards))
    if missing:
        raise InputError(f"'{missing[0]}' is missing, but '{folder}' needs it; prepare the input again.")
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # the hashes of 1 GB take about a second
        for path, found in zip(wanted, pool.map(_bytes_and_sum, wanted), strict=True):
            if found != wanted[path]:
                raise InputError(f"'{path}' is damaged, but '{folder}' needs it; prepare the input again.")
    return list(wanted)


def _bytes_and_sum(path: Path) -> tuple[int, str]:
    return path.stat().st_size, sha256_of(path)


def _noted(folder: Path, unread: list[Path]) -> Callable[[OSError], None]:
    def note(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise error
        unread.append(Path(error.filename))

    return note


def _named(spec: str, data_dir: Path | None) -> Found:
    known = _with_dataset()
    if spec not in known:
        raise InputError(f"'{spec}' is no file, folder or data set{_nearest(spec, known)}")
    folder = data_folder(data_dir)
    if folder is None:
        raise InputError(f"Where the data set '{spec}' is, is not known: give --data-dir FOLDER or set LOGRADAR_DATA.")
    dataset = known[spec].dataset(folder)
    if dataset is None:
        raise InputError(f"The data set '{spec}' is not in '{folder}'; give another folder with --data-dir.")
    missing = [file for file in dataset.files if not file.is_file()]
    if missing:
        raise InputError(f"The data set '{spec}' is not complete: '{missing[0]}' does not exist.")
    return Found(list(dataset.files), dataset, dataset.labels, source=spec)


def _with_dataset() -> dict[str, type[Source]]:
    loaded = {name: sources.load(name) for name in sources.names()}
    return {name: kind for name, kind in loaded.items() if kind.dataset.__func__ is not Source.dataset.__func__}  # type: ignore[attr-defined]


def _nearest(spec: str, known: Sequence[str] | dict[str, type[Source]]) -> str:
    path = Path(spec)
    beside = [str(other) for other in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(spec, [*known, *beside], n=1, cutoff=0.75)
    if near:
        return f"; {did_you_mean(spec, near)}"
    return "." if len(path.parts) > 1 else f" (data sets: {', '.join(sorted(known)) or 'none'})."


def _spooled(stream: BinaryIO, name: str) -> Found:
    """What a stream holds, on disk: inputs are read more than once and may be larger than memory."""
    if stream.isatty():
        raise InputError("'-' reads from stdin, but nothing is piped into it; try `cat app.log | logradar … -`.")
    folder = Path(tempfile.mkdtemp(prefix="logradar-stdin-"))
    file = folder / "stdin"
    found = Found([file], names={file: name})
    found.close = weakref.finalize(found, shutil.rmtree, folder, True)
    try:
        with file.open("wb") as spool:
            shutil.copyfileobj(stream, spool, PIECE)
    except OSError as error:
        found.close()
        raise InputError(f"What is piped in cannot be kept in '{folder.parent}': {error.strerror}.") from None
    return found


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") and part not in (".", "..") for part in path.parts)


def _age(path: Path) -> tuple[date, list[tuple[int, int, str]], list[tuple[int, int, str]], int, str]:
    name = COMPRESSED.sub("", path.name)
    number = re.search(r"\.(\d{1,3})$", name)
    base = name[: number.start()] if number else name
    turned = -int(number[1]) if number else 1
    return date_in(path.name) or date.max, _natural(str(path.parent)), _natural(base), turned, path.name


def _natural(text: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", text) if part]
