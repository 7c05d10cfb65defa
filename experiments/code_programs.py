"""Real programs in other languages whose logs name their places: the places are hidden and asked for.

    python experiments/code_programs.py postgresql --sources postgresql-15.18/src --log server.log
    python experiments/code_programs.py python --sources FOLDER --log FILE

`postgresql`: the log of a server with ``log_error_verbosity = verbose`` and ``log_min_messages = debug1``. Sources and
server are those of one Debian release (`apt-get source postgresql-15`); the work was 33 files of its own regression
tests (``src/test/regress/sql``). Lines ``LOCATION: function, file.c:line`` are the answers and are taken out. `python`:
any log whose lines end in `` @ path:line`` (a formatter with ``%(pathname)s:%(lineno)d``), which is taken off.
A link is right where the file is that of the answer and its line is in the statement, or up to three lines above or
below it: where a macro of several lines is called, compilers disagree on its line.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from code_links import HEAD, REACH, Tally, kind_of, outcome, records_of
from logradar.core.progress import quiet
from logradar.retrieval.code_index import CodeIndex
from logradar.retrieval.indexing import index_code
from logradar.retrieval.linker import Linker

LOCATION = re.compile(r"LOCATION:\s+\S+, (?P<path>[\w./-]+):(?P<line>\d+)\s*$")
AT_END = re.compile(r" @ (?P<path>\S+):(?P<line>\d+)$")
MESSAGE = re.compile(r" (?:DEBUG\d?|INFO|LOG|NOTICE|WARNING|ERROR|FATAL|PANIC):  ")
Answers = dict[int, tuple[str, int]]


def of_postgresql(text: str) -> tuple[str, Answers]:
    """The log without its lines LOCATION, and these by the line of the message before."""
    kept: list[str] = []
    answers: Answers = {}
    last = 0
    for line in text.split("\n"):
        match = LOCATION.search(line)
        if match is not None:
            answers.setdefault(last, (match["path"], int(match["line"])))
            continue
        kept.append(line)
        if MESSAGE.search(line[:120]):
            last = len(kept)
    return "\n".join(kept), answers


def of_python(text: str) -> tuple[str, Answers]:
    """The log without the places at the ends of its lines, and these by line."""
    kept: list[str] = []
    answers: Answers = {}
    for line in text.split("\n"):
        match = AT_END.search(line)
        kept.append(line[: match.start()] if match else line)
        if match:
            answers[len(kept)] = (match["path"], int(match["line"]))
    return "\n".join(kept), answers


def is_place(index: CodeIndex, path: str, line: int, one: dict[str, Any]) -> bool:
    """Whether a statement is in that file and at that line; the path may be longer or shorter than ours."""
    own = index.paths[one["file"]]
    same = own == path or own.endswith(f"/{path}") or path.endswith(f"/{own}")
    return same and one["first_line"] - REACH <= line <= one["last_line"] + REACH


def main() -> None:
    """Index, link, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", choices=("postgresql", "python"))
    parser.add_argument("--sources", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--missed", type=int, default=0)
    given = parser.parse_args()
    quiet(True)
    began = time.process_time()
    index, _ = index_code(given.sources)
    took = time.process_time() - began
    text, answers = (of_postgresql if given.program == "postgresql" else of_python)(
        given.log.read_text("utf-8", "replace")
    )
    linker, tally = Linker(index), Tally()
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch, f"{given.program}.log").write_text(text)
        for record in records_of(Path(scratch)):
            if record["line"] not in answers:
                continue
            path, line = answers[record["line"]]
            link = linker.link(record["body"], record["level"], record["component"])
            found = outcome(linker, link, partial(is_place, index, path, line))
            tally.add((path, line), found)
            tally.kinds[kind_of(link, found)] += 1
            if found != "right":
                rows = [link.row] if link.row >= 0 else link.ties[:3]
                said = [(index.paths[linker.statements[row]["file"]], linker.statements[row]["line"]) for row in rows]
                tally.missed[f"{found} {path}:{line} {record['level']} {record['body'][:120]!r} -> {said}"] += 1
    print(HEAD)
    print(tally.row(f"{given.program} ({index.figures()['lines']:,} lines indexed in {took:.0f} s of CPU)"))
    print(f"by kind: {dict(tally.kinds.most_common())}")
    for sentence, count in tally.missed.most_common(given.missed):
        print(count, sentence)


if __name__ == "__main__":
    main()
