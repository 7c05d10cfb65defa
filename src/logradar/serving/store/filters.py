"""Filters of lists: what people ask for, checked, as conditions of a query."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement

from logradar.core.errors import did_you_mean
from logradar.serving.store.errors import QueryError
from logradar.serving.store.paging import require_range
from logradar.serving.store.schema import ROLES
from logradar.serving.store.texts import asked_words


def one_of(column: ColumnElement[Any], asked: str | Sequence[str] | None, known: Collection[str]) -> list[Any]:
    """That the column is the word asked for, or one of the words. Raises `QueryError` for a word that is not known."""
    if asked is None:
        return []
    words = [asked] if isinstance(asked, str) else list(asked)
    for word in words:
        if word not in known:
            raise QueryError(f"There is no '{word[:40]}' here: {did_you_mean(word[:40], known)}.")
    return [column.in_(words)]


def known_role(role: str) -> str:
    """The role of a bundle, if it is one. Raises `QueryError` for another word."""
    if role not in ROLES:
        raise QueryError(f"A bundle is {' or '.join(ROLES)}, not '{role[:40]}'.")
    return role


def has_words(column: ColumnElement[Any], text: str | None) -> list[Any]:
    """That the column ``search`` holds each of the words of the text. Raises `QueryError` for a long text."""
    if not text:
        return []
    return [column.contains(word, autoescape=True) for word in asked_words(text).split()]


def within(
    first: ColumnElement[Any], last: ColumnElement[Any], since: int | None, until: int | None
) -> list[ColumnElement[bool]]:
    """That the time from column ``first`` to column ``last`` touches that from ``since`` to before ``until``."""
    require_range(since, "since")
    require_range(until, "until")
    found = [] if since is None else [last >= since]
    return found if until is None else [*found, first < until]
