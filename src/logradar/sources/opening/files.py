"""Finds the files of an INPUT: a file, folder, pattern, '-' for stdin, prepared folder or named data set."""

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
from collections.abc import Callable, Iterable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePath
from typing import BinaryIO, Final

from logradar.core.errors import InputError, did_you_mean
from logradar.core.files import sha256_of
from logradar.core.progress import say
from logradar.sources.base import Dataset, Source, sources
from logradar.sources.opening.file_dates import date_in
from logradar.sources.opening.reading import read_sample

PREPARED: Final = "prepared.json"
SHARDS: Final = ("records", "days")  # folders of the Parquet files in a prepared folder
SIMULATED: Final = "simulation.json"
WRITTEN: Final = frozenset({PREPARED, "reading.json"})  # files that mark a folder written by `logradar prepare`
NO_LOGS: Final = frozenset({"quarantine.jsonl", SIMULATED, *WRITTEN})
NO_LOG_NAMES: Final = re.compile(r"(?:LICEN[CS]E|README|CITATION|NOTICE|CHANGELOG|SHA256SUMS|MD5SUMS)(?:\..*)?", re.I)
_ENDINGS: Final = (
    ".csv .tsv .parquet .arrow .md .rst .html .css .js .py .yaml .yml .toml .ini .cfg .xml .png .jpg .jpeg .gif .svg "
    ".pdf .npy .npz .pt .onnx .safetensors .tar .zip .tgz .whl .sqlite .db .pid .lock"
)
NO_LOG_ENDINGS: Final = frozenset(_ENDINGS.split())
COMPRESSED: Final = re.compile(r"\.(?:gz|xz|zst|zstd|bz2)$", re.I)
ROTATED: Final = re.compile(r"[.-](?:\d{1,4}|\d{4}-\d\d-\d\d(?:[-_.T]\d[\d:.-]*)?|\d{8}(?:[-_.]\d+)?)$")  # by logrotate
TABLES: Final = (".csv", ".tsv")
HEAD, ROWS = 1 << 16, 200  # bytes and lines of a table by which it is recognised
PIECE: Final = 1 << 20


@dataclass
class InputFiles:
    """The files of an INPUT. ``names`` are the names of files that are not called by their path."""

    files: list[Path]
    dataset: Dataset | None = None
    labels: Path | None = None  # label file in the same folder
    prepared: Path | None = None  # the folder that `logradar prepare` wrote
    skipped: list[Path] = field(default_factory=list)
    unread: list[Path] = field(default_factory=list)  # folders that cannot be read, broken links
    names: dict[Path, str] = field(default_factory=dict)
    close: Callable[[], object] = lambda: None  # deletes the temporary files of this input
    source: str | None = None  # the source of a named data set

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.stat().st_size for file in self.files if file.exists())


def find(spec: str, data_dir: Path | None = None) -> InputFiles:
    """The files of INPUT ``spec``.

    Raises an `InputError` that suggests a solution if there are none.
    """
    path = Path(spec)
    if path.exists() and find_dataset(spec, data_dir) is not None:
        say(f"'{spec}' is read from the current folder; the data set '{spec}' has the same name (rename the folder).")
    try:
        if spec == "-":
            return _spooled(sys.stdin.buffer, "stdin")
        if path.is_dir():
            return _in_folder(path)
        if path.is_file():
            return InputFiles([path], labels=labels_beside(path))
        if path.exists():  # a pipe, for example from <(command) in the shell
            if path.is_fifo():
                with path.open("rb") as pipe:
                    return _spooled(pipe, spec)
            raise InputError(f"'{spec}' is neither a file nor a folder.")
    except OSError as error:
        raise InputError(f"'{spec}' cannot be read: {error.strerror}.") from None
    if glob.has_magic(spec):
        paths = [Path(name) for name in glob.glob(spec, recursive=True)]  # noqa: PTH207 absolute patterns too
        files = [file for file in paths if file.is_file() and not _hidden(file)]
        if files:
            return InputFiles(in_order(files))
        raise InputError(f"No file matches the pattern '{spec}'.")
    return _named(spec, data_dir)


def find_dataset(name: str, data_dir: Path | None = None) -> Dataset | None:
    """The named data set below ``data_dir`` (or LOGRADAR_DATA), or None if it is unknown or does not exist."""
    folder = data_folder(data_dir)
    kind = _with_dataset().get(name)
    return kind.dataset(folder) if kind and folder else None


