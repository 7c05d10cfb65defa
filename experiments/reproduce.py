"""Published and computed figures, measured again: every file of configs/reproduce is one row.

    python experiments/reproduce.py [NAME …] [--json] [--page]          # `make reproduce`: all rows, about 10 minutes

A file says what was published or computed, by whom, and how to get it here: commands (``{data}`` is the folder of
labelled data, ``{out}`` an empty one; the last command prints JSON) and where in that JSON the figure is. A row is ok
if the figure is within its tolerance. Otherwise it needs the reason in a sentence, and the figure that is measured
here instead (``ours``), with the same tolerance, so that an explanation does not excuse everything.
Networks train with one seed and one thread. Ends with 1 where a figure is neither expected nor explained, or could
not be measured. ``--page`` keeps what was measured in experiments/results/reproduce.json and writes docs/reproduce.md
from it.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, model_validator

from logradar.core.config import Config, load_config
from logradar.core.errors import ConfigError

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / "configs" / "reproduce"
KEPT: Final = ROOT / "experiments" / "results" / "reproduce.json"
PAGE: Final = ROOT / "docs" / "reproduce.md"
PACKAGES: Final = ("logradar", "numpy", "polars", "torch")
WORDS: Final = {"ok": "as expected", "explained": "explained below", "OFF": "**off**"}
KINDS: Final = {
    "published": """Figures of papers and of published code. If only a part of the set is available, or the
protocol is not fully known, the row says what differs.""",
    "computed": """What rules without a model reach on these files, known before LogRadar was written. The bare
rule: every session with something new is an anomaly (`--threshold 0`). By default a bundle takes its threshold from
validation sessions instead; the pages of the [sets](sets/README.md) show both.""",
}
LEFT_OUT: Final = """## Left out

- Figures that need data which are not available here: all 553,366 normal sequences of HDFS_v1 (DeepLog on a random
  80/20 split 0.908, count vectors on a random 1 % 0.96), BGL as a whole, Thunderbird, Liberty, Spirit, ADFA.
- Supervised methods (LogRobust, LightAD, LogLLM, …): LogRadar learns from normal logs only.
- Methods that read what log lines do not contain: spans (DeepTraLog), metrics (Nezha).

