"""Training without labels beside other tools: LogRadar, LogLead and loglensai on the same two halves of HDFS 2 %.

The earlier half of the blocks, by first line, trains as it is: 4,312 blocks, 171 of them anomalous, nobody says which.
The later half, 4,313 blocks with 117 anomalies, is judged: an alarm is a block that a tool names.

The other tools need an environment of their own:

    python -m venv peers; peers/bin/pip install loglead==2.0.0 loglensai==0.13.1
    python experiments/unlabelled_peers.py --peer-python peers/bin/python [--seeds 5] [--answers 5]

LogRadar: `train --no-labels split.test=0.5`, `evaluate`, all defaults; then `review`, each question answered with the
label of the block that it shows. LogLead: its unsupervised detectors with their defaults, and with a contamination of
0.03, on counts of Drain events and of masked words. loglensai: `loglens analyze` on the earlier half, which learns a
baseline, then on the later half; a block is named where one of its lines is in a family of anomalies. Where chance
plays a part, all seeds run, and the run with the median F1 is shown. CPU seconds are those of all processes of a row,
of LogLead those for reading, counting and one detector; memory is the peak of the largest process. One thread.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from logradar.evaluation.bootstrap import intervals, resampled
from logradar.evaluation.metrics import measure, outcomes, wilson

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"blk_-?\d+")
KNOWN = {"events": "e_event_drain_id", "words": "e_words"}


@dataclass
class Halves:
    """Two files of whole blocks, the lines of the later one, and the truth about its blocks."""

    early: Path
    late: Path
    lines: list[str]
    labels: dict[str, bool]
    judged: list[str]

    @classmethod
    def of(cls, data: Path, home: Path) -> Halves:
        """Divide the sample; a line belongs to the first block that it names."""
        with lzma.open(data / "HDFS_2pct.log.xz", "rt") as packed:
            lines = packed.read().splitlines()
        with gzip.open(data / "HDFS_2pct_labels.csv.gz", "rt") as packed:
            labels = {row["BlockId"]: row["Label"] == "Anomaly" for row in csv.DictReader(packed)}
        blocks = [block_of(line) for line in lines]
        order = list(dict.fromkeys(blocks))
        later = set(order[len(order) // 2 :])
        parts: dict[bool, list[str]] = {False: [], True: []}
        for line, block in zip(lines, blocks, strict=True):
            parts[block in later].append(line)
        early, late = home / "early.log", home / "late.log"
        for path, part in ((home / "HDFS.log", lines), (early, parts[False]), (late, parts[True])):
            path.write_text("".join(f"{line}\n" for line in part))
        return cls(early, late, parts[True], labels, order[len(order) // 2 :])


@dataclass
class Run:
    """What one run of a tool says: the blocks with an alarm, a score for each block or none, and what it cost."""

    name: str
    alarms: set[str]
    scores: Mapping[str, float] | None = None
    cpu: float = 0.0
    memory: float = 0.0
    note: str = ""


@dataclass
class Cost:
    """CPU seconds of all child processes so far, and the peak memory of the largest one in MiB."""

    environment: dict[str, str] = field(default_factory=dict)
    cpu: float = 0.0
    memory: float = 0.0

    def run(self, command: list[str], cwd: Path) -> str:
        """Its standard output; stops where the command fails."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as told:
            child = subprocess.Popen(command, stdout=out, stderr=told, cwd=cwd, env=os.environ | self.environment)
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            self.cpu += used.ru_utime + used.ru_stime
            self.memory = max(self.memory, used.ru_maxrss / 1024)
            out.seek(0)
            told.seek(0)
            if child.returncode:
                raise SystemExit(f"{' '.join(command)}\n{told.read()[-2000:]}")
            return out.read()

    def of(self, name: str, alarms: Iterable[str], scores: Mapping[str, float] | None = None) -> Run:
        """A run that cost this much."""
        return Run(name, set(alarms), scores, self.cpu, self.memory)


