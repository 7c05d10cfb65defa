"""A part is what has come of a file so far: ``NAME.part``, with a note of the version that it is a part of."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from pathlib import Path
from typing import Final, Self

from pydantic import Field, ValidationError

from logradar.core.config import Config
from logradar.core.files import write_whole

_STRONG: Final = re.compile(r'"[\x21\x23-\x7e]{0,200}"')  # an ETag that stands for the same bytes
_DATE: Final = re.compile(r"[A-Za-z0-9 ,:+-]{1,60}")
_READ: Final = 1 << 20


class Version(Config):
    """What a mirror says of the file that it sends, by which it can be asked for the rest of the same one."""

    url: str
    etag: str | None = Field(default=None, pattern=f"^{_STRONG.pattern}$")
    modified: str | None = Field(default=None, pattern=f"^{_DATE.pattern}$")
    total: int | None = Field(default=None, ge=0)  # bytes

    @classmethod
    def of(cls, url: str, headers: Message, total: int | None) -> Self:
        """The version that a reply is about; marks that cannot prove the same bytes are left out."""
        etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
        return cls(
            url=url,
            etag=etag if _STRONG.fullmatch(etag) else None,
            modified=modified if _DATE.fullmatch(modified) else None,
            total=total,
        )

    @property
    def mark(self) -> str | None:
        """What goes into If-Range."""
        return self.etag or self.modified


class Part:
    """The part of ``file`` on disk. ``version`` is None, and ``size`` 0, where there is nothing to go on with.

    ``earlier`` are those of its bytes that an earlier call has left.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.path = file.with_name(f"{file.name}.part")
        self._note = file.with_name(f"{file.name}.part.json")
        self.version = self._noted()
        self.size = self.path.stat().st_size if self.version and self.path.is_file() else 0
        self.earlier = self.size
        self._digest: hashlib._Hash | None = None
        self._out = -1

    @property
    def whole(self) -> bool:
        """Whether all bytes have come that the mirror promised."""
        return self.version is not None and self.version.total == self.size > 0

    def sha256(self) -> str:
        """The digest of what has come, in hex."""
        return self._hash().hexdigest()

    def head(self, count: int) -> bytes:
        """The first bytes."""
        with self.path.open("rb") as file:
            return file.read(count)

    @contextmanager
    def writing(self, version: Version | None = None) -> Iterator[None]:
        """Bytes can be added inside the block: behind what is there, or from the start of another ``version``."""
        mode = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_TRUNC if version else 0)
        self._out = os.open(self.path, mode, 0o666)
        try:
            if version is not None:  # first no bytes, then the note: never the bytes of one version with another's note
                self.size, self.earlier, self._digest, self.version = 0, 0, hashlib.sha256(), version
                write_whole(self._note, version.model_dump_json())
            self._hash()
            yield
        finally:
            os.close(self._out)

    def add(self, data: bytes) -> None:
        """Write bytes at once. Raises an `OSError` that names the file where the disk does not take them."""
        rest = memoryview(data)
        while rest:
            try:
                count = os.write(self._out, rest)
            except OSError as error:
                error.filename = str(self.path)
                raise
            self._hash().update(rest[:count])
            self.size += count
            rest = rest[count:]

    def discard(self) -> None:
        """Forget all that has come."""
        self._note.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)
        self.size, self.earlier, self._digest, self.version = 0, 0, None, None

    def keep(self) -> None:
        """Give the part, which is whole and right, the name of the file."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        self.path.rename(self.file)
        self._note.unlink(missing_ok=True)

    def _hash(self) -> hashlib._Hash:
        if self._digest is None:
            self._digest = hashlib.sha256()
            if self.size:
                with self.path.open("rb") as file:
                    while data := file.read(_READ):
                        self._digest.update(data)
        return self._digest

    def _noted(self) -> Version | None:
        try:
            return Version.model_validate_json(self._note.read_bytes())
        except (OSError, ValidationError):
            return None
