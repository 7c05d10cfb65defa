"""Real programs in other languages whose logs name their places: the places are hidden and asked for.

    SOURCES=DIR experiments/code_program_logs.sh LOGS
    python experiments/code_programs.py etcd --sources DIR/etcd-3.4.23 --log LOGS/etcd.log
    python experiments/code_programs.py postgresql --sources DIR/postgresql-15-15.18/src --log LOGS/postgresql.log
    python experiments/code_programs.py npm --sources LOGS/npm-sources --log LOGS/npm.log

The first command runs the programs and keeps what they log. Sources are those of the same Debian release
(`apt-get source etcd`); of npm and of the Python programs they are the installed files, which it copies.
`postgresql`: the log of a server with ``log_error_verbosity = verbose`` and ``log_min_messages = debug1``, whose work
was 33 files of its own regression tests (``src/test/regress/sql``). A link is right where the file is that of the
answer and its line is in the statement, or up to three lines above or below it: where a macro of several lines is
called, compilers disagree on its line.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from code_links import HEAD, REACH, Callers, Tally, kind_of, outcome, records_of
from logradar.core.progress import quiet
from logradar.retrieval.code_index import CodeIndex
from logradar.retrieval.indexing import index_code
from logradar.retrieval.linker import Linker

LOCATION = re.compile(r"LOCATION:\s+\S+, (?P<path>[\w./-]+):(?P<line>\d+)\s*$")
_PLACE = r"(?P<path>[\w./@+-]+):(?P<line>\d+)"
AT_END = re.compile(rf" @ {_PLACE}$")
LAYOUTS = {  # what of a line is its place, and is taken off
    "etcd": re.compile(rf'"caller":"{_PLACE}",'),
    "prometheus": re.compile(rf" caller={_PLACE}"),
    "syncthing": re.compile(rf"(?<=\d) {_PLACE}:(?= [A-Z]+: )"),
    "rocksdb": re.compile(rf"\[{_PLACE}\] "),
    "trafficserver": re.compile(rf"<{_PLACE} \([^()]*\)> "),
    "gstreamer": re.compile(rf" {_PLACE}:[^:<>]+:(?:<[^>]*>)?(?= )"),
    "npm": AT_END,
    "python": AT_END,
}
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


def without_places(place: re.Pattern[str], text: str) -> tuple[str, Answers]:
    """The log without the places in its lines, and these by line."""
    kept: list[str] = []
    answers: Answers = {}
    for line in text.split("\n"):
        match = place.search(line)
        kept.append(line[: match.start()] + line[match.end() :] if match else line)
        if match:
            answers[len(kept)] = (match["path"].lstrip("/"), int(match["line"]))
    return "\n".join(kept), answers


def is_place(index: CodeIndex, path: str, line: int, one: dict[str, Any]) -> bool:
    """Whether a statement is in that file and at that line; the path may be longer or shorter than ours."""
    own = index.paths[one["file"]]
    same = own == path or own.endswith(f"/{path}") or path.endswith(f"/{own}")
    return same and one["first_line"] - REACH <= line <= one["last_line"] + REACH


def files_of(index: CodeIndex, path: str) -> list[int]:
    """The files of an answer, whose path may be longer or shorter than ours; none where it was not indexed."""
    return [
        number
        for number, own in enumerate(index.paths)
        if own == path or own.endswith(f"/{path}") or path.endswith(f"/{own}")
    ]


def main() -> None:
    """Index, link, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", choices=("postgresql", *LAYOUTS))
    parser.add_argument("--sources", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--missed", type=int, default=0)
    given = parser.parse_args()
    quiet(True)
    began = time.process_time()
    index, _ = index_code(given.sources)
    took = time.process_time() - began
    reading = of_postgresql if given.program == "postgresql" else partial(without_places, LAYOUTS[given.program])
    text, answers = reading(given.log.read_text("utf-8", "replace"))
    linker, tally, callers = Linker(index), Tally(), Callers(index)
    known: dict[str, list[int]] = {}
    elsewhere = 0
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch, f"{given.program}.log").write_text(text)
        for record in records_of(Path(scratch)):
            if record["line"] not in answers:
                continue
            path, line = answers[record["line"]]
            if path not in known:
                known[path] = files_of(index, path)
            if not known[path]:
                elsewhere += 1
                continue
            link = linker.link(record["body"], record["level"], record["component"])
            found = outcome(linker, link, partial(is_place, index, path, line))
            if found == "wrong" and callers.are(known[path], line, linker.statements[link.row]):
                found = "called"
            tally.add((path, line), found)
            tally.kinds[kind_of(link, found)] += 1
            if found != "right":
                rows = [link.row] if link.row >= 0 else link.ties[:3]
                said = [(index.paths[linker.statements[row]["file"]], linker.statements[row]["line"]) for row in rows]
                tally.missed[f"{found} {path}:{line} {record['level']} {record['body'][:120]!r} -> {said}"] += 1
    print(HEAD)
    print(tally.row(f"{given.program} ({index.figures()['lines']:,} lines indexed in {took:.0f} s of CPU)"))
    print(f"by kind: {dict(tally.kinds.most_common())}")
    print(f"{elsewhere} more records come from files that are not in the tree")
    for sentence, count in tally.missed.most_common(given.missed):
        print(count, sentence)


if __name__ == "__main__":
    main()