def data_folder(data_dir: Path | None) -> Path | None:
    """The folder of named data sets: ``data_dir``, else the environment variable LOGRADAR_DATA, else None."""
    if data_dir is not None and not data_dir.is_dir():
        raise InputError(f"The data folder '{data_dir}' does not exist.")
    named = os.environ.get("LOGRADAR_DATA")
    return data_dir or (Path(named) if named and Path(named).is_dir() else None)


def in_order(files: Iterable[Path]) -> list[Path]:
    """Files sorted by the date in their names (those without one come last), then by name, with numbers by value.

    Rotated files (app.log.2.gz, app.log.1) come before app.log; so do app.2.log and app.1.log, if there is an app.log.
    """
    files = list(files)
    plain = {file.with_name(COMPRESSED.sub("", file.name)) for file in files}
    return sorted(files, key=lambda file: _sort_key(file, plain))


def stem(path: PurePath) -> str:
    """The name of a file without endings, dates and numbers (gateway-2026-03-02.log.1.gz -> gateway).

    Kubernetes names files after pods: for <pod>_<namespace>_<container>-<hash>.log it is the container, for
    <container>/0.log the folder.
    """
    pod = re.fullmatch(r"[^_]+_[^_]+_(.+)-[0-9a-f]{64}\.log(?:\..*)?", path.name)
    if pod:
        return pod[1]
    name = COMPRESSED.sub("", path.name)
    for _ in range(3):
        name = ROTATED.sub("", name)
        name = re.sub(r"\.(?:log|txt|out|err|json|jsonl|ndjson)$", "", name, flags=re.I)
    return path.parent.name if not name or name.isdigit() else name


def labels_beside(path: Path) -> Path | None:
    """The label file for a log, if it exists: app_labels.csv(.gz, .xz) in the folder of app.log."""
    plain = COMPRESSED.sub("", path.name)
    for name in (plain, Path(plain).stem):
        for ending in ("", ".gz", ".xz", ".zst"):
            labels = path.with_name(f"{name}_labels.csv{ending}")
            if labels.is_file():
                return labels
    return None


def _in_folder(folder: Path) -> InputFiles:
    if (folder / PREPARED).is_file():
        shards = [shard for name in SHARDS for shard in sorted((folder / name).glob("*.parquet"))]
        if shards:
            return InputFiles(_listed(folder, shards), prepared=folder)
    labels = folder / "labels.csv" if (folder / SIMULATED).is_file() else None
    files: list[Path] = []
    skipped: list[Path] = []
    unread: list[Path] = []
    visited: set[Path] = set()  # links to folders may form a cycle
    for place, folders, names in os.walk(folder, onerror=_noted(folder, unread), followlinks=True):
        if Path(place) != folder and not WRITTEN.isdisjoint(names):  # a folder that LogRadar wrote contains no logs
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
            no_log = name in NO_LOGS or ending in NO_LOG_ENDINGS or NO_LOG_NAMES.fullmatch(name)
            (skipped if no_log else files).append(file)
    if not files and not any(_is_table(file) for file in skipped):
        why = f": its {len(skipped)} files are of other kinds" if skipped else ""
        raise InputError(f"The folder '{folder}' contains no log files{why}.")
    files, skipped = _with_tables(files, skipped)
    if not files:
        raise InputError(f"The folder '{folder}' contains no log files: its {len(skipped)} files are of other kinds.")
    files = in_order(files)
    if labels is None and len(files) == 1:
        labels = labels_beside(files[0])
    return InputFiles(
        files, labels=labels if labels and labels.is_file() else None, skipped=sorted(skipped), unread=unread
    )


def _is_table(file: Path) -> bool:
    return Path(COMPRESSED.sub("", file.name)).suffix.lower() in TABLES


def _with_tables(files: list[Path], skipped: list[Path]) -> tuple[list[Path], list[Path]]:
    """Tables that a source knows as logs are logs in a folder too, and what belongs to them is none."""
    kinds = [kind for kind in map(sources.load, sources.names()) if kind.beside]
    logs: dict[Path, type[Source]] = {}
    for file in skipped:
        if _is_table(file):
            try:
                lines = read_sample(file, HEAD, ROWS)
            except OSError:
                continue
            known = {kind: kind.recognises(file, lines) for kind in kinds}
            best = max(known, key=lambda kind: known[kind], default=None)
            if best is not None and known[best] > 0:
                logs[file] = best
    about = {path for file, kind in logs.items() for pattern in kind.beside for path in file.parent.glob(pattern)}
    return [file for file in [*files, *logs] if file not in about], [file for file in skipped if file not in logs]


