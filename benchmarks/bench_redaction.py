"""Redaction: precision and recall on the corpus, and speed on common and on hostile lines.

`python benchmarks/bench_redaction.py` prints the figures of docs/redaction.md. With ``--data DIR`` it also counts, for
each file below that ends with ``.log``, the lines that each rule changes, and shows one of them.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.core.redaction_corpus import cases, measure

from logradar.core.redaction.redactor import Redactor
from logradar.core.redaction.settings import NAMES, RedactionSettings

HOSTILE = ("a@", "4111 ", "DE89 ", "10.0.0.1 ", "password=", "-----BEGIN PRIVATE KEY-----", "://a:b@", "é@")
READ = 8_000_000  # bytes of each file


def seconds(texts: pl.Series) -> float:
    began = time.perf_counter()
    Redactor().column(texts)
    return time.perf_counter() - began


def on_files(folder: Path) -> None:
    """What each rule does to the lines of real logs."""
    for path in sorted(folder.rglob("*.log")):
        lines = pl.Series(path.read_bytes()[:READ].decode(errors="replace").splitlines(), dtype=pl.String)
        if not len(lines):
            continue
        print(f"{path.name}: {len(lines):,} lines, {lines.str.len_bytes().sum() / seconds(lines) / 1e6:.1f} MB/s")
        for name in NAMES:
            alone = Redactor(RedactionSettings(keep=tuple(other for other in NAMES if other != name))).column(lines)
            changed = (alone != lines).arg_true()
            if len(changed):
                print(f"  {name} {len(changed):,}: {lines[changed[len(changed) // 2]][:160]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder with logs")
    parser.add_argument("--full", action="store_true", help="hostile lines of 4 MB, not 400 kB")
    chosen = parser.parse_args()
    found = measure(Redactor().text)
    print(
        f"{found.strings} strings, {found.positive} of them with {found.wanted} secrets: {found.right} are masked "
        f"(recall {found.recall:.3f}), of {found.made} masks {found.right} are right (precision {found.precision:.3f})"
    )
    for wanted, got in found.wrong:
        print(f"  wanted {wanted!r}\n  got    {got!r}")
    texts = pl.Series([case.text for case in cases()] * (1_000 if chosen.full else 100))
    print(f"corpus, repeated: {texts.str.len_bytes().sum() / seconds(texts) / 1e6:.1f} MB/s")
    size = 4_000_000 if chosen.full else 400_000
    for unit in HOSTILE:
        line = unit * (size // len(unit))
        print(f"one line of {unit!r} again and again: {len(line) / seconds(pl.Series([line])) / 1e6:.2f} MB/s")
    if chosen.data:
        on_files(chosen.data)


if __name__ == "__main__":
    main()
