"""Prepare: write an input as records, templates and sessions in Parquet, with a manifest."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from logradar import __version__
from logradar.core.errors import ConfigError, InputError
from logradar.core.files import sha256_of, write_whole
from logradar.core.memory import peak_mb
from logradar.core.outputs import require_outside
from logradar.core.session_set import SessionSet
from logradar.core.tables import SESSIONS
from logradar.evaluation.splits import LISTS
from logradar.model.settings import RunSettings
from logradar.parsing.given_templates import GivenTemplates
from logradar.parsing.templates import TemplateMiner
from logradar.pipeline.preparation.file_lists import require_files, write_day_lists, write_log_lists
from logradar.pipeline.preparation.write_day_files import write_days
from logradar.sources.opening.opening import Opened
from logradar.storage.filling import fill, learn_templates
from logradar.storage.grouping import group
from logradar.storage.records import Collect, Corpus, collect, collect_days, opening, read_by_one_machine
from logradar.storage.shards_writer import READING, Store

MANIFEST: Final = "prepared.json"
TABLES: Final = ("templates.parquet", "sessions.parquet")


Prepare = Callable[[str, Path, RunSettings], dict[str, Any]]


def write_as(name: str) -> Prepare:
    """The function that writes an input in the format ``name``: ``parquet`` or ``radar-json``."""
    known: dict[str, Prepare] = {"parquet": prepare, "radar-json": write_days}
    if name not in known:
        raise ConfigError(
            f"'{name}' is not a format that prepare can write (parquet, radar-json); the format of the input's lines "
            "is set with --input-format."
        )
    return known[name]


def prepare(spec: str, folder: Path, settings: RunSettings, *, collecting: Collect | None = None) -> dict[str, Any]:
    """Write INPUT ``spec`` to ``folder`` and return the figures of ``prepare --json``.

    Logs become ``records/*.parquet`` (LOG_RECORDS) and ``sessions.parquet`` (SESSIONS); day files
    become ``days/*.parquet`` (DATED_SESSIONS) with the event ids that they have. The folder also gets
    ``templates.parquet`` (TEMPLATES of the whole input) and ``prepared.json``, the manifest with the
    SHA-256 of every input and every shard. The folder can be used as INPUT; `train` mines templates
    again, on its training part only. Units of the same input that an earlier run has finished are not read
    again, even if that run was interrupted. With ``split.by=files`` the files of each part are written to
    ``split.json``, as `train` would divide them; `ConfigError` for another split that was set. ``collecting`` is
    another way to read than `logradar.storage.records.collect`.
    """
    began = time.monotonic()
    require_files(settings.split)
    require_outside(folder)
    ours = any((folder / name).is_file() for name in (MANIFEST, READING))
    if folder.exists() and any(folder.iterdir()) and not ours:
        raise InputError(f"'{folder}' contains other files; choose a new folder for the prepared data.")
    (folder / MANIFEST).unlink(missing_ok=True)  # a folder without it is not a prepared one
    with opening(spec, settings.input, folder) as (opened, home):
        for name in (*TABLES, LISTS):
            (home / name).unlink(missing_ok=True)
        days = opened.has_sessions and settings.events == "given"
        if days:
            read_by_one_machine(collecting)
            store, figures = _days(opened, home, settings)
        else:
            store, figures = _records(opened, home, settings, collecting or collect)
        source, resolved = opened.source, opened.settings
    facts = {
        "logradar": __version__,
        "input": spec,
        "source": source,
        **figures,
        "seconds": round(time.monotonic() - began, 2),
        "peak_rss_mb": round(peak_mb(), 1),
    }
    manifest = {
        **facts,
        "settings": settings.model_copy(update={"input": resolved}).model_dump(mode="json"),
        "inputs": [{**file, "unit": unit} for unit, note in enumerate(store.notes) for file in note.files],
        "units": [
            {"sessions" if days else "records": note.rows, "events": note.events, "quarantined": note.reasons}
            for note in store.notes
        ],
        "shards": [vars(shard) for note in store.notes for shard in note.shards],
        "sha256": _digest(store, folder),
    }
    write_whole(folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")
    kept = ("records", "templates", "sessions", "quarantined", "split", "seconds", "peak_rss_mb")
    return {**{name: facts[name] for name in kept if name in facts}, "mb_per_s": _rate(store, facts["seconds"])}


def _records(opened: Opened, home: Path, settings: RunSettings, collecting: Collect) -> tuple[Store, dict[str, Any]]:
    corpus = collecting(opened, home)
    miner = TemplateMiner(settings.parsing)
    with pq.ParquetWriter(home / TABLES[1], SESSIONS) as writer, tempfile.TemporaryDirectory(dir=home) as scratch:
        sessions = 0
        grouped = group(corpus, settings.sessions, Path(scratch))
        by_files = settings.split.by == "files"
        lists = write_log_lists(corpus, grouped, settings.split, home) if by_files else {}
        for table in _sessions(corpus, grouped, miner, Path(scratch)):
            writer.write_table(table)
            sessions += table.num_rows
    templates = miner.templates()
    pq.write_table(templates, home / TABLES[0])
    return corpus.store, {
        "records": corpus.records,
        "templates": templates.num_rows,
        "sessions": sessions,
        "quarantined": corpus.quarantined,
        **({"split": lists} if lists else {}),
    }


def _sessions(corpus: Corpus, grouped: SessionSet, miner: TemplateMiner, scratch: Path) -> Iterator[pa.Table]:
    learn_templates(corpus, miner, [grouped], scratch)
    yield from fill(corpus, miner, grouped, scratch).tables()


def _days(opened: Opened, home: Path, settings: RunSettings) -> tuple[Store, dict[str, Any]]:
    store, lines, reasons = collect_days(opened, home)
    templates = GivenTemplates.learn(lines.counts, lines.lines).templates()
    pq.write_table(templates, home / TABLES[0])
    figures = {
        "records": store.events,
        "templates": templates.num_rows,
        "sessions": store.rows,
        "quarantined": sum(reasons.values()),
    }
    if settings.split.by == "files":
        figures["split"] = write_day_lists(store.shards, settings.split, home)
    return store, figures


def _digest(store: Store, folder: Path) -> str:
    """One hash of everything that was written; equal for equal inputs, even if the run was interrupted."""
    digest = hashlib.sha256()
    for note in store.notes:
        for shard in note.shards:
            digest.update(f"{shard.name} {shard.sha256}\n".encode())
    for name in TABLES:
        if (folder / name).is_file():
            digest.update(f"{name} {sha256_of(folder / name)}\n".encode())
    return digest.hexdigest()


def _rate(store: Store, seconds: float) -> float:
    size = sum(max(0, file["bytes"]) for note in store.notes for file in note.files)
    return round((size - store.spared) / 1e6 / max(seconds, 1e-3), 1)
