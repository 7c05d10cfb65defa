"""Answers: JSON values as responses, and how the documentation describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from fastapi.responses import Response
from pydantic import BaseModel, Field

from logradar.serving.store.paging import Page

JSON: Final = "application/json"


class Listing(BaseModel):
    """A page of a list."""

    items: list[dict[str, Any]] = Field(description="The entries of this page.")
    next_cursor: str | None = Field(description="Send it as `cursor` to get the page after this one; null at the end.")


class Done(BaseModel):
    """The answer to a request that changed something and has nothing else to say."""

    done: str = Field(description="A sentence that says what was done.")


def answer(value: Any, status: int = 200, *, headers: Mapping[str, str] | None = None, kind: str = JSON) -> Response:
    """A value as JSON."""
    return Response(body_of(value), status, headers=dict(headers or {}), media_type=kind)


def body_of(value: Any) -> bytes:
    """A value as JSON text; what no UTF-8 can say is replaced."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        return orjson.dumps(_speakable(value), option=orjson.OPT_NON_STR_KEYS)


def listed(page: Page) -> Response:
    """A page of the store."""
    return answer({"items": page.items, "next_cursor": page.next_cursor})


def shown(example: Any, model: Any = None, status: int = 200, words: str = "The answer.") -> dict[int | str, Any]:
    """Documentation of an answer: an example of it, and its model where it has one."""
    found: dict[str, Any] = {"description": words, "content": {JSON: {"example": example}}}
    return {status: found | ({"model": model} if model is not None else {})}


def _speakable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_speakable(name): _speakable(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_speakable(one) for one in value]
    return value if isinstance(value, int | float | bool | None) else str(value)
