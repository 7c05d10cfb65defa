"""Real failures of Cassandra, HBase, HDFS, Kafka and ZooKeeper: `diff` and `train`, `detect` on good and bad runs.

    python experiments/anduril.py diff            by `logradar diff`
    python experiments/anduril.py detect          by `logradar train` on the good run, `logradar detect` on the others

The data are those of Anduril (Pan et al., SOSP 2024), found through LOGRADAR_DATA: a good run, mostly a second one, and
the bad run. Both commands say how often the bad run is more unusual than the second good run, and how often the second
good run gives a false alarm. `diff` also says which share of the statements that the authors mark, and that no good run
has, is among the first 10 and 50 lines. ``--without-tools`` takes out lines of the tools that injected the faults and
of the test runner, which say by themselves that a run is bad.
"""

from __future__ import annotations

import argparse
import csv
import io
import lzma
import os
import re
import tempfile
from pathlib import Path

from logradar.core.errors import LogRadarError
from logradar.core.progress import quiet
from logradar.model.settings import run_settings
from logradar.pipeline.detect import detect
from logradar.pipeline.diff import diff
from logradar.pipeline.train import train
from logradar.sources.opening.opening import InputSettings

PLACE = re.compile(r"\[[^\]\n]*?(?P<class>[\w$]+)@(?P<line>\d+)\]")
TOOLS = re.compile(r"LocalInjectionManager|FlakyAgent|TraceAgent|injected the exception|There (?:was|were) \d+ failure|"
                   r"FAILURES!!!|^Tests run: |^OK \(\d+ tests?\)|^\d+\) \w+\(|^[.E]$")  # fmt: skip
Statement = tuple[str, str]


def cases(data: Path) -> dict[str, dict[str, list[Path]]]:
    """The files of each run (good-1, good-2, bad) of each case."""
    found: dict[str, dict[str, list[Path]]] = {}
    with (data / "files.csv").open() as file:
        for row in csv.DictReader(file):
            found.setdefault(row["case"], {}).setdefault(row["run"], []).append(data / row["case"] / row["file"])
    return found


def run_folder(files: list[Path], folder: Path, without_tools: bool) -> Path:
    """The files of one run in a folder of its own, unpacked."""
    folder.mkdir(parents=True)
    for file in files:
        text = lzma.decompress(file.read_bytes()).decode("utf-8", "replace")
        if without_tools:
            text = "\n".join(line for line in text.split("\n") if not TOOLS.search(line))
        # one name for a file in all runs: neither run nor host
        name = re.sub(r"^(?:good-run-log-2|good-run-log|bad-run-log)_*", "", file.name.removesuffix(".xz"))
        (folder / f"run{name}").write_text(text)
    return folder


def marked(data: Path, case: str) -> set[Statement]:
    """Statements that the authors mark, in the bad run and in no good run."""
    with lzma.open(data / "statements.csv.xz", "rt") as file:
        rows = [row for row in csv.DictReader(io.StringIO(file.read())) if row["case"] == case]
    return {
        (row["class"], row["line"])
        for row in rows
        if row["marked_by_authors"] == "1"
        and int(row["bad"] or 0)
        and not int(row["good1"] or 0) + int(row["good2"] or 0)
    }


def statement_of(source: str, line: int) -> Statement | None:
    """Class and line of the statement that wrote a line."""
    with Path(source).open(encoding="utf-8", errors="replace") as file:
        text = next(text for number, text in enumerate(file, 1) if number == line)
    found = PLACE.search(text)
    return (found["class"], found["line"]) if found else None


