"""Lines that are JSON objects: time, level, service, component and message under their usual names.

Each value is fetched by a JSON path over the whole column, so that a damaged line harms
nobody else: it stays as text and is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any, Final

import orjson
import polars as pl

from logradar.sources.inputs import levels

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


def paths_in(texts: Iterable[str]) -> dict[str, list[str]]:
    """For every field the JSON paths under which it is found in these lines, the best first."""
    objects = []
    for text in texts:
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            continue
        if isinstance(value, dict):
            objects.append(value)
    gelf = any("short_message" in value for value in objects)
    found: dict[str, list[str]] = {}
    for field, names in NAMES.items():
        found[field] = []
        for name in names.split():
            for path, keys in ((_path(name), [name]), (_path(*name.split(".")), name.split("."))):
                usable = any(_usable(_fetch(value, keys), field) for value in objects)
                if usable and path not in found[field]:
                    found[field].append(path)
    if gelf:  # its level is syslog's, and `message` may be there with another meaning
        found["body"] = [_path("short_message"), *found["body"]]
    return found


def all_paths() -> dict[str, list[str]]:
    """Every path that is known, for lines in which the usual ones are missing."""
    return {
        field: list(dict.fromkeys(p for n in names.split() for p in (_path(n), _path(*n.split(".")))))
        for field, names in NAMES.items()
    }


def fields(text: pl.Series, paths: dict[str, list[str]]) -> pl.DataFrame:
    """Columns ``timestamp`` (text), ``level`` (SeverityNumber), ``service``, ``component``, ``body``, ``trace``.

    A row is all null where the line is no JSON object.
    """
    frame = pl.DataFrame({"text": text})

    def of(field: str) -> pl.Expr:
        found = [pl.col("text").str.json_path_match(path) for path in paths[field]]
        return (pl.coalesce(found) if found else pl.lit(None, pl.String)).alias(field)

    columns = frame.select(of(field) for field in NAMES if field != "level")
    return columns.with_columns(_levels(frame["text"], paths["level"], paths["body"])).select(list(NAMES))


def broken(text: pl.Series) -> pl.Series:
    """Which lines begin like a JSON object and are none (cut, or not escaped)."""
    return text.str.contains(BEGINS_LIKE) & text.str.json_path_match("$").is_null()


def _levels(text: pl.Series, paths: Sequence[str], body: Sequence[str]) -> pl.Series:
    gelf = _path("short_message") in body
    found = []
    for path in paths:
        numbers = levels.SYSLOG if gelf else NUMBERS.get(path.rpartition("['")[2].rstrip("]'"), levels.TENS)
        found.append(levels.levels(text.str.json_path_match(path), numbers))
    if not found:
        return pl.Series("level", [None], pl.Int8).new_from_index(0, len(text))
    return reduce(lambda a, b: a.fill_null(b), found).alias("level")


def _path(*keys: str) -> str:
    return "$" + "".join(f"['{key}']" for key in keys)


def _fetch(value: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _usable(value: Any, field: str) -> bool:
    if isinstance(value, bool) or value is None or value == "":
        return False
    return isinstance(value, (str, int, float)) or (field in ("body", "trace") and isinstance(value, dict | list))
