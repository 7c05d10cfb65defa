"""Rendering: fills the templates of the pages; all that comes from logs is escaped and made visible."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote

from jinja2 import ChainableUndefined, Environment, PackageLoader
from markupsafe import Markup, escape

from logradar.core.formatting import counted, duration, level_word, number, percent, visible
from logradar.core.tables import SEVERITIES
from logradar.reporting.alert_list import clip
from logradar.serving.dashboard.static_files import address
from logradar.serving.dashboard.times import ago, clock, stamp

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")
_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB")


class Pages:
    """The templates, ready to be filled."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PackageLoader("logradar.serving.dashboard", "page"),
            autoescape=True,
            undefined=ChainableUndefined,
            finalize=lambda value: visible(value) if type(value) is str else "" if value is None else value,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "ago": ago,
            "clip": clip,
            "clock": clock,
            "counted": counted,
            "duration": duration,
            "facts": facts,
            "level": level_word,
            "marked": marked,
            "number": number,
            "part": lambda text: quote(str(text), safe=""),
            "percent": percent,
            "readable": readable,
            "size": size,
            "stamp": stamp,
        }
        self._environment.globals |= {"static": address, "severities": SEVERITIES[::-1]}

    def fill(self, template: str, **values: Any) -> str:
        """A page as text; ``template`` is the name of a file among the pages."""
        return self._environment.get_template(template).render(**values)


def size(value: float) -> str:
    """Bytes in the unit that is easiest to read.

    >>> size(1_234_567), size(12)
    ('1.2 MB', '12 bytes')
    """
    amount, unit = float(value), 0
    while amount >= 1000 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:,.1f} {_UNITS[unit]}" if unit else f"{amount:,.0f} bytes"


def readable(template: str) -> str:
    """A template as a person reads it: an ellipsis where lines differ.

    >>> readable("Receiving block <*> src <*>")
    'Receiving block … src …'
    """
    return template.replace("<*>", "…")


def facts(text: str) -> Markup:
    """Time, level and service of a line, as reports write them; the time is one that a script knows.

    >>> str(facts("2026-03-02 10:00:00 UTC · ERROR"))
    '<time datetime="2026-03-02T10:00:00Z" data-clock>2026-03-02 10:00:00 UTC</time> · <bdi>ERROR</bdi>'
    """
    first, _, rest = text.partition(" · ")
    if not _TIME.fullmatch(first):
        return Markup("<bdi>{}</bdi>").format(visible(text))
    time = clock(first.removesuffix(" UTC"))
    return time + (Markup(" · <bdi>{}</bdi>").format(visible(rest)) if rest else Markup())


def marked(text: str, words: str) -> Markup:
    """The text with the words that were searched for marked, in any case.

    >>> str(marked("Timeout <b>", "TIME"))
    '<mark>Time</mark>out &lt;b&gt;'
    """
    if not words:
        return escape(visible(text))
    found = Markup()
    for place, part in enumerate(re.split(f"({re.escape(words)})", text, flags=re.IGNORECASE)):
        found += Markup("<mark>{}</mark>").format(visible(part)) if place % 2 else escape(visible(part))
    return found