HDFS at natural prevalence rests on 3,366 normal sessions that represent 553,366: one false alarm more or less is 0.005
of F1. So the tolerance of rules is 0.01 there; that of networks is 0.02, as much as seeds differ.
"""
Commands = tuple[str, ...]
Keys = tuple[str | int, ...]


class Row(Config):
    """One published method on one set by one protocol."""

    title: str = Field(..., min_length=10, description="method, set and protocol")
    kind: Literal["published", "computed"] = Field(
        ..., description="computed: nobody published it, it was worked out without a model on the same data"
    )
    source: str = Field(..., min_length=10, description="where the expected figure comes from: authors, venue, year")
    run: Commands = Field(..., min_length=1, description="commands; the last one prints JSON")
    read: Keys = Field(..., min_length=1, description="keys that lead to the figure")
    metric: str = Field("F1", description="what the figure is")
    expected: float = Field(..., description="the figure of the source")
    tolerance: float = Field(0.005, ge=0, description="how far ours may be away from it")
    ours: float | None = Field(None, description="what comes here instead, where it is explained")
    why: str = Field("", description="why ours differs, with evidence; empty where it should not")

    @model_validator(mode="after")
    def _explained(self) -> Row:
        if bool(self.why) != (self.ours is not None):
            raise ValueError("'why' and 'ours' belong together: a reason needs the figure that it explains")
        if self.ours is not None and abs(self.ours - self.expected) <= self.tolerance:
            raise ValueError("'ours' is within the tolerance, so there is nothing to explain")
        return self

    def verdict(self, got: float) -> str:
        """``ok``, ``explained`` or ``OFF``."""
        if _near(got, self.expected, self.tolerance):
            return "ok"
        return "explained" if self.ours is not None and _near(got, self.ours, self.tolerance) else "OFF"


@dataclass(frozen=True)
class Measured:
    """What came of a row, and how."""

    run: Commands
    read: Keys
    got: float
    seconds: int  # by the clock; 0 where another row had run the same commands already
    day: str
    versions: str


class Failed(Exception):
    """A row that could not be measured, in words."""


class Runner:
    """Runs the commands of rows; the same commands only once.

    With one thread each, so that sums come in the same order on all machines.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._environment = {**os.environ, "OMP_NUM_THREADS": "1", "LOGRADAR_DATA": str(data)}
        self._documents: dict[Commands, Any] = {}

    def measure(self, row: Row) -> Measured:
        """The figure of a row. Raises `Failed`."""
        began = time.monotonic()
        if row.run not in self._documents:
            self._documents[row.run] = self._run(row.run)
        found = self._documents[row.run]
        for key in row.read:
            try:
                found = found[key]
            except (KeyError, IndexError, TypeError):
                there = ", ".join(map(str, found)) if isinstance(found, dict) else repr(found)[:80]
                raise Failed(f"there is no {key!r} (of {list(row.read)}) in what was printed, but {there}") from None
        if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
            raise Failed(f"{list(row.read)} is {found!r}, which is no figure")
        today = datetime.now(UTC).date().isoformat()
        return Measured(row.run, row.read, float(found), round(time.monotonic() - began), today, versions())

    def _run(self, commands: Commands) -> Any:
        told = ""
        with tempfile.TemporaryDirectory(prefix="logradar-reproduce-") as out:
            for line in commands:
                words = [word.format(data=self._data, out=out) for word in shlex.split(line)]
                logradar = str(Path(sys.executable).with_name("logradar"))
                start = [logradar] if words[0] == "logradar" else [sys.executable, str(ROOT / words[0])]
                command = [*start, *words[1:]]
                try:
                    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=self._environment)
                except OSError as error:
                    raise Failed(f"'{line}' could not be started: {error}") from None
                if done.returncode:
                    last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
                    raise Failed(f"'{line}' ended with {done.returncode}: {last}")
                told = done.stdout
        try:
            return json.loads(told)
        except json.JSONDecodeError:
            raise Failed(f"'{commands[-1]}' printed no JSON") from None


