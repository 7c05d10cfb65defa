"""Validate: what an input contains and what is wrong with it, before a training."""

from __future__ import annotations

import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from logradar import __version__
from logradar.core.errors import DataError
from logradar.core.filenames import readable
from logradar.core.outputs import PAGES, require_apart, require_output
from logradar.core.progress import say
from logradar.core.quarantine import Quarantine
from logradar.model.settings import RunSettings
from logradar.pipeline.inventory.cases import Guarded, in_order, kinds_of
from logradar.pipeline.inventory.days import DayFile, day_files, inventory_of_days, inventory_of_prepared
from logradar.pipeline.inventory.records import inventory_of_records
from logradar.sources.opening.files import InputFiles, find
from logradar.sources.opening.foreign import without_foreign
from logradar.sources.opening.labels import Labels, labels_for
from logradar.sources.opening.recognising import recognise
from logradar.sources.opening.selection import select
from logradar.sources.prepared_days import PreparedDays
from logradar.sources.radar_json import RadarJson
from logradar.storage.records import Collect, read_by_one_machine, reading
from logradar.storage.shards_writer import QUARANTINE


def validate(
    spec: str, settings: RunSettings, *, output: Path | None = None, collecting: Collect | None = None
) -> dict[str, Any]:
    """Counts, times, levels, services, session lengths, templates and faults of INPUT ``spec``.

    RADAR's day files are counted without parsing, in constant memory; every other log is read into a
    corpus and its templates are mined. Where ``output`` is a folder, all bad input is written there to
    ``quarantine.jsonl``. docs/reference-json.md describes the document. ``collecting`` is another way to read records
    than `logradar.storage.records.collect`.
    """
    began = time.monotonic()
    require_output(output, pages=PAGES)
    files = find(spec, settings.input.data_dir)
    try:
        labels = [path for path in (settings.input.labels, files.labels) if path is not None]
        require_apart([output], [*(file for file in files.files if file not in files.names), *labels])
        folder = _output_folder(output)
        facts = _inventory(spec, files, settings, folder, collecting)
    finally:
        files.close()
    facts |= {
        "input": readable(spec),
        "version": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - began, 2),
    }
    return facts


def strictly(facts: dict[str, Any]) -> None:
    """Raise `DataError` when an inventory has faults."""
    count = sum(kind["count"] for kind in facts["fault_kinds"])
    if count:
        many = "1 fault" if count == 1 else f"{count:,} faults"
        raise DataError(f"{many} in '{facts['input']}'; for example: {facts['fault_kinds'][0]['reason']}.")


def is_page(output: Path) -> bool:
    """Whether ``-o`` names a page rather than a folder."""
    return output.suffix.lower() in PAGES


def _output_folder(output: Path | None) -> Path | None:
    """The folder for the results, if ``output`` is one, without what an earlier run left there."""
    if output is None or is_page(output):
        return None
    output.mkdir(parents=True, exist_ok=True)
    (output / QUARANTINE).unlink(missing_ok=True)
    return output


def _inventory(
    spec: str, found: InputFiles, settings: RunSettings, folder: Path | None, collecting: Collect | None
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="logradar-") as scratch:
        quarantine = Guarded((folder or Path(scratch)) / QUARANTINE)
        input_ = settings.input
        days, foreign = without_foreign(found, quarantine)
        chosen, left_out = select(spec, days, input_.limit_files, input_.since, input_.until)
        parts = recognise(spec, chosen, settings.input.source, quarantine)
        if settings.input.session_key is None and all(part.kind is RadarJson for part in parts):
            for sentence in filter(None, (foreign, left_out)):
                say(sentence)
            read_by_one_machine(collecting)
            files = day_files([file for part in parts for file in part.files], found.names)
            return _of_days(spec, chosen, files, settings, quarantine)
        if settings.input.session_key is None and all(part.kind is PreparedDays for part in parts):
            shards = [file for part in parts for file in part.files]
            facts = inventory_of_prepared(shards, _labels(found, settings), use_labels=settings.input.use_labels)
            return {"input": spec, "source": "prepared_days", **facts, "session_key": None}
        return _of_records(spec, found, settings, Path(scratch) / "corpus", folder, collecting)


def _of_days(
    spec: str, found: InputFiles, files: list[DayFile], settings: RunSettings, quarantine: Quarantine
) -> dict[str, Any]:
    assert quarantine.path is not None
    unreadable = kinds_of(quarantine.reasons, quarantine.path, {})  # files that cannot be read at all
    facts = inventory_of_days(files, quarantine, _labels(found, settings))
    facts["fault_kinds"] = in_order([*facts["fault_kinds"], *unreadable])
    facts["faults"] = {kind["reason"]: kind["count"] for kind in facts["fault_kinds"]}
    count = sum(kind["count"] for kind in unreadable)
    facts["quarantined"] += count
    facts["lost"] += count
    return {"input": spec, "source": "radar_json", **facts, "session_key": None}


def _labels(found: InputFiles, settings: RunSettings) -> Labels | None:
    labels, sentence = labels_for(settings.input.labels, found.labels, settings.input.use_labels)
    if sentence:
        say(sentence)
    return labels


def _of_records(
    spec: str,
    found: InputFiles,
    settings: RunSettings,
    scratch: Path,
    folder: Path | None,
    collecting: Collect | None,
) -> dict[str, Any]:
    spooled = {str(file): name for file, name in found.names.items()}  # files written from stdin, with their names
    with reading(next(iter(spooled), spec), settings.input, scratch, collecting=collecting) as corpus:
        facts = inventory_of_records(corpus, settings, scratch)
        bad = scratch / QUARANTINE
        facts["fault_kinds"] = kinds_of(corpus.reasons, bad, spooled)
        facts["files"] = {spooled.get(name, name): count for name, count in facts["files"].items()}
        facts["bytes"] = found.size
        if folder and bad.is_file():
            shutil.copyfile(bad, folder / QUARANTINE)
        facts["lost"] = sum(kind["count"] for kind in facts["fault_kinds"] if not kind["kept"])
        source, key = corpus.source, corpus.input.session_key
    return {"input": spec, "source": source, **facts, "session_key": key}