def _listed(folder: Path, shards: list[Path]) -> list[Path]:
    """The files in the manifest of a prepared folder. Raises `InputError` if one is missing or was changed."""
    try:
        named = json.loads((folder / PREPARED).read_text())["shards"]
        wanted = {folder / shard["name"]: (shard["bytes"], shard["sha256"]) for shard in named}
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"'{folder / PREPARED}' is damaged; prepare the input again.") from None
    missing = sorted(set(wanted) - set(shards))
    if missing:
        raise InputError(f"'{missing[0]}' is missing, but '{folder}' needs it; prepare the input again.")
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # hashing 1 GB takes about a second
        for path, size_and_hash in zip(wanted, pool.map(_bytes_and_sum, wanted), strict=True):
            if size_and_hash != wanted[path]:
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


def _named(spec: str, data_dir: Path | None) -> InputFiles:
    known = _with_dataset()
    if spec not in known:
        raise InputError(f"'{spec}' is not a file, folder or data set{_nearest(spec, known)}")
    folder = data_folder(data_dir)
    if folder is None:
        raise InputError(f"The folder of data set '{spec}' is not known: give --data-dir FOLDER or set LOGRADAR_DATA.")
    dataset = known[spec].dataset(folder)
    if dataset is None:
        raise InputError(f"The data set '{spec}' is not in '{folder}'; give another folder with --data-dir.")
    missing = [file for file in dataset.files if not file.is_file()]
    if missing:
        raise InputError(f"The data set '{spec}' is not complete: '{missing[0]}' does not exist.")
    return InputFiles(list(dataset.files), dataset, dataset.labels, source=spec)


def _with_dataset() -> dict[str, type[Source]]:
    loaded = {name: sources.load(name) for name in sources.names()}
    return {name: kind for name, kind in loaded.items() if kind.dataset.__func__ is not Source.dataset.__func__}  # type: ignore[attr-defined]


def _nearest(spec: str, known: Sequence[str] | dict[str, type[Source]]) -> str:
    path = Path(spec)
    siblings = [str(other) for other in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(spec, [*known, *siblings], n=1, cutoff=0.75)
    if near:
        return f"; {did_you_mean(spec, near)}"
    return "." if len(path.parts) > 1 else f" (data sets: {', '.join(sorted(known)) or 'none'})."


def _spooled(stream: BinaryIO, name: str) -> InputFiles:
    """Copies a stream to disk, because inputs are read more than once and may be larger than memory."""
    if stream.isatty():
        raise InputError("'-' reads standard input, but nothing is piped into it; try `cat app.log | logradar … -`.")
    folder = Path(tempfile.mkdtemp(prefix="logradar-stdin-"))
    file = folder / "stdin"
    files = InputFiles([file], names={file: name})
    files.close = weakref.finalize(files, shutil.rmtree, folder, True)
    try:
        with file.open("wb") as spool:
            shutil.copyfileobj(stream, spool, PIECE)
    except OSError as error:
        files.close()
        raise InputError(f"The piped input cannot be stored in '{folder.parent}': {error.strerror}.") from None
    return files


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") and part not in (".", "..") for part in path.parts)


def _sort_key(
    path: Path, plain: Set[Path]
) -> tuple[date, list[tuple[int, int, str]], list[tuple[int, int, str]], int, str]:
    name = COMPRESSED.sub("", path.name)
    number = re.search(r"\.(\d{1,3})$", name)
    base = name[: number.start()] if number else name
    inside = re.search(r"[.-](\d{1,3})(?=\.[A-Za-z]+$)", name)
    if inside and path.with_name(name[: inside.start()] + name[inside.end() :]) in plain:
        number, base = inside, name[: inside.start()] + name[inside.end() :]
    rotation = -int(number[1]) if number else 1
    return date_in(path.name) or date.max, _natural(str(path.parent)), _natural(base), rotation, path.name


def _natural(text: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", text) if part]
