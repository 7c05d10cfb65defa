"""Names of time zones as logs write them: ``CEST``, ``EDT``, ``Europe/Berlin``, ``GMT+2``.

An abbreviation has one offset (summer and winter have different ones); a name of the tz database has the offset of its
date. Some abbreviations are used in several countries: `doubt` says which one is taken, and which names are unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import polars as pl

# Minutes east of UTC. Of zones that share an abbreviation the one with most people who write logs.
_OFFSETS: Final = {
    0: "UTC UT UCT GMT Z WET WEZ",
    60: "CET MEZ WEST WESZ BST WAT MET",
    120: "CEST MESZ EET CAT SAST MEST",
    180: "EEST MSK EAT TRT IDT",
    210: "IRST",
    240: "GST SAMT MSD AZT",
    270: "IRDT AFT",
    300: "PKT UZT YEKT",
    330: "IST",
    345: "NPT",
    360: "OMST ALMT",
    420: "WIB ICT KRAT NOVT",
    480: "SGT HKT PHT MYT AWST WITA IRKT PHST",
    540: "JST KST WIT YAKT",
    570: "ACST",
    600: "AEST CHST VLAT PGT",
    630: "ACDT LHST",
    660: "AEDT NCT SBT",
    720: "NZST FJT",
    780: "NZDT",
    -60: "AZOT CVT",
    -120: "UYST FNT",
    -180: "BRT ART ADT UYT CLST GFT",
    -150: "NDT",
    -210: "NST",
    -240: "AST EDT CLT BOT VET AMT",
    -300: "EST CDT COT PET ECT",
    -360: "CST MDT",
    -420: "MST PDT",
    -480: "PST AKDT",
    -540: "AKST HDT",
    -600: "HST",
}
ABBREVIATIONS: Final = {name: minutes for minutes, names in _OFFSETS.items() for name in names.split()}
SHARED: Final = {
    "IST": "India (+05:30), not Israel (+02:00) or Ireland (+01:00)",
    "CST": "North America (-06:00), not China (+08:00) or Cuba (-05:00)",
    "BST": "Britain (+01:00), not Bangladesh (+06:00)",
    "AST": "the Atlantic coast (-04:00), not Arabia (+03:00)",
    "GST": "the Gulf (+04:00), not South Georgia (-02:00)",
    "AMT": "Amazonas (-04:00), not Armenia (+04:00)",
    "ECT": "Ecuador (-05:00), not the Eastern Caribbean (-04:00)",
}
AREAS: Final = "Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific|Etc|US"
# A zone that has a name, at the end of a time; Rust's and Python's regex engines read it.
NAME: Final = (
    rf"(?:(?:UTC|GMT)[+-][0-9]{{1,2}}(?::?[0-9]{{2}})?|(?:{AREAS})(?:/[A-Z][A-Za-z0-9_+-]*){{1,2}}|[A-Z]{{2,5}})"
)
_OFFSET: Final = re.compile(r"(?:UTC|GMT)?([+-])([0-9]{1,2}):?([0-9]{2})?")


def utc(local: pl.Series, zones: pl.Series) -> pl.Series:
    """UTC of local times (no zone) with a zone's name each; a zone that is not known, or null, is taken as UTC.

    Of an hour that a clock shows twice the earlier is taken; one that it leaves out becomes null.
    """
    names = [name for name in zones.unique(maintain_order=True).to_list() if name]
    minutes = {name: known for name in names if (known := offset(name)) is not None}
    moved = local
    if minutes:
        shift = zones.replace_strict(list(minutes), list(minutes.values()), default=0, return_dtype=pl.Int64)
        moved = local - pl.select(pl.duration(minutes=pl.lit(shift.fill_null(0)))).to_series()
    for name in names:
        if name not in minutes and is_known(name):
            here = (zones == name).fill_null(False)
            there = local.dt.replace_time_zone(name, ambiguous="earliest", non_existent="null")
            there = there.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
            moved = pl.select(pl.when(here).then(there).otherwise(moved)).to_series()
    return moved.alias(local.name)


def offset(name: str) -> int | None:
    """Minutes east of UTC of an abbreviation or of ``GMT+2``; None for any other name."""
    match = _OFFSET.fullmatch(name)
    if match:
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        return -minutes if match[1] == "-" else minutes
    return ABBREVIATIONS.get(name)


@lru_cache(1024)
def is_known(name: str) -> bool:
    """Whether a name is an abbreviation that is known or a zone of the tz database.

    >>> is_known("CEST"), is_known("Europe/Berlin"), is_known("Europe/Atlantis")
    (True, True, False)
    """
    if offset(name) is not None:
        return True
    if not re.fullmatch(rf"(?:{AREAS})/[A-Za-z0-9_+/-]{{1,40}}", name):
        return False
    try:
        pl.Series(["2024-01-01"]).str.to_datetime("%Y-%m-%d").dt.replace_time_zone(name)
    except pl.exceptions.PolarsError:
        return False
    return True


def doubt(names: Iterable[str]) -> list[str]:
    """Sentences on the zones of a log that are not known, or that several countries share."""
    found = sorted(set(names))
    unknown = [f"'{name}'" for name in found if not is_known(name)]
    sentences = [f"The time zone {name} is read as that of {SHARED[name]}." for name in found if name in SHARED]
    if len(unknown) == 1:
        sentences.append(f"The time zone {unknown[0]} is not known; its times are taken as UTC.")
    elif unknown:
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        sentences.append(f"The time zones {', '.join(unknown[:3])}{more} are not known; their times are taken as UTC.")
    return sentences
