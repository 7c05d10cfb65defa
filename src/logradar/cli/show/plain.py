"""What is printed is plain text: no log, name or setting can steer the terminal of the reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

from logradar.core.filenames import plain, readable

P = ParamSpec("P")


def in_plain_text(show: Callable[P, None]) -> Callable[P, None]:
    """A function that prints its arguments, with every text in them made plain first."""

    @wraps(show)
    def shown(*args: P.args, **kwargs: P.kwargs) -> None:
        show(*map(_cleaned, args), **{name: _cleaned(value) for name, value in kwargs.items()})

    return shown


def clipped(text: str, width: int) -> str:
    """At most ``width`` characters of a text as one line that cannot steer a terminal."""
    clean = readable(text[: width + 1])
    return clean if len(clean) <= width else clean[: width - 1] + "…"


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Path):
        return Path(readable(str(value)))
    if isinstance(value, Mapping):
        return {_cleaned(key): _cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_cleaned, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: _cleaned(getattr(value, one.name)) for one in fields(value) if one.init})
    return value
