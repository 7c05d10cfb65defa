"""Members of an archive as streams of bytes, without those that no honest archive holds.

Refused are members that would lie outside of the folder (``..``, absolute paths, drives, backslashes), links, devices,
sparse files, two members of one name, encrypted ones, and more members or bytes than the limits allow. All bytes are
counted that come out of the decompressor, also those of members that nobody wants.
"""

from __future__ import annotations

import errno
import gzip
import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from logradar.core.errors import InputError
from logradar.core.filenames import readable
from logradar.sources.download.settings import UnpackLimits

ENDINGS: Final = (".zip", ".tar.gz", ".tgz", ".gz")
_PIECE: Final = 1 << 18
_FREE: Final = 16 << 20  # unpacked bytes for which the ratio does not count: a short text may repeat one line
_HEADERS: Final = 1 << 20  # bytes between two members of a tar: names and extensions
_ENTRY: Final = 1 << 10  # bytes of a member in the directory of a zip, on average
_LONGEST: Final = 200  # bytes of a part of a path
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGE: Final = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError),
    *(ValueError, LookupError, OverflowError, struct.error),
)


@dataclass(frozen=True)
class Member:
    """One file in an archive; ``bytes`` are to be read before the next member is asked for."""

    name: str
    bytes: Iterator[bytes]


class RefusedError(InputError):
    """An archive that is damaged, or that holds what none should; nothing of it is kept."""


def members(file: Path, limits: UnpackLimits) -> Iterator[Member]:
    """The files in an archive, in its order; folders are left out. Raises `RefusedError`."""
    name = file.name.lower()
    bounds = _Bounds(file, limits)
    if not file.stat().st_size:
        raise refused(file, "it is empty")
    if name.endswith(".zip"):
        return _of_zip(file, bounds)
    return _of_tar(file, bounds) if name.endswith((".tar.gz", ".tgz")) else _of_gz(file, bounds)


def refused(file: Path, why: str) -> RefusedError:
    """The error for an archive that is not unpacked, with what to do."""
    return RefusedError(
        f"'{file}' is not unpacked: {why}. Nothing of it was written. If it should be a good archive, delete it and "
        "download it again, or put a good one into its place."
    )


class _Bounds:
    """Counts members and unpacked bytes of one archive, and ends it where they are too many."""

    def __init__(self, file: Path, limits: UnpackLimits) -> None:
        self.file, self.limits = file, limits
        self._most = min(limits.bytes, max(_FREE, limits.ratio * file.stat().st_size))
        self._bytes = 0
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._seen = 0

    def count(self, unpacked: int) -> None:
        """Take ``unpacked`` more bytes into account. Raises `RefusedError`."""
        self._bytes += unpacked
        if self._bytes > self._most:
            size = self.file.stat().st_size
            raise refused(
                self.file,
                f"its {size:,} bytes unpack to more than {self._most:,} (limits.bytes, or limits.ratio="
                f"{self.limits.ratio} times its size)",
            )

    def expect(self, more: int) -> None:
        """Refuse at once what says itself that ``more`` bytes come, if these are too many. Raises `RefusedError`."""
        self.count(more)
        self._bytes -= more

    def member(self, name: str, folder: bool) -> str:
        """The name of a member as a path below the folder. Raises `RefusedError`."""
        self._seen += 1
        if self._seen > self.limits.members:
            raise refused(self.file, f"it has more than {self.limits.members:,} members (limits.members)")
        shown = readable(name[:200])
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or "\\" in name or ".." in parts or (parts and parts[0][1:2] == ":"):
            raise refused(self.file, f"its member '{shown}' would lie outside of the folder")
        fits = all(len(part.encode(errors="surrogateescape")) <= _LONGEST for part in parts) and len(parts) <= 20
        if not name.isprintable() or not fits or (not parts and not folder):
            raise refused(self.file, f"its member '{shown}' has no name that a file can have")
        path = "/".join(parts)
        above = {"/".join(parts[:depth]) for depth in range(1, len(parts))} | ({path} if folder and path else set())
        if (not folder and (path in self._files or path in self._folders)) or above & self._files:
            raise refused(self.file, f"it holds '{shown}' twice")
        self._folders |= above
        if not folder:
            self._files.add(path)
        return path


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    """What a decompressor says of damage, as one error."""
    try:
        yield
    except RefusedError:
        raise
    except (*_DAMAGE, OSError) as error:
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile) and error.errno != errno.EINVAL:
            raise  # of the disk; a place before the beginning of the file is damage
        what = readable(str(error) or type(error).__name__)[:200].rstrip(".")
        raise refused(file, f"it is damaged, or no archive of this kind ({what})") from None


