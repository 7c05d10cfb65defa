"""Constants: texts that have a name in one source file and are used in the messages of another."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from logradar.retrieval.patterns import cleaned
from logradar.retrieval.placeholders import unescaped

# final String NAME = "text"; NAME: str = "text"; const Name = "text"; pub const NAME: &str = "text";
_CONSTANT: Final = re.compile(
    rb"\b(?P<name>[A-Z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*)[ \t]*(?::[ \t]*[&'\w \[\]]{1,40})?=\s{0,40}"
    rb"(?P<text>\"[^\"\\\n]{1,200}\"|'[^'\\\n]{2,200}')[ \t]*(?:;|\r?\n)"
)
_MOST: Final = 500_000
_AMBIGUOUS: Final = "\x00"
_LAST: Final = re.compile(r"(?:(\w+)\W+)?(\w+)$")


class Constants:
    """Named texts of all files: by the name of the file's class and their own, and by their own where it is unique."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def add(self, path: str, source: bytes) -> None:
        """Take in the constants of a file."""
        if b'"' not in source and b"'" not in source:
            return
        stem = path.rpartition("/")[2].partition(".")[0]
        for match in _CONSTANT.finditer(source):
            if len(self._texts) > _MOST:
                return
            name = match["name"].decode("ascii")
            text = cleaned(unescaped(match["text"][1:-1].decode("utf-8", "replace")))
            self._texts.setdefault(f"{stem}.{name}", text)
            if self._texts.setdefault(name, text) != text:
                self._texts[name] = _AMBIGUOUS

    def of(self, name: str) -> str | None:
        """The text that a name in another file stands for, None where it is not known or not unique."""
        last = _LAST.search(name[-200:])
        if last is None or not last[2][0].isupper():
            return None
        found = self._texts.get(f"{last[1]}.{last[2]}") if last[1] else None
        found = self._texts.get(last[2]) if found is None else found
        return None if found == _AMBIGUOUS else found

    def digest(self) -> str:
        """A hash of all of them: files are read again where it differs."""
        text = "\x01".join(f"{name}={self._texts[name]}" for name in sorted(self._texts))
        return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


def constants_of(files: Iterable[tuple[str, bytes]]) -> Constants:
    """The constants of files, given as paths and bytes."""
    found = Constants()
    for path, source in files:
        found.add(path, source)
    return found