def by_diff(data: Path, without_tools: bool) -> None:
    """One row for each case, then the sums."""
    print("| case | bad | second good | alarm bad | alarm good | marked | in 10 | in 50 |")
    sums = dict.fromkeys(("pairs", "right", "ties", "alarms", "false", "bad", "marked", "ten", "fifty"), 0)
    for case, runs in cases(data).items():
        with tempfile.TemporaryDirectory() as scratch:
            place = {run: str(run_folder(files, Path(scratch, run), without_tools)) for run, files in runs.items()}
            found = diff([place["good-1"]], place["bad"], InputSettings())
            other = diff([place["good-1"]], place["good-2"], InputSettings()) if "good-2" in place else None
            all_good = [place[run] for run in ("good-1", "good-2") if run in place]
            told = diff(all_good, place["bad"], InputSettings())["changes"] if len(all_good) > 1 else found["changes"]
            said = [statement_of(row["source"], row["line"]) for row in told]
            wanted = marked(data, case)
        ten, fifty = (len(wanted.intersection(said[:most])) for most in (10, 50))
        second = other["unusualness"] if other else None
        print(
            f"| {case} | {found['unusualness']:.2f} | {'–' if other is None else f'{second:.2f}'} | {found['new']} "
            f"| {'–' if other is None else other['new']} | {len(wanted)} | {ten} | {fifty} |"
        )
        sums["bad"] += 1
        sums["alarms"] += found["new"]
        sums["marked"] += len(wanted)
        sums["ten"] += ten
        sums["fifty"] += fifty
        if other is not None:
            sums["pairs"] += 1
            sums["right"] += found["unusualness"] > other["unusualness"]
            sums["ties"] += found["unusualness"] == other["unusualness"]
            sums["false"] += other["new"]
    print(
        f"\nBad run more unusual in {sums['right']} of {sums['pairs']} ({sums['ties']} ties); alarm on the bad run in "
        f"{sums['alarms']} of {sums['bad']}, on the second good run in {sums['false']} of {sums['pairs']}; marked "
        f"statements in the first 10 lines {sums['ten'] / sums['marked']:.3f}, in the first 50 "
        f"{sums['fifty'] / sums['marked']:.3f} of {sums['marked']}."
    )


def by_detect(data: Path, without_tools: bool) -> None:
    """The same by the default detector, trained on the good run."""
    print("| case | alerts bad | alerts second good | highest bad | highest good |")
    right = false = alarms = pairs = bad = failed = 0
    for case, runs in cases(data).items():
        with tempfile.TemporaryDirectory() as scratch:
            place = {run: str(run_folder(files, Path(scratch, run), without_tools)) for run, files in runs.items()}
            try:
                train(place["good-1"], Path(scratch, "bundle"), run_settings(given={}))
                alerts = {
                    run: detect(Path(scratch, "bundle"), place[run]).alerts["score"].to_pylist()
                    for run in ("bad", "good-2")
                    if run in place
                }
            except LogRadarError as error:
                failed += 1
                print(f"| {case} | {error} |")
                continue
        highest = {run: max(scores, default=0.0) for run, scores in alerts.items()}
        shown = "–" if "good-2" not in alerts else f"{len(alerts['good-2'])}"
        best = "–" if "good-2" not in alerts else f"{highest['good-2']:.3g}"
        print(f"| {case} | {len(alerts['bad'])} | {shown} | {highest['bad']:.3g} | {best} |")
        bad += 1
        alarms += bool(alerts["bad"])
        if "good-2" in alerts:
            pairs += 1
            false += bool(alerts["good-2"])
            right += (len(alerts["bad"]), highest["bad"]) > (len(alerts["good-2"]), highest["good-2"])
    print(
        f"\nMore alerts (or as many, with a higher score) on the bad run in {right} of {pairs}; an alert on the bad "
        f"run in {alarms} of {bad}, on the second good run in {false} of {pairs}; {failed} could not be trained."
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("by", choices=("diff", "detect"))
    parser.add_argument("--without-tools", action="store_true")
    arguments = parser.parse_args()
    quiet()
    data = Path(os.environ["LOGRADAR_DATA"]) / "anduril"
    (by_diff if arguments.by == "diff" else by_detect)(data, arguments.without_tools)


if __name__ == "__main__":
    main()