def versions() -> str:
    """Of what measures: LogRadar with its commit, Python, and the libraries that figures depend on."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    names = [f"{name} {version(name)}" for name in PACKAGES]
    if commit.returncode == 0:
        names[0] += f" ({commit.stdout.strip()})"
    return ", ".join([names[0], f"Python {platform.python_version()}", *names[1:]])


def _near(got: float, figure: float, tolerance: float) -> bool:
    return abs(got - figure) <= tolerance + 1e-12


def shown(figure: float) -> str:
    """A share with three digits, a count as it is."""
    return f"{figure:g}" if abs(figure) > 1 else f"{figure:.3f}"


def page(rows: dict[str, Row], kept: dict[str, Measured]) -> str:
    """docs/reproduce.md from rows and what was measured; rows that were not measured are marked."""
    days = sorted({one.day for one in kept.values()})
    ways = sorted({one.versions for one in kept.values()})
    signs = [rows[name].verdict(one.got) for name, one in kept.items() if name in rows]
    summary = ", ".join(f"{signs.count(sign)} {word}" for sign, word in WORDS.items() if sign in signs)
    parts = [
        "<!-- Written by `python experiments/reproduce.py --page`; do not edit. -->\n# Reproduction\n",
        "`make reproduce` measures all rows again in about 10 minutes (nine of CPU time) and ends with 1 "
        "where a figure is neither within its tolerance nor explained. Each row is a file of "
        "[configs/reproduce](../configs/reproduce): source, commands, expected figure, tolerance. "
        "`python experiments/reproduce.py NAME` measures one.\n",
        f"Measured {' to '.join(days[:1] + days[1:][-1:])} with {'; '.join(ways)}. {len(signs)} rows: {summary}. "
        "Networks: one seed, one thread.\n",
    ]
    for kind, text in KINDS.items():
        parts.append(f"## {kind.capitalize()}\n\n{text}\n")
        lines = ["| row | source | metric | expected | got | |\n" + "|---" * 6 + "|"]
        for name, row in rows.items():
            if row.kind != kind:
                continue
            link = f"[{row.title}](../configs/reproduce/{name}.yaml)"
            expected = f"{shown(row.expected)} ± {row.tolerance:g}"
            one = kept.get(name)
            cells = (shown(one.got), row.verdict(one.got)) if one else ("not measured", "")
            lines.append(f"| {' | '.join((link, row.source, row.metric, expected, *cells))} |")
        parts.append("\n".join(lines) + "\n")
    parts.append("## Why some differ\n")
    reasons = [
        f"- **{row.title}** ({shown(row.expected)}, here {shown(kept[name].got)}). {row.why.strip()}"
        for name, row in rows.items()
        if name in kept and row.verdict(kept[name].got) == "explained"
    ]
    parts.append("\n".join(reasons) + "\n")
    parts.append(LEFT_OUT)
    return "\n".join(parts)


def by_name(folder: Path) -> list[Path]:
    """The files of a folder of rows."""
    return sorted(folder.glob("*.yaml"), key=lambda file: file.stem)


def kept_before(rows: dict[str, Row]) -> dict[str, Measured]:
    """What was measured before, as far as the rows are still the same."""
    found = json.loads(KEPT.read_text()) if KEPT.is_file() else {}
    kept = {name: Measured(**{**one, "run": (*one["run"],), "read": (*one["read"],)}) for name, one in found.items()}
    return {
        name: one
        for name, one in kept.items()
        if name in rows and (one.run, one.read) == (rows[name].run, rows[name].read)
    }


def main() -> None:
    """Measure all rows, or the named ones, and print expected and got."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("LOGRADAR_DATA") or ROOT / "../shared/data")
    parser.add_argument("--configs", type=Path, default=FOLDER, help="folder of rows")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--page", action="store_true", help="keep what was measured and write docs/reproduce.md")
    parser.add_argument("names", nargs="*", help="files of configs/reproduce, without .yaml; default: all")
    given = parser.parse_args()
    data = Path(given.data_dir).resolve()
    if not data.is_dir():
        sys.exit(f"There are no labelled data in '{data}': set LOGRADAR_DATA or --data-dir.")
    try:
        rows = {file.stem: load_config(Row, file) for file in by_name(given.configs)}
    except ConfigError as error:
        sys.exit(str(error))
    if strange := [name for name in given.names if name not in rows]:
        sys.exit(f"There is no row {', '.join(strange)}; there are {', '.join(rows) or 'none at all'}.")
    runner, results, lost = Runner(data), {}, []
    found: dict[str, Measured] = {}
    for name in given.names or rows:
        row = rows[name]
        try:
            found[name] = runner.measure(row)
        except Failed as error:
            sign, seen = "FAILED", {"error": str(error)}
        else:
            sign, seen = row.verdict(found[name].got), asdict(found[name])
        if sign in ("OFF", "FAILED"):
            lost.append(name)
        results[name] = {"expected": row.expected, "tolerance": row.tolerance, "verdict": sign}
        results[name] |= {key: value for key, value in seen.items() if key not in ("run", "read")}
        if not given.json:
            print(_line(name, row, sign, found.get(name), seen), flush=True)
    if given.json:
        print(json.dumps(results, indent=1))
    if given.page:
        kept = kept_before(rows) | found
        KEPT.write_text(json.dumps({name: asdict(one) for name, one in sorted(kept.items())}, indent=1) + "\n")
        PAGE.write_text(page(rows, kept))
    sys.exit(f"Neither expected nor explained: {', '.join(lost)}" if lost else 0)


def _line(name: str, row: Row, sign: str, one: Measured | None, seen: dict[str, Any]) -> str:
    figures = f"expected {shown(row.expected)} ± {row.tolerance:g}"
    figures += f", got {shown(one.got)} ({one.seconds} s)" if one else f": {seen['error']}"
    lines = [f"{sign:9} {name}: {row.title}", f"{row.metric} {figures}", row.source]
    if sign == "explained":
        lines.append(row.why.strip())
    return f"\n{'':10}".join(lines)


if __name__ == "__main__":
    main()