def block_of(line: str) -> str:
    """The first block that a line names."""
    found = BLOCK.search(line)
    if found is None:
        raise SystemExit(f"A line without a block: {line}")
    return found[0]


def logradar(halves: Halves, home: Path, seed: int, answers: int, labels: Path) -> list[Run]:
    """Train and evaluate with defaults; then the same after a review."""
    command = [sys.executable, "-c", "from logradar.cli import main; main()"]
    log, bundle = str(home / "HDFS.log"), str(home / f"bundle-{seed}")
    cost = Cost({"OMP_NUM_THREADS": "1"})
    cost.run([*command, "train", log, "--no-labels", "split.test=0.5", f"seed={seed}", "-o", bundle], home)
    found = [_evaluated(cost, [*command, "evaluate", bundle, log], labels, halves, "LogRadar, default")]
    review = [*command, "review", bundle, "--json"]
    given: list[str] = []
    for _ in range(answers):
        questions = json.loads(cost.run([*review, "--top", "1"], home))["questions"]
        if not questions:
            break
        odd = halves.labels[block_of(" ".join(questions[0]["lines"]))]
        cost.run([*review, "--anomaly" if odd else "--normal", questions[0]["kind"]], home)
        given.append("anomaly" if odd else "normal")
    if given:
        evaluate = [*command, "evaluate", bundle, log]
        found.append(_evaluated(cost, evaluate, labels, halves, f"LogRadar, after {len(given)} answers"))
        found[-1].note = ", ".join(given)
    return found


def _evaluated(cost: Cost, command: list[str], labels: Path, halves: Halves, name: str) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        cost.run([*command, "--labels", str(labels), "-o", folder], Path(folder))
        document = json.loads((Path(folder) / "evaluation.json").read_text())
        table = pl.read_parquet(Path(folder) / "scores.parquet")
    if set(table["session_id"]) != set(halves.judged):
        raise SystemExit("LogRadar did not judge the later half.")
    scores = dict(zip(table["session_id"], table[f"score:{document['main']}"], strict=True))
    return cost.of(name, (block for block, score in scores.items() if score > document["threshold"]), scores)


def loglead(halves: Halves, home: Path, python: Path, column: str, seeds: int) -> list[Run]:
    """All detectors of LogLead on counts of one column."""
    out = home / "loglead.json"
    inside = str(Path(__file__).with_name("unlabelled_loglead.py"))
    cost = Cost({"OMP_NUM_THREADS": "1", "PYTHONPATH": ""})
    files = [str(halves.early), str(halves.late)]
    cost.run([str(python), inside, str(out), KNOWN[column], str(seeds), *files], home)
    told = json.loads(out.read_text())
    print(f"LogLead {told['version']} on {column}: {cost.cpu:.0f} CPU seconds for all", file=sys.stderr)
    return [
        Run(f"LogLead, {column}: {one['name']}", set(one["alarms"]), one["scores"], one["cpu"], cost.memory)
        for one in told["runs"]
    ]


def loglens(halves: Halves, home: Path, python: Path) -> list[Run]:
    """Its command line without and with a learnt baseline; its trained model, none, and the one it learns by itself."""
    alone = {"OMP_NUM_THREADS": "1", "PYTHONPATH": "", "HOME": str(home), "LOGLENS_DAEMON": "0"}
    command = [str(python.parent / "loglens"), "analyze", "--format", "json", "--profile", "hdfs", "--source"]
    learning, learnt = Cost(alone), home / "learnt"
    learning.run([*command, str(halves.early), "--state-dir", str(learnt)], home)
    found = []
    for head, options in (("default", []), ("no model", ["--no-model"]), ("model auto", ["--model", "auto"])):
        for baseline in (False, True):
            if head == "model auto" and not baseline:
                continue
            state = home / "state"
            shutil.rmtree(state, ignore_errors=True)
            shutil.copytree(learnt, state)  # a run goes on learning
            cost = Cost(alone, learning.cpu, learning.memory) if baseline else Cost(alone)
            how = ["--state-dir", str(state)] if baseline else ["--no-learn"]
            told = json.loads(cost.run([*command, str(halves.late), *options, *how], home))
            families = told["anomalies"]
            if any(family["count"] != len(family["line_numbers"]) for family in families):
                raise SystemExit("loglens does not name all lines of a family.")
            numbers = [number - 1 for family in families for number in family["line_numbers"]]
            name = f"loglensai, {head}, {'baseline learnt' if baseline else 'nothing learnt'}"
            found.append(cost.of(name, (block_of(halves.lines[number]) for number in numbers)))
            found[-1].note = f"{len(families)} families"
    print(f"loglensai {told['version']}", file=sys.stderr)
    return found


