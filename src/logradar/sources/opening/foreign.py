"""Foreign JSON in a folder of day files: a summary or a setting that is no day file and no log.

One such file must not decide how all day files are read, so it is named and left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from logradar.core.filenames import readable
from logradar.core.quarantine import Quarantine
from logradar.sources.base import SessionSource, sources
from logradar.sources.decoding.encoding import is_binary
from logradar.sources.opening.files import COMPRESSED, InputFiles
from logradar.sources.opening.reading import read_head, read_sample
from logradar.sources.opening.recognising import HEAD, HEAD_LINES

NAMED = 3  # files that a sentence names


def without_foreign(inputs: InputFiles, quarantine: Quarantine) -> tuple[InputFiles, str]:
    """``inputs`` without JSON files that are no day files, where at least as many JSON files are day files.

    Returns them with a sentence that names what was left out ('' if nothing was); each file is also added to
    ``quarantine``. Files that are empty or cannot be read stay: who reads them says what is wrong.
    """
    documents = [file for file in inputs.files if COMPRESSED.sub("", file.name).endswith(".json")]
    if inputs.prepared or inputs.names or len(documents) < 2:
        return inputs, ""
    kinds = [kind for kind in map(sources.load, sources.names()) if issubclass(kind, SessionSource)]
    holds = {file: _holds_sessions(file, kinds) for file in documents}
    foreign = [file for file, sessions in holds.items() if sessions is False]
    if not foreign or len(foreign) > sum(sessions is True for sessions in holds.values()):
        return inputs, ""
    for file in foreign:
        quarantine.add(readable(str(file)), "JSON file that is no day file, unlike the others")
    left = set(foreign)
    kept = replace(inputs, files=[file for file in inputs.files if file not in left])
    one = "it is no day file" if len(foreign) == 1 else "they are no day files"
    return kept, (
        f"Left out, because {one}, unlike the other JSON files: {_listed(foreign)}. "
        "Give such a file alone to read it as a log."
    )


def _holds_sessions(file: Path, kinds: Iterable[type[SessionSource]]) -> bool | None:
    """Whether a file holds whole sessions; None where it is empty, binary or cannot be read."""
    try:
        head = read_head(file, HEAD, Quarantine())
        if not head.strip(b" \t\r\n\xef\xbb\xbf") or is_binary(head):
            return None
        lines = read_sample(file, HEAD, HEAD_LINES)
    except OSError:
        return None
    return any(kind.recognises(file, lines) > 0 for kind in kinds)


def _listed(files: list[Path]) -> str:
    more = f" and {len(files) - NAMED:,} more" if len(files) > NAMED else ""
    return ", ".join(f"'{readable(file.name)}'" for file in files[:NAMED]) + more
