"""Texts at the door of the store: what logs and people write may hold what a database refuses.

PostgreSQL takes no NUL and nobody can encode half of a surrogate pair, so both are replaced; names that indexes hold
are bounded, because an index of PostgreSQL takes no more than 2,700 bytes.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

import orjson

from logradar.serving.store.errors import QueryError

_REFUSED: Final = re.compile("[\0\ud800-\udfff]")
_MARK: Final = "\ufffd"
LONGEST_NAME: Final = 200  # characters
LONGEST_SEARCH: Final = 20_000  # characters of a row that a search looks into
_LONGEST_WORDS: Final = 1_000  # characters that a person searches for
_DIGEST: Final = 16


class Texts:
    """Cleans texts on their way into the store, and counts those that needed it.

    >>> texts = Texts()
    >>> texts.clean("a" + chr(0) + "b") == "a" + chr(0xFFFD) + "b", texts.cleaned
    (True, 1)
    """

    def __init__(self) -> None:
        self.cleaned = 0  # texts that were changed

    def clean(self, text: str) -> str:
        """The text with U+FFFD in place of what no database takes."""
        if _REFUSED.search(text) is None:
            return text
        self.cleaned += 1
        return _REFUSED.sub(_MARK, text)

    def name(self, text: str) -> str:
        """A clean text of at most `LONGEST_NAME` characters; of a longer one the end is a digest of the whole."""
        clean = self.clean(text)
        if len(clean) <= LONGEST_NAME:
            return clean
        self.cleaned += 1
        return bounded(clean)

    def document(self, value: Any) -> str:
        """A JSON value as text; its texts are cleaned."""
        try:
            raw = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
        except TypeError:  # half of a surrogate pair, or no JSON at all
            return orjson.dumps(self._cleaned(value), option=orjson.OPT_NON_STR_KEYS).decode()
        if b"\\u0000" in raw:
            raw = orjson.dumps(self._cleaned(value), option=orjson.OPT_NON_STR_KEYS)
        return raw.decode()

    def search(self, *parts: str | None) -> str:
        """What a search by words looks into: the parts in small letters, a line each."""
        return folded("\n".join(part for part in parts if part))[:LONGEST_SEARCH]

    def _cleaned(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, dict):
            return {self._cleaned(key): self._cleaned(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self._cleaned(one) for one in value]
        return value


def folded(text: str) -> str:
    """Clean and without capital letters, so that both databases compare it the same way."""
    return _REFUSED.sub(_MARK, text).casefold()


def bounded(clean: str) -> str:
    """A name as columns hold it.

    >>> len(bounded("x" * 10_000)), bounded("short")
    (200, 'short')
    """
    if len(clean) <= LONGEST_NAME:
        return clean
    digest = hashlib.blake2b(clean.encode(), digest_size=_DIGEST // 2).hexdigest()
    return f"{clean[: LONGEST_NAME - _DIGEST - 1]}~{digest}"


def asked_name(text: str) -> str:
    """A name that a person or a program asks for, as columns hold it."""
    return bounded(_REFUSED.sub(_MARK, text))


def asked_words(text: str) -> str:
    """Words that a person searches for, as the column ``search`` holds them. Raises `QueryError` for a long text."""
    if len(text) > _LONGEST_WORDS:
        raise QueryError(f"A search is for at most {_LONGEST_WORDS:,} characters, and this has {len(text):,}.")
    return folded(text)


def digest(document: str) -> str:
    """Sixteen hex digits that tell documents apart."""
    return hashlib.blake2b(document.encode(), digest_size=8).hexdigest()
