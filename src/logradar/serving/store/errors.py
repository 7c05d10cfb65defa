"""Errors of the store: what a database says, as a sentence with a way out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from logradar.core.documents import reason_of
from logradar.core.errors import LogRadarError

FULL: Final = "full"
LOCKED: Final = "locked"
DAMAGED: Final = "damaged"
NEWER: Final = "newer"
UNREACHABLE: Final = "unreachable"
OTHER: Final = "other"

_SENTENCES: Final = {
    FULL: "The disk of the store {where} is full ({why}): free some space, or keep less (a shorter retention). "
    "What is stored can still be read.",
    LOCKED: "The store {where} is locked by another process: stop the other service that writes to it, "
    "or give this one a store of its own.",
    DAMAGED: "The store {where} is damaged ({why}): stop the service and put a backup in its place. "
    "Lines that are in the log on disk are detected again after that.",
    UNREACHABLE: "The store {where} cannot be reached ({why}): check that it is there, that its database runs, "
    "and that this user may read and write it.",
    OTHER: "The store {where} did not do what it was asked for: {why}.",
}
_SQLITE: Final = (  # a part of the message of SQLite, and what it means
    ("database or disk is full", FULL),
    ("disk quota", FULL),
    ("is locked", LOCKED),
    ("malformed", DAMAGED),
    ("not a database", DAMAGED),
    ("unable to open", UNREACHABLE),
    ("readonly database", UNREACHABLE),
    ("disk i/o error", UNREACHABLE),
)
_SQLSTATES: Final = (  # the beginning of a code of PostgreSQL, and what it means
    ("53100", FULL),
    ("55P03", LOCKED),
    ("40P01", LOCKED),
    ("XX001", DAMAGED),
    ("XX002", DAMAGED),
    ("08", UNREACHABLE),
    ("28", UNREACHABLE),
    ("3D", UNREACHABLE),
    ("53", UNREACHABLE),
    ("57P", UNREACHABLE),
    ("42501", UNREACHABLE),
)


class StoreError(LogRadarError):
    """The store cannot be opened, read or written; ``reason`` is one of the words of this module, such as `FULL`."""

    def __init__(self, sentence: str, reason: str = OTHER) -> None:
        super().__init__(sentence)
        self.reason = reason


class QueryError(StoreError):
    """What was asked of the store makes no sense: a damaged cursor, an unknown word, a number out of range."""


@contextmanager
def in_words(where: str) -> Iterator[None]:
    """Errors of the database within are raised as `StoreError`; ``where`` is the store's name without a password."""
    try:
        yield
    except DBAPIError as error:
        raise as_sentence(error.orig or error, where) from error
    except PoolTimeout as error:
        raise StoreError(f"All connections to the store {where} are busy: ask again in a moment.", LOCKED) from error
    except (SQLAlchemyError, sqlite3.Error, OverflowError) as error:
        raise as_sentence(error, where) from error


def as_sentence(error: BaseException, where: str) -> StoreError:
    """The `StoreError` that says what an error of a database driver means."""
    reason = _reason(error)
    return StoreError(_SENTENCES[reason].format(where=where, why=reason_of(error)), reason)


def _reason(error: BaseException) -> str:
    state = getattr(error, "sqlstate", None)
    if state:
        return next((reason for start, reason in _SQLSTATES if state.startswith(start)), OTHER)
    if getattr(error, "sqlite_errorname", "") == "SQLITE_IOERR_WRITE":  # a limit of the size of files, or of a quota
        return FULL
    message = str(error).lower()
    for part, reason in _SQLITE:
        if part in message:
            return reason
    if "psycopg" in type(error).__module__ and type(error).__name__ in ("OperationalError", "ConnectionTimeout"):
        return UNREACHABLE  # it could not connect: there is no code yet
    return OTHER