def _pieces(stream: Any, bounds: _Bounds, counted: bool) -> Iterator[bytes]:
    with _reading(bounds.file):
        while data := stream.read(_PIECE):
            if counted:
                bounds.count(len(data))
            yield data


def _of_zip(file: Path, bounds: _Bounds) -> Iterator[Member]:
    with _reading(file), file.open("rb") as raw:
        end = zipfile._EndRecData(raw)  # type: ignore[attr-defined]  # before all of the directory is read
        if end and end[zipfile._ECD_SIZE] > bounds.limits.members * _ENTRY:  # type: ignore[attr-defined]
            raise refused(file, f"it has more than {bounds.limits.members:,} members (limits.members)")
        with zipfile.ZipFile(raw) as archive:
            chosen = [(info, bounds.member(info.orig_filename, info.is_dir())) for info in archive.infolist()]
            for info, name in chosen:
                kind = stat.S_IFMT(info.external_attr >> 16)
                if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise refused(file, f"its member '{readable(name)}' is a link or device")
                if info.flag_bits & 1 or info.compress_type not in _METHODS:
                    raise refused(file, f"its member '{readable(name)}' is encrypted, or not compressed by deflate")
            bounds.expect(sum(info.file_size for info, _ in chosen))
            for info, name in chosen:
                if not info.is_dir():
                    with archive.open(info) as stream:
                        yield Member(name, _pieces(stream, bounds, counted=True))


def _of_gz(file: Path, bounds: _Bounds) -> Iterator[Member]:
    with _reading(file), gzip.open(file) as stream:
        yield Member(bounds.member(file.name[: -len(".gz")], folder=False), _pieces(stream, bounds, counted=True))


def _of_tar(file: Path, bounds: _Bounds) -> Iterator[Member]:
    with _reading(file), gzip.open(file) as plain:
        source = _Counted(plain, bounds)
        source.allow(_HEADERS)
        with tarfile.open(fileobj=source, mode="r|", tarinfo=_Strict) as archive:
            while (info := archive.next()) is not None:
                name = bounds.member(info.name, info.isdir())
                shown = readable(name[:200])
                if not (info.isreg() or info.isdir()) or info.issparse():
                    raise refused(file, f"its member '{shown}' is a link, a device or a sparse file")
                if info.size < 0:
                    raise refused(file, f"its member '{shown}' says that it has {info.size:,} bytes")
                bounds.expect(info.size)
                if hasattr(tarfile, "data_filter"):  # Python 3.11.4 and later
                    tarfile.data_filter(info, str(file.parent))  # what it refuses is damage here
                source.allow(info.size + _HEADERS)
                stream = archive.extractfile(info) if info.isreg() else None
                if stream is not None:
                    yield Member(name, _pieces(stream, bounds, counted=False))
        source.allow(bounds.limits.bytes)
        while data := source.read(_PIECE):  # to its end, where the checksum is
            if data.strip(b"\0"):
                raise refused(file, "it is damaged: something follows its end")


class _Counted(io.RawIOBase):
    """The unpacked bytes of a tar, counted; at most as many are read as `allow` said.

    A header of a tar says itself how long it is, and tarfile reads it into memory.
    """

    def __init__(self, source: gzip.GzipFile, bounds: _Bounds) -> None:
        super().__init__()
        self._source, self._bounds, self._left = source, bounds, 0

    def allow(self, count: int) -> None:
        """How many bytes may be read from now on."""
        self._left = count

    def read(self, size: int = -1) -> bytes:
        """The next bytes; an error where they are more than are allowed."""
        data = self._source.read(min(size, _PIECE) if size >= 0 else _PIECE)
        self._left -= len(data)
        self._bounds.count(len(data))
        if self._left < 0:
            raise tarfile.ReadError("a header is too long")
        return data


class _Strict(tarfile.TarInfo):
    """A header that is damaged is an error also in the middle, where tarfile takes it for the end."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Any:
        """As in the base class; only zeros, or nothing, are the end."""
        try:
            return super().fromtarfile(archive)
        except tarfile.HeaderError as error:
            if isinstance(error, tarfile.EOFHeaderError | tarfile.EmptyHeaderError):  # type: ignore[attr-defined]
                raise
            raise tarfile.ReadError(str(error)) from None
