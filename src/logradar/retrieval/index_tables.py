"""Index tables: what a code index keeps, one Arrow schema each. Lines count from 1; row numbers from 0."""

from __future__ import annotations

from typing import Final

import pyarrow as pa


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


FILES: Final = pa.schema(
    [
        _required("path", pa.string()),  # relative to the indexed folder, with slashes
        _required("language", pa.string()),
        _required("digest", pa.string()),  # of the bytes, by which a file that did not change is recognised
        _required("lines", pa.int64()),
        _required("broken", pa.bool_()),  # it has parts that the grammar does not understand
        _required("text", pa.large_string()),
    ]
)
FUNCTIONS: Final = pa.schema(
    [
        _required("file", pa.int32()),  # row of FILES
        _required("kind", pa.string()),  # function or class
        _required("name", pa.string()),  # with the class around it: Client.call
        _required("line", pa.int64()),
        _required("end_line", pa.int64()),
    ]
)
STATEMENTS: Final = pa.schema(
    [
        _required("file", pa.int32()),
        _required("first_line", pa.int64()),
        _required("line", pa.int64()),  # where the name of the log call is
        _required("last_line", pa.int64()),
        pa.field("level", pa.int8()),
        _required("logger", pa.string()),
        _required("pattern", pa.string()),  # holes are control characters, see `logradar.retrieval.patterns`
        _required("function", pa.int32()),  # row of FUNCTIONS, -1 outside of all
        _required("plain", pa.bool_()),  # it prints to a stream
    ]
)
CALLS: Final = pa.schema(
    [
        _required("name", pa.string()),  # of what is called, without what it is called on
        _required("file", pa.int32()),
        _required("line", pa.int64()),
        _required("function", pa.int32()),
    ]
)
WRAPPERS: Final = pa.schema(
    [
        _required("file", pa.int32()),
        _required("language", pa.string()),
        _required("name", pa.string()),
        pa.field("level", pa.int8()),
    ]
)
COMMITS: Final = pa.schema(
    [
        _required("commit", pa.string()),
        _required("date", pa.string()),  # ISO 8601, of the author
        _required("subject", pa.string()),
        _required("path", pa.string()),
    ]
)
TABLES: Final = {
    "files": FILES,
    "functions": FUNCTIONS,
    "statements": STATEMENTS,
    "calls": CALLS,
    "wrappers": WRAPPERS,
    "commits": COMMITS,
}
