"""Lines of ``key=value`` pairs in any order (logfmt): time, level and component are taken out of the message."""

from __future__ import annotations

from typing import Final

import polars as pl

_QUOTED: Final = r"\x22(?:[^\x22\\]|\\.)*\x22"
_BEFORE: Final = rf"(?:[^\s=\x22]+(?:=(?:{_QUOTED}|[^\s\x22]*))? +)*?"  # pairs and words, quoted values as wholes
# The keys of each field, the one that says most first.
KEYS: Final = {
    "timestamp": ("time", "ts", "timestamp", "t", "@timestamp", "datetime"),
    "level": ("level", "lvl", "severity", "loglevel"),
    "component": ("component", "logger", "module", "subsys", "source", "caller"),
    "service": ("service", "app", "service.name"),
}
TAKEN: Final = ("timestamp", "level", "component")  # these leave the message


def pairs(text: pl.Series) -> pl.DataFrame:
    """Columns ``timestamp``, ``level`` (a word), ``component``, ``service`` and ``body`` of lines of pairs.

    A field is null where the line has none of its keys. The component is a file name without the line number.
    """
    body, columns = text, {}
    for field, keys in KEYS.items():
        found = pl.Series(field, [None], pl.String).new_from_index(0, len(text))
        for key in keys:
            missing = found.is_null() & text.str.contains(f"{key}=", literal=True)
            if not missing.any():
                continue
            value = text.str.extract_groups(
                rf"^{_BEFORE}{key}=(?:\x22(?P<quoted>(?:[^\x22\\]|\\.)*)\x22|(?P<plain>[^\s\x22]+))"
            )
            here = value.struct.unnest().select(pl.coalesce("quoted", "plain")).to_series()
            here = here.set(~missing, None)
            if field in TAKEN:
                without = body.str.replace(rf"^({_BEFORE}){key}=(?:{_QUOTED}|[^\s\x22]*)(?: +|$)", "${1}")
                body = pl.select(pl.when(here.is_not_null()).then(without).otherwise(body)).to_series()
            found = found.fill_null(here)
        columns[field] = found
    columns["component"] = columns["component"].str.replace(r":[0-9]+$", "")
    return pl.DataFrame({**columns, "body": body.str.strip_chars_end()})
