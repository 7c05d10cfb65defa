"""Names of files as valid text; a file system allows names with any bytes."""

from __future__ import annotations


def readable(name: str) -> str:
    r"""A file name as text that can be written anywhere: bytes of it that are not UTF-8 become question marks.

    >>> readable("app\udcff.log")
    'app?.log'
    """
    return name.encode("utf-8", "replace").decode()
