"""Stack traces: what of a record of many lines a person reads first, its beginning, first frames and cause."""

from __future__ import annotations

import re
from typing import Final

FRAMES: Final = 2  # frames that are shown
_LONGEST: Final = 2_000  # lines of a record that are looked at
_FRAME: Final = re.compile(r"\s*(?:at\s+\S|File \"|#\d+\s|\d+:\s+0x|goroutine \d+|\S+\.(?:go|rs):\d+)")
_PYTHON: Final = "Traceback (most recent call last)"


def essence(body: str, frames: int = FRAMES) -> list[str]:
    """The first line of a record; of a stack trace also its exception, first frames and last cause.

    Python names the innermost frame last, all others first; the ``frames`` innermost ones are given. The cause is the
    last ``Caused by`` with the frame below it, in Python the last line that names an exception. A record of several
    lines that is no stack trace gives its first line.

    >>> essence("failed\\napp.Failure: x\\n\\tat B.c(B.java:1)\\n\\tat D.e(D.java:2)\\nCaused by: y\\n\\tat f", 1)
    ['failed', 'app.Failure: x', 'at B.c(B.java:1)', 'Caused by: y', 'at f']
    """
    lines = body.split("\n", _LONGEST)[:_LONGEST]
    places = [place for place, line in enumerate(lines) if place and _FRAME.match(line)]
    if not places:
        return lines[:1]
    python = any(line.startswith(_PYTHON) for line in lines)
    kept = [0]
    causes = [place for place, line in enumerate(lines) if line.lstrip().startswith("Caused by")]
    if python:
        kept += places[-frames:]
        kept += [place for place, line in enumerate(lines) if place > places[-1] and line and not line[0].isspace()][:1]
    else:
        if places[0] > 1:
            kept.append(places[0] - 1)
        kept += [place for place in places if not causes or place < causes[0]][:frames]
        if causes:
            kept += [causes[-1], *[place for place in places if place > causes[-1]][:1]]
    return [lines[place].strip() for place in dict.fromkeys(kept)]
