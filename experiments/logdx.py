"""Failed CI runs: which critical signals are in the first lines that `logradar diff - LOG` ranks.

    python experiments/logdx.py [--lines 200]

The data are those of LogDx (arXiv 2605.28876), found through LOGRADAR_DATA: 22 logs, each with the signals that tell
why the run failed. The authors' rule (their ``tools/evaluate_signal_recall.py``): a signal is kept where every evidence
line is among the lines kept, or else where its value, one of its aliases, or its file is part of the text kept, without
colours. "By lines" is the first half of the rule alone. The mean is over cases, as theirs is ("macro"). What LogRadar
ranks by was chosen on the split ``dev`` alone. Beside it, by the same rule: the last lines of the log, and the lines
that `grep -iE 'error|fail|exception|fatal|panic'` finds (the first ones where there are more; and all of them).
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import re
from collections.abc import Callable
from pathlib import Path

from logradar.core.progress import quiet
from logradar.pipeline.diff import diff
from logradar.sources.opening.opening import InputSettings

COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07]*(?:\x07|\x1b\\)")
GREP = re.compile("error|fail|exception|fatal|panic", re.I)
SPLITS = ("dev", "holdout", "stress", "v2", "all but dev", "all")
Keeps = Callable[[Path, list[str], int], list[int]]


def ranked(log: Path, lines: list[str], most: int) -> list[int]:
    """The numbers of the lines that LogRadar ranks first."""
    rows = diff(["-"], str(log), InputSettings(), most=most)["lines"]
    return [number for row in rows for number in range(row["line"], row["line"] + row["lines"])][:most]


def last(log: Path, lines: list[str], most: int) -> list[int]:
    """The last lines."""
    return list(range(max(1, len(lines) - most + 1), len(lines) + 1))


def grep(log: Path, lines: list[str], most: int) -> list[int]:
    """The first lines with a word of failure."""
    return [number for number, line in enumerate(lines, 1) if GREP.search(line)][:most]


def grep_all(log: Path, lines: list[str], most: int) -> list[int]:
    """All lines with a word of failure."""
    return grep(log, lines, len(lines))


def kept(signals: list[dict], lines: list[str], told: set[int]) -> tuple[int, int, int]:
    """Critical signals: all, kept by the authors' rule, and kept by lines alone."""
    text = "\n".join(COLOURS.sub("", lines[number - 1]) for number in sorted(told) if number <= len(lines))
    count = whole = by_line = 0
    for signal in signals:
        if signal.get("importance") != "critical":
            continue
        count += 1
        places = signal.get("evidence_lines") or []
        there = bool(places) and all(number in told for a, b in places for number in range(a, b + 1))
        words = [signal.get("value"), *(signal.get("aliases") or []), signal.get("file")]
        by_line += there
        whole += there or any(word.strip() in text for word in words if word and word.strip())
    return count, whole, by_line


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=200)
    most = parser.parse_args().lines
    quiet()
    data = Path(os.environ["LOGRADAR_DATA"]) / "logdx_ci"
    ways: dict[str, Keeps] = {
        "diff -": ranked,
        f"last {most}": last,
        f"grep, first {most}": grep,
        "grep, all": grep_all,
    }
    print("| lines kept | split | cases | critical | recall (mean) | recall (signals) | by lines | lines a case |")
    for name, keep in ways.items():
        rows = []
        for log in sorted(data.rglob("raw.log.xz")):
            lines = lzma.decompress(log.read_bytes()).decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
            signals = json.loads((log.parent / "ground_truth.json").read_text())["required_signals"]
            told = set(keep(log, lines, most))
            rows.append((log.relative_to(data).parts[0], *kept(signals, lines, told), len(told)))
        for split in SPLITS:
            of = [row for row in rows if split in ("all", row[0]) or (split == "all but dev" and row[0] != "dev")]
            counts = [sum(row[place] for row in of) for place in (1, 2, 3)]
            mean = sum(row[2] / row[1] for row in of) / len(of)
            print(
                f"| {name} | {split} | {len(of)} | {counts[0]} | {mean:.3f} | {counts[1] / counts[0]:.3f} "
                f"| {counts[2] / counts[0]:.3f} | {sum(row[4] for row in of) / len(of):.0f} |"
            )


if __name__ == "__main__":
    main()
