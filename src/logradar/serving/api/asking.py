"""Asking: the parameters that many routes take, each described once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import Path, Query
from pydantic import BeforeValidator, Field, WithJsonSchema

from logradar.serving.store.moments import microseconds_of

LARGEST: Final = 2**53  # microseconds: the largest whole number that all readers of JSON keep
Severity = Literal["low", "medium", "high", "critical"]
Role = Annotated[
    Literal["active", "shadow"], Query(description="Of the bundle that detects, or of the one that scores beside it.")
]
Limit = Annotated[int, Query(ge=1, le=1000, description="Entries of a page at most.")]
Cursor = Annotated[
    str | None,
    Query(max_length=4096, description="The `next_cursor` of the page before; leave it out to begin."),
]
Text = Annotated[
    str | None, Query(max_length=1000, description="Words that must all be in it; capital letters do not matter.")
]
ServiceName = Annotated[str | None, Query(max_length=1000, description="Name of a service.")]


_DIGITS: Final = re.compile(r"[0-9]{1,18}")
_MOMENT: Final = {
    "anyOf": [{"type": "integer", "minimum": 0, "maximum": LARGEST}, {"type": "string", "format": "date-time"}]
}


def read_moment(said: Any) -> Any:
    """A time that was asked for in microseconds since 1970: a number, or a text of ISO 8601; without a zone it is UTC.

    >>> read_moment("1970-01-01T00:00:01Z"), read_moment(1000), read_moment(None)
    (1000000, 1000, None)
    """
    if not isinstance(said, str):
        return whole(said)
    try:
        if len(said) < len("2026-03-01"):
            raise ValueError(said)
        return min(max(0, microseconds_of(said.upper())), LARGEST)
    except ValueError:
        raise ValueError("it is no time: write it as 2026-03-01T09:00:00Z, or as microseconds since 1970") from None


def whole(said: Any) -> Any:
    """A number without a fraction as an integer, for in JSON 6.0 is one; anything else as it is.

    >>> whole(6.0), whole("6"), whole(0.5)
    (6, '6', 0.5)
    """
    return int(said) if isinstance(said, float) and said.is_integer() else said


def _asked_moment(said: Any) -> Any:
    return int(said) if isinstance(said, str) and _DIGITS.fullmatch(said) else read_moment(said)


_Number = Annotated[int, Field(ge=0, le=LARGEST, strict=True)]
Moment = Annotated[_Number, BeforeValidator(read_moment), WithJsonSchema(_MOMENT)]
_Asked = Annotated[_Number, BeforeValidator(_asked_moment), WithJsonSchema(_MOMENT)]
Since = Annotated[_Asked | None, Query(description="From this time on: ISO 8601, or microseconds since 1970.")]
Until = Annotated[_Asked | None, Query(description="Before this time: ISO 8601, or microseconds since 1970.")]
Severities = Annotated[list[Severity] | None, Query(max_length=4, description="Only of these; can be repeated.")]
Id = Annotated[str, Path(min_length=1, max_length=200, description="Its id.")]


def one_of(example: Mapping[str, Any], *names: str) -> Callable[[dict[str, Any]], None]:
    """What amends the JSON Schema of a model that needs exactly one of some fields: it is there and not null."""

    def amend(schema: dict[str, Any]) -> None:
        schema["examples"] = [dict(example)]
        schema["oneOf"] = [{"required": [name]} for name in names]
        for name in names:
            field = schema["properties"][name]
            (kind,) = [one for one in field.pop("anyOf") if one != {"type": "null"}]
            field.pop("default", None)
            field.update(kind)

    return amend
