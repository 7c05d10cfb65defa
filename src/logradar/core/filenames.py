"""Names of files as valid text; a file system allows names with any bytes."""

from __future__ import annotations


def readable(name: str) -> str:
    """A file name as text that can be written to any file: bytes that are not UTF-8 become question marks.

    >>> readable("app\\udcff.log")
    'app?.log'
    """
    return name.encode("utf-8", "replace").decode()
