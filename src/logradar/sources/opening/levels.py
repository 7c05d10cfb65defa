"""Translates the level words and numbers of all kinds of logs to OpenTelemetry SeverityNumbers (1 to 24).

OpenTelemetry Logs Data Model, "SeverityNumber" and its appendix "Example Mappings".
"""

from __future__ import annotations

from typing import Final

import polars as pl

from logradar.core.tables import DEBUG, ERROR, FATAL, INFO, TRACE, WARN

_WORDS: Final = {
    TRACE: "TRACE TRC TRCE FINEST VERBOSE VRB VERB V ALL SILLY MEMDUMP",
    3: "FINER",
    DEBUG: "DEBUG DBG DBUG DEB FINE D DEBUG1 DEBUG2 DEBUG3 DEBUG4 DEBUG5 D1 D2 D3 D4 D5",
    6: "CONFIG",
    INFO: "INFO INFORMATION INFORMATIONAL INF I LOG SYSTEM SUCCESS OK AUDIT STATEMENT DETAIL HINT DEFAULT DISPLAY HTTP",
    10: "NOTICE NOTE DEPRECATED",
    WARN: "WARN WARNING WRN W FIXME",
    ERROR: "ERROR ERR E EROR SEVERE FAIL FAILURE FAILED FAULT",
    18: "CRIT",
    19: "ALERT",
    FATAL: "FATAL FTL F CRITICAL C EMERG EMERGENCY PANIC A ASSERT DPANIC",
}
WORDS: Final = {word: number for number, words in _WORDS.items() for word in words.split()}
# RFC 5424, table 2
SYSLOG: Final = {"0": FATAL, "1": 19, "2": 18, "3": ERROR, "4": WARN, "5": 10, "6": INFO, "7": DEBUG}
TENS: Final = {"10": TRACE, "20": DEBUG, "30": INFO, "40": WARN, "50": ERROR, "60": FATAL}  # bunyan and pino
PYTHON: Final = {"10": DEBUG, "20": INFO, "30": WARN, "40": ERROR, "50": FATAL}  # logging.LogRecord.levelno
NEXTCLOUD: Final = {"0": DEBUG, "1": INFO, "2": WARN, "3": ERROR, "4": FATAL}  # and ownCloud
OTEL: Final = {str(number): number for number in range(1, 25)}
SIGNS: Final = {".": DEBUG, "-": INFO, "*": 10, "#": WARN}  # Redis


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
