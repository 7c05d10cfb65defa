"""HTML: fills a template of ``page/`` and writes one file that needs no network, no script and no other file.

Log lines may be hostile: all text is escaped, invisible characters are written out, and the
Content-Security-Policy of each page forbids it to run or load anything.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from logradar import __version__
from logradar.core.files import write_whole
from logradar.core.formatting import duration, figure, moment, number, percent, visible
from logradar.reporting.detector_colours import detector_colour


def fill(template: str, **values: Any) -> str:
    """The page as text; ``template`` is the name of a file in ``page/``."""
    from jinja2 import ChainableUndefined, Environment, FunctionLoader
    from markupsafe import Markup

    page = files("logradar.reporting") / "page"
    environment = Environment(
        loader=FunctionLoader(lambda name: (page / name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=ChainableUndefined,
        finalize=lambda value: visible(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "figure": figure,
        "percent": percent,
        "number": number,
        "moment": moment,
        "duration": duration,
        "colour": detector_colour,
    }
    style = Markup((page / "report.css").read_text(encoding="utf-8"))
    return environment.get_template(template).render(style=style, version=__version__, **values)


def write(text: str, path: Path) -> Path:
    """Write a page and return its path; after an error the old file is unchanged."""
    return write_whole(path, text)
