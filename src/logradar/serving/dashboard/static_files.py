"""Static files: the style, the scripts and the pictures of the dashboard, which are files of this package."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

_NAMES: Final = (
    "dashboard.css",
    "dashboard.js",
    "chart.js",
    "theme.js",
    "icon.svg",
    "parts.js",
    "vendor/uplot.min.js",
    "vendor/uplot.min.css",
)


@cache
def contents() -> dict[str, bytes]:
    """The files by name."""
    folder = files("logradar.serving.dashboard") / "static"
    return {name: (folder / name).read_bytes() for name in _NAMES}


@cache
def mark(name: str) -> str:
    """Eight hex digits of what is in a file, so that browsers keep no old one."""
    return hashlib.blake2b(contents()[name], digest_size=4).hexdigest()


def address(name: str) -> str:
    """Where a browser gets a file."""
    return f"/dashboard/static/{name}?v={mark(name)}"
