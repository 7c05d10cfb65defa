"""Names and sentences as plain text: names of files, services and settings may hold any character."""

from __future__ import annotations

_INSTEAD = "·"
_FIXED = "\xa0"  # a blank at which no line is broken; `str.isprintable` does not count it


def readable(name: str) -> str:
    r"""A name as text of one line that cannot steer a terminal.

    Bytes that are not UTF-8 become question marks, and what is not printable (escape sequences, line feeds, marks that
    turn the direction of writing around) becomes a dot. A file system allows names with any bytes.

    >>> readable("app\udcff.log"), readable("a\x1b[2J.log")
    ('app?.log', 'a·[2J.log')
    """
    text = name.encode("utf-8", "replace").decode()
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter == _FIXED else _INSTEAD for letter in text)


def plain(text: str) -> str:
    r"""A text of several lines in the same way: line feeds and tabs stay.

    >>> plain("one\n\ttwo\r\x1b]0;title\x07")
    'one\n\ttwo··]0;title·'
    """
    return "\n".join("\t".join(map(readable, line.split("\t"))) for line in text.split("\n"))
