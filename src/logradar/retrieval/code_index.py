"""Code index: the log statements, functions, calls and texts of a folder of source code, in a folder of their own.

It is written and verified as a bundle is (checksums, nothing that can run). Files that did not change since the index
before are taken from it; whether they changed is decided by their bytes, so a dirty checkout is indexed as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from logradar import __version__
from logradar.core.bundle import MANIFEST, verify, writing
from logradar.core.columns import Columns
from logradar.core.errors import BundleError, InputError
from logradar.core.tables import faults
from logradar.retrieval.index_tables import TABLES

KIND: Final = "code index"
VERSION: Final = 1
_AGAIN: Final = "Make it again: logradar code index REPO -o INDEX."


@dataclass(frozen=True)
class CodeIndex:
    """The tables of `logradar.retrieval.index_tables`, and what the manifest says: ``commit`` None outside of git."""

    tables: dict[str, pa.Table]
    facts: dict[str, Any]

    @property
    def commit(self) -> str | None:
        """The commit that was checked out when the code was indexed."""
        return self.facts.get("commit")

    @property
    def repository(self) -> Path | None:
        """The folder that was indexed, where it is still there."""
        folder = Path(str(self.facts.get("repository", "")))
        return folder if self.facts.get("repository") and folder.is_dir() else None

    @cached_property
    def paths(self) -> list[str]:
        """The paths of the files, by row."""
        found: list[str] = self.tables["files"]["path"].to_pylist()
        return found

    @cached_property
    def functions(self) -> list[dict[str, Any]]:
        """The functions and classes as rows."""
        found: list[dict[str, Any]] = self.tables["functions"].to_pylist()
        return found

    @cached_property
    def _functions_of(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for row, one in enumerate(self.functions):
            found.setdefault(one["file"], []).append(row)
        return found

    def functions_of(self, file: int) -> list[int]:
        """The rows of the functions and classes of a file."""
        return self._functions_of.get(file, [])

    @cached_property
    def file_of(self) -> dict[str, int]:
        """The row of each path."""
        return {path: row for row, path in enumerate(self.paths)}

    def lines_of(self, file: int) -> list[str]:
        """The lines of a file, as they were indexed."""
        text: str = self.tables["files"]["text"][file].as_py()
        return text.split("\n")

    def line(self, file: int, number: int) -> str:
        """One line of a file, without blanks at its ends; empty outside of the file."""
        lines = self.lines_of(file)
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""

    def figures(self) -> dict[str, Any]:
        """Counts for people."""
        files = self.tables["files"]
        kinds = Counter(self.tables["functions"]["kind"].to_pylist())
        return {
            "files": files.num_rows,
            "lines": sum(files["lines"].to_pylist()),
            "languages": dict(Counter(files["language"].to_pylist()).most_common()),
            "broken_files": sum(files["broken"].to_pylist()),
            "statements": self.tables["statements"].num_rows,
            "functions": kinds["function"],
            "classes": kinds["class"],
            "calls": self.tables["calls"].num_rows,
            "wrappers": self.tables["wrappers"].num_rows,
        }

    def save(self, folder: Path) -> None:
        """Write the index; an index that is there is replaced. Raises `InputError` where anything else is."""
        if (folder / MANIFEST).is_file() and not is_index(folder):
            raise InputError(f"'{folder}' holds a bundle and no code index; name another folder for the index.")
        try:
            with writing(folder, {"kind": KIND, "version": VERSION, "logradar": __version__, **self.facts}) as draft:
                for name, table in self.tables.items():
                    pq.write_table(table, draft / f"{name}.parquet", compression="zstd", row_group_size=1 << 16)
        except BundleError as error:
            raise InputError(str(error).replace("a bundle", "a code index")) from None

    @classmethod
    def load(cls, folder: Path) -> CodeIndex:
        """Read an index. Raises `InputError` where the folder holds none, or it was changed."""
        if not (folder / MANIFEST).is_file():
            raise InputError(f"'{folder}' is no code index. {_AGAIN}")
        try:
            manifest = verify(folder)
        except BundleError as error:
            raise InputError(f"The code index '{folder}' cannot be used. {error} {_AGAIN}") from None
        if manifest.get("kind") != KIND:
            raise InputError(f"'{folder}' is a bundle and no code index. {_AGAIN}")
        if manifest.get("version") != VERSION:
            raise InputError(f"The code index '{folder}' is of another version of LogRadar. {_AGAIN}")
        try:
            tables = {name: _table(folder / f"{name}.parquet", schema) for name, schema in TABLES.items()}
            _require_rows(tables)
        except (ValueError, OSError, pa.ArrowException) as error:
            raise InputError(f"The code index '{folder}' cannot be read: {error}. {_AGAIN}") from None
        facts = {name: value for name, value in manifest.items() if name not in ("kind", "version", "format", "files")}
        return cls(tables, facts)


def is_index(folder: Path) -> bool:
    """Whether a folder holds a code index, whatever its state."""
    try:
        return b'"kind": "code index"' in (folder / MANIFEST).read_bytes()[:4_096]
    except OSError:
        return False


def _table(path: Path, schema: pa.Schema) -> pa.Table:
    table = Columns(path).table.cast(schema)
    table.validate(full=True)
    if wrong := faults(table, schema):
        raise ValueError(f"{path.name}: {wrong[0]}")
    return table


def _require_rows(tables: dict[str, pa.Table]) -> None:
    """Numbers of rows in other tables must be those of rows that exist."""
    limits: Sequence[tuple[str, str, str, int]] = [
        *((name, "file", "files", 0) for name in ("functions", "statements", "calls", "wrappers")),
        *((name, "function", "functions", -1) for name in ("statements", "calls")),
    ]
    for name, column, other, least in limits:
        values = tables[name][column].to_numpy()
        if len(values) and (values.min() < least or values.max() >= tables[other].num_rows):
            raise ValueError(f"{name}.parquet: column '{column}' names a row that does not exist")