def row(runs: list[Run], halves: Halves) -> str:
    """A row of the table: the run with the median F1, and the least and most of all."""
    truth = np.array([halves.labels[block] for block in halves.judged])
    alarmed = [np.array([block in run.alarms for block in halves.judged]) for run in runs]
    every = [outcomes(truth, mask)["f1"] for mask in alarmed]
    middle = int(np.argsort(every, kind="stable")[(len(every) - 1) // 2])
    run, mask, told = runs[middle], alarmed[middle], outcomes(truth, alarmed[middle])
    draws = resampled(truth, {run.name: mask.astype(float)}, {run.name: mask})
    low, high = intervals(draws, run.name)["f1"] or (0.0, 0.0)
    spread = f"{min(every):.3f}–{max(every):.3f}" if len(runs) > 1 else ""
    areas = [_area(truth, one.scores, halves.judged) for one in runs if one.scores is not None]
    cells = [
        run.name + (f" ({run.note})" if run.note else ""),
        str(int(mask.sum())),
        _share(told["tp"], int(mask.sum())),
        _share(told["tp"], int(truth.sum())),
        f"{told['f1']:.3f} ({low:.3f}–{high:.3f})",
        spread,
        f"{np.median(areas):.3f}" if areas else "",
        f"{np.median([one.cpu for one in runs]):.0f}",
        f"{max(one.memory for one in runs):.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _area(truth: np.ndarray, scores: Mapping[str, float], judged: list[str]) -> float:
    return float(measure(truth, [scores[block] for block in judged], 0.0)["pr_auc"])


def _share(part: int, whole: int) -> str:
    bounds = wilson(part, whole)
    return f"{part / whole:.3f} ({bounds[0]:.3f}–{bounds[1]:.3f})" if bounds else "–"


def main() -> None:
    """Measure all of them and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peer-python", type=Path, required=True, help="python of an environment with the other tools")
    parser.add_argument("--seeds", type=int, default=5, help="runs of what depends on chance")
    parser.add_argument("--answers", type=int, default=5, help="questions of the review")
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("LOGRADAR_DATA") or ROOT / "../shared/data")
    given = parser.parse_args()
    data, python = Path(given.data_dir).absolute() / "hdfs", given.peer_python.absolute()
    if not python.is_file():
        parser.error(f"'{python}' does not exist.")
    grouped: dict[str, list[Run]] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        halves = Halves.of(data, home)
        odd = sum(halves.labels[block] for block in halves.judged)
        print(f"{len(halves.judged):,} blocks are judged, {odd} of them anomalous", file=sys.stderr)
        labels = data / "HDFS_2pct_labels.csv.gz"
        runs = [one for seed in range(given.seeds) for one in logradar(halves, home, seed, given.answers, labels)]
        for column in KNOWN:
            runs += loglead(halves, home, python, column, given.seeds)
        runs += loglens(halves, home, python)
    for run in runs:
        grouped.setdefault(run.name, []).append(run)
    head: list[Any] = ["", "alarms", "precision", "recall", "F1", "F1 of all seeds", "PR-AUC", "CPU s", "MiB"]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for several in grouped.values():
        print(row(several, halves))


if __name__ == "__main__":
    main()
