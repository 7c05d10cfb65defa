"""The date in the name of a log file."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

DATE: Final = re.compile(
    r"(?<!\d)(?:(?P<y>\d{4})(?P<mark>[-_.])(?P<m>\d\d)(?P=mark)(?P<d>\d\d)(?!\d)"
    r"|(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)(?:(?:\d\d){1,3})?(?!\d))"
)
YEARS: Final = range(1980, 2100)  # other numbers are not years


def date_in(name: str) -> date | None:
    """The first valid date in a file name, if there is one.

    >>> date_in("preprocessed_logs_2024-05-01.json"), date_in("app-20240501.log.gz"), date_in("app.log.1")
    (datetime.date(2024, 5, 1), datetime.date(2024, 5, 1), None)
    """
    for match in DATE.finditer(name):
        year, month, day = (
            int(match[one] or match[other]) for one, other in (("y", "year"), ("m", "month"), ("d", "day"))
        )
        if year in YEARS:
            try:
                return date(year, month, day)
            except ValueError:
                continue
    return None
