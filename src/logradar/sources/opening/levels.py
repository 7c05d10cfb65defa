"""Translates the level words and numbers of all kinds of logs to OpenTelemetry SeverityNumbers (1 to 24).

OpenTelemetry Logs Data Model, "SeverityNumber" and its appendix "Example Mappings".
"""

from __future__ import annotations

from typing import Final

import polars as pl

_WORDS: Final = {
    1: "TRACE TRC TRCE FINEST VERBOSE VRB VERB V ALL",
    3: "FINER",
    5: "DEBUG DBG DBUG DEB FINE D DEBUG1 DEBUG2 DEBUG3 DEBUG4 DEBUG5",
    6: "CONFIG",
    9: "INFO INFORMATION INFORMATIONAL INF I LOG SYSTEM SUCCESS OK AUDIT STATEMENT DETAIL HINT",
    10: "NOTICE NOTE",
    13: "WARN WARNING WRN W",
    17: "ERROR ERR E EROR SEVERE FAIL FAILURE FAILED",
    18: "CRIT",
    19: "ALERT",
    21: "FATAL FTL F CRITICAL C EMERG EMERGENCY PANIC A ASSERT DPANIC",
}
WORDS: Final = {word: number for number, words in _WORDS.items() for word in words.split()}
SYSLOG: Final = {"0": 21, "1": 19, "2": 18, "3": 17, "4": 13, "5": 10, "6": 9, "7": 5}  # RFC 5424, table 2
TENS: Final = {"10": 1, "20": 5, "30": 9, "40": 13, "50": 17, "60": 21}  # bunyan and pino
PYTHON: Final = {"10": 5, "20": 9, "30": 13, "40": 17, "50": 21}  # logging.LogRecord.levelno
OTEL: Final = {str(number): number for number in range(1, 25)}
SIGNS: Final = {".": 5, "-": 9, "*": 10, "#": 13}  # Redis


def levels(text: pl.Series, numbers: dict[str, int] = TENS) -> pl.Series:
    """SeverityNumbers (int8, null if unknown) of level words; ``numbers`` translates levels that are numbers."""
    words = text.unique().drop_nulls()
    known = {}
    for word in words.to_list():
        plain = word.strip().strip("[]<>():").upper()
        number = WORDS.get(plain) or numbers.get(plain) or SIGNS.get(plain)
        if number:
            known[word] = number
    if not known:
        return pl.Series(text.name, [None], pl.Int8).new_from_index(0, len(text))
    return text.replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.Int8)


def from_priority(text: pl.Series) -> pl.Series:
    """Levels of syslog priorities (facility times 8 plus severity, RFC 5424 section 6.2.1)."""
    severity = text.cast(pl.Int16, strict=False) % 8
    return levels(severity.cast(pl.String), SYSLOG)
