"""Lines that are JSON objects: finds time, level, service, component and message under their common names.

Values are read column by column. If all lines of a block are valid, one pass of a fast parser is enough. Otherwise
each value is read by its JSON path, so that a damaged line does not affect others: it is kept as text and reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any, Final

import orjson
import polars as pl

from logradar.sources.opening import levels

Keys = tuple[str, ...]  # the path to a value: the key, the key inside its object, …
EXAMPLES: Final = 200
NAMES: Final = {  # ECS, OpenTelemetry, bunyan, pino, zap, logrus, GELF, Serilog, journald, Python and Java encoders
    "timestamp": "@timestamp timestamp time ts datetime asctime date eventTime event_time log_time logged_at "
    "__REALTIME_TIMESTAMP timeUnixNano TimeUnixNano Timestamp @t t instant when",
    "level": "level severity severity_text severityText SeverityText levelname log.level loglevel log_level lvl "
    "level_name Level @l PRIORITY severity_number severityNumber SeverityNumber levelno",
    "service": "service.name service serviceName service_name app.name app application appname app_name "
    "resource.service.name resource.attributes.service.name kubernetes.container_name container_name SYSLOG_IDENTIFIER",
    "component": "logger logger_name loggerName log.logger component name module caller class category target "
    "SourceContext _SYSTEMD_UNIT",
    "body": "message msg body.stringValue body.string_value body event short_message textPayload MESSAGE Message "
    "Body @m @mt log text description error",
    "trace": "stack_trace stacktrace exception exc_info stack error.stack_trace error.stack err.stack @x",
}
NUMBERS: Final = {
    "PRIORITY": levels.SYSLOG,
    "levelno": levels.PYTHON,
    "severity_number": levels.OTEL,
    "severityNumber": levels.OTEL,
    "SeverityNumber": levels.OTEL,
}
LOOKS_LIKE: Final = r"^\s*\{.*\}\s*$"
BEGINS_LIKE: Final = r"^\s*\{\s*\x22"


def paths_in(texts: Iterable[str]) -> dict[str, list[Keys]]:
    """For every field the paths that have a value in these lines, best first."""
    objects = []
    for text in texts:
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            continue
        if isinstance(value, dict):
            objects.append(value)
    paths = {
        field: [keys for keys in ways if any(_usable(_fetch(value, keys), field) for value in objects)]
        for field, ways in all_paths().items()
    }
    if ("short_message",) in paths["body"]:  # GELF: `message` may have another meaning
        paths["body"] = [("short_message",), *paths["body"]]
    return paths


def all_paths() -> dict[str, list[Keys]]:
    """All known paths, for lines without a value at the paths of the first lines."""
    return {
        field: list(dict.fromkeys(keys for name in names.split() for keys in ((name,), tuple(name.split(".")))))
        for field, names in NAMES.items()
    }


def fields(text: pl.Series, paths: dict[str, list[Keys]]) -> pl.DataFrame:
    """Columns ``timestamp`` (text), ``level`` (SeverityNumber), ``service``, ``component``, ``body``, ``trace``.

    All values of a row are null if the line is not a JSON object.
    """
    fetched = values(text, [keys for ways in paths.values() for keys in ways])
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, len(text))
    columns = {}
    for field, ways in paths.items():
        columns_by_path = [fetched[keys] for keys in ways]
        if field == "level":
            gelf = ("short_message",) in paths["body"]
            numbers = [levels.SYSLOG if gelf else NUMBERS.get(keys[-1], levels.TENS) for keys in ways]
            pairs = zip(columns_by_path, numbers, strict=True)
            columns_by_path = [levels.levels(words, known) for words, known in pairs]
        filled = reduce(lambda first, then: first.fill_null(then), columns_by_path) if columns_by_path else nothing
        columns[field] = filled
    return pl.DataFrame(columns).with_columns(pl.col("level").cast(pl.Int8)).select(list(NAMES))


def values(text: pl.Series, paths: Sequence[Keys]) -> dict[Keys, pl.Series]:
    """The values at these paths as text (objects as JSON); null if there is none or the line is not a JSON object."""
    paths = list(dict.fromkeys(paths))
    schema = _schema(paths)
    if schema and paths:
        whole = pl.select(pl.when(text.str.contains(LOOKS_LIKE)).then(text)).to_series()
        try:
            parsed = whole.str.json_decode(schema)
        except pl.exceptions.ComputeError:  # a damaged line, or an object where text was expected
            pass
        else:
            return {keys: reduce(lambda column, key: column.struct.field(key), keys, parsed) for keys in paths}
    return {keys: text.str.json_path_match("$" + "".join(f"['{key}']" for key in keys)) for keys in paths}


def broken(text: pl.Series) -> pl.Series:
    """Which lines begin like a JSON object but are not one (truncated, or not escaped)."""
    return text.str.contains(BEGINS_LIKE) & text.str.json_path_match("$").is_null()


def _schema(paths: Sequence[Keys]) -> pl.Struct | None:
    """The type of an object with text at all these paths; None if one path is inside another."""
    tree: dict[str, Any] = {}
    for keys in sorted(paths, key=len):
        below = tree
        for key in keys[:-1]:
            below = below.setdefault(key, {})
            if below is None:
                return None
        below[keys[-1]] = None

    def kind(node: dict[str, Any] | None) -> pl.DataType | type[pl.DataType]:
        return pl.String if node is None else pl.Struct({key: kind(below) for key, below in node.items()})

    whole = kind(tree)
    return whole if isinstance(whole, pl.Struct) else None


def _fetch(value: Any, keys: Keys) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _usable(value: Any, field: str) -> bool:
    if isinstance(value, bool) or value is None or value == "":
        return False
    return isinstance(value, (str, int, float)) or (field in ("body", "trace") and isinstance(value, dict | list))
