"""File lists of a prepared folder: which files are for training, validation and test, where a config says so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow.compute as pc
import pyarrow.parquet as pq

from logradar.core.errors import ConfigError
from logradar.core.session_set import SessionSet, SessionTable
from logradar.core.shards import Shards
from logradar.evaluation.splits import SplitSettings, by_file, write_lists
from logradar.pipeline.training_data.sessions import cut, parts_of, short_names
from logradar.sources.radar.dated import runs
from logradar.storage.records import Corpus

_USED: Final = frozenset(("by", "test", "valid", "shuffle", "seed"))  # settings of a split that decide about files


def require_files(split: SplitSettings, files: bool = True) -> None:
    """`ConfigError` for a split that was set and that `prepare` cannot make: one of sessions, which `train` makes.

    ``files`` says whether the output can hold lists of files.
    """
    chosen = split.model_fields_set
    if not chosen:
        return
    unused = sorted(chosen - _USED) if split.by == "files" and files else sorted(chosen)
    if unused:
        names = ", ".join(f"split.{name}" for name in unused)
        raise ConfigError(
            f"'prepare' does not use {names}: it writes all sessions, and `logradar train` divides them; give it to "
            "`train`. With split.by=files, and Parquet as output, it writes the files of each part to split.json."
        )


def write_day_lists(shards: Sequence[Path], split: SplitSettings, folder: Path) -> dict[str, Any]:
    """Divide the files of DATED_SESSIONS as `train` would, write ``split.json`` to ``folder``, and return figures."""
    counts: dict[str, int] = {}
    for shard in shards:
        with pq.ParquetFile(shard) as file:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns=["source", "event_sequence"])
                for part in runs(table.filter(pc.greater(pc.list_value_length(table["event_sequence"]), 0)), "source"):
                    name = part["source"][0].as_py()
                    counts[name] = counts.get(name, 0) + part.num_rows
    parts = by_file(short_names(list(counts)), list(counts.values()), split)
    write_lists(folder, parts)
    return parts.facts()


def write_log_lists(corpus: Corpus, sessions: SessionSet, split: SplitSettings, folder: Path) -> dict[str, Any]:
    """Divide the files of a log, each session by the file of its first record; else as `write_day_lists`.

    Raises `DataError` for sessions that do not fit in memory. Of a single file there is nothing to divide.
    """
    if isinstance(sessions, Shards):
        cut(sessions, split)  # says what to do instead
        return {}
    assert isinstance(sessions, SessionTable)
    _, files = parts_of(corpus, sessions.table, split)
    if files is None:
        return {}
    write_lists(folder, files)
    return files.facts()
