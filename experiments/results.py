"""Measures the figures of docs/results.md and writes that page: HDFS (two splits), simulated services, labelled sets.

    python experiments/results.py [hdfs shop split sets]     # needs LOGRADAR_DATA; an hour on two cores
    python experiments/results.py sets --only bgl iotdb [--again simple deeplog …]
    python experiments/results.py page     # only writes the page again

Each part keeps what it measured in experiments/results/PART.json; the page is made of all of them.

Every figure follows the rules of docs/reference-evaluation.md: chronological, natural prevalence,
thresholds from normal validation sessions, simple detectors next to the neural ones.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hdfs_deeplog_split import RULES, Split, at_default, rows_of, rules
from logradar import __version__
from logradar.detectors.base import detectors
from logradar.model.settings import SIMPLE, run_settings
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.train import train
from logradar.simulation.simulate import simulate
from results_sets import SETS, measured
from results_sets_page import section
from results_tables import spread

ROOT = Path(__file__).resolve().parents[1]
PAGE, PARTS = ROOT / "docs" / "results.md", ROOT / "experiments" / "results"
SEEDS = (1, 2, 3)
NEURAL = ("deeplog", "loglstm", "logtcn", "logbert")
COLUMNS = ("f1", "precision", "recall", "fpr", "pr_auc", "mcc", "false_alarms_per_day")
Document = dict[str, Any]


def settings(seed: int, *overrides: str) -> Any:
    """The settings of the demo: an ensemble of simple detectors; `values` and the sequence models beside it."""
    return run_settings(None, overrides, {"seed": seed, "beside": (*SIMPLE, "values", *NEURAL)})


def hdfs(home: Path) -> dict[str, Any]:
    """The later half of the HDFS 2 % sample, once for each seed."""
    found = []
    for seed in SEEDS:
        train("hdfs", home / "hdfs", settings(seed))
        found.append(kept(evaluate(home / "hdfs", "hdfs").document))
    return {"seeds": found}


def shop(home: Path) -> dict[str, Any]:
    """A simulated day with all faults, and fault-free days of other seeds."""
    simulate(home / "normal", faults="none", seed=21)
    train(str(home / "normal"), home / "shop", settings(1))
    simulate(home / "faulty", faults="all", seed=22, start="2026-03-03")
    faulty = kept(evaluate(home / "shop", str(home / "faulty")).document)
    quiet = []
    for seed in (23, 24, 25):
        simulate(home / f"quiet-{seed}", faults="none", seed=seed, start="2026-03-04")
        quiet.append(kept(evaluate(home / "shop", str(home / f"quiet-{seed}")).document))
    return {"faulty": faulty, "quiet": quiet}


def split(home: Path) -> dict[str, list[Document]]:
    """DeepLog's own split: cheap rules, and every sequence model with its default threshold, once for each seed."""
    data = Split(Path(os.environ["LOGRADAR_DATA"]) / "hdfs")
    found = {name: [row] for name, row in rules(data)}
    found |= {f"`{name}`": [at_default(data, name, seed) for seed in range(len(SEEDS))] for name in RULES}
    for name in NEURAL:
        rows = []
        for seed in range(len(SEEDS)):
            every = dict(rows_of(data, name, detectors.load(name).Settings(), seed))
            rows += [row for told, row in every.items() if told.endswith("own, quantile 0.995")]
        found[f"`{name}`"] = rows
    return found


def split_table(found: dict[str, list[Document]]) -> str:
    """F1 at natural prevalence, and what it is made of."""
    head = "| detector | F1 | precision | recall | fpr | F1 unseen | F1 distinct |\n" + "|---" * 7 + "|\n"
    rows = []
    for name, figures in found.items():
        cells = [spread([row["all"][column] for row in figures]) for column in ("f1", "precision", "recall")]
        cells.append(f"{sum(row['all']['fpr'] for row in figures) / len(figures):.2%}")
        cells += [spread([row[view]["f1"] for row in figures]) for view in ("unseen", "distinct")]
        rows.append(f"| {name} | " + " | ".join(cells) + " |\n")
    return head + "".join(rows)


def kept(document: Document) -> Document:
    """What the page tells of an evaluation."""
    facts = {name: document[name] for name in ("sessions", "anomalies", "faults")}
    columns = (*COLUMNS, "unseen_only", "distinct", "intervals")
    figures = {
        name: {column: one[column] for column in columns if column in one}
        for name, one in document["detectors"].items()
    }
    return {**facts, "detectors": figures, "audit": {"notes": document["audit"]["notes"]}}


def side_by_side(documents: list[Document]) -> str:
    """Detectors by F1; mean over seeds, and the range where seeds differ."""
    head = "| detector | " + " | ".join(name.replace("_", " ") for name in COLUMNS) + " | F1 unseen | F1 distinct |\n"
    rows = [head, "|---" * (len(COLUMNS) + 3) + "|\n"]
    names = sorted(
        documents[0]["detectors"], key=lambda name: -sum(one["detectors"][name]["f1"] or 0 for one in documents)
    )
    for name in names:
        figures = [document["detectors"][name] for document in documents]
        cells = [spread([one[column] for one in figures]) for column in COLUMNS]
        cells += [spread([one[part]["f1"] for one in figures]) for part in ("unseen_only", "distinct")]
        rows.append(f"| {name} | " + " | ".join(cells) + " |\n")
    return "".join(rows)


def by_fault(document: Document) -> str:
    """Recall of every detector on every kind of fault."""
    names = list(document["detectors"])
    rows = ["| fault | sessions | " + " | ".join(names) + " |\n", "|---" * (len(names) + 2) + "|\n"]
    for kind, found in document["faults"].items():
        cells = [f"{found['recall'][name]:.3f}" for name in names]
        rows.append(f"| {kind} | {found['sessions']} | " + " | ".join(cells) + " |\n")
    return "".join(rows)


def quiet_days(documents: list[Document]) -> str:
    """Share of sessions alerted on days without faults."""
    names = list(documents[0]["detectors"])
    rows = ["| day | sessions | " + " | ".join(names) + " |\n", "|---" * (len(names) + 2) + "|\n"]
    for number, document in enumerate(documents, 1):
        cells = [f"{document['detectors'][name]['fpr']:.2%}" for name in names]
        rows.append(f"| {number} | {document['sessions']:,} | " + " | ".join(cells) + " |\n")
    return "".join(rows)


def page(parts: dict[str, Any]) -> str:
    """The whole page."""
    found, faulty, quiet = parts["hdfs"]["seeds"], parts["shop"]["faulty"], parts["shop"]["quiet"]
    first = found[0]
    told = "; ".join(f"{name} on {part['measured']}" for name, part in parts.items())
    interval = "{:.3f}–{:.3f}".format(*first["detectors"]["count_vector"]["intervals"]["precision"])
    return f"""# Results

Written by `python experiments/results.py`, two CPU cores. Measured: {told}.
Thresholds are the 99.5 % quantile of normal validation scores; nothing is tuned on test data.
What moved since the first measurement (2026-11-21), and why, is in the log of experiments: since then
[networks learn their validation sessions](decisions/0024-networks-learn-their-validation-sessions.md), and
[templates are decided over all lines](decisions/0026-templates-are-decided-over-all-lines.md).
How each figure is computed:
[evaluation](reference-evaluation.md). What was tried and failed: [experiments](../experiments/LOG.md).

## HDFS, 2 % sample, earlier half against later half

`logradar train hdfs -o b; logradar evaluate b hdfs`: {first["sessions"]:,} test sessions, {first["anomalies"]} of
them anomalous (natural prevalence), seeds {", ".join(map(str, SEEDS))}: mean and (least–most). With so few anomalies
intervals are wide: the precision of `count_vector` has the 95 % interval {interval}.

{side_by_side(found)}
{"".join(f"- {note}{chr(10)}" for note in first["audit"]["notes"])}
A new count vector alone is the bar here. Nearly all of its false alarms are one harmless behaviour, block
re-replication, that begins after the cut. The thresholds of the sequence models are unstable here: 846 validation
sessions leave four above the 99.5 % quantile, and what they find depends on the seed. How they learn was chosen by
looking at these labels ([log of experiments](../experiments/LOG.md), 2026-11-29), so they are better here than on a new
log.

## Simulated services

One fault-free day of 500,000 lines trains (seed 21); a day with twelve kinds of faults (seed 22) and three fault-free
days (seeds 23 to 25) are measured: `logradar simulate`, `logradar train`, `logradar evaluate`.

{side_by_side([faulty])}
Recall by fault:

{by_fault(faulty)}
Share of sessions alerted on fault-free days of other seeds:

{quiet_days(quiet)}
`wrong_delay` leaves every sequence as it is: only [values](detector-values.md) can find it
(`python experiments/values_study.py`). The `wrong_value` of this day is a carrier with the name `unknown`, a message
that never came; where an amount is wrong, only `values` can find that too.

These logs were designed to be learnable: they show that each kind of fault can be found, not how hard your logs are.

## DeepLog's own split of HDFS

`python experiments/hdfs_deeplog_split.py --detector NAME`: 4,855 normal sessions train (their last 15 % are for
thresholds); 3,366 further normal and all 16,838 anomalous sessions are measured, weighted to the natural prevalence of
HDFS (553,366 normal). Seeds 0, 1, 2: mean and (least–most). The first three rows are bare rules: sets from all
4,855 sessions, without a threshold.

{split_table({name: rows for name, rows in parts["split"].items() if name != "measured"})}
Top-9 rules, other quantiles and results of published code are on the pages of [DeepLog](detector-deeplog.md),
[LogLSTM](detector-loglstm.md), [LogTCN](detector-logtcn.md) and [LogBERT](detector-logbert.md).

{section(parts["sets"])}
## Measured elsewhere

| what | measured by | page |
|---|---|---|
| thirty simulated days, by service | `experiments/ensemble_month.py` | [ensemble](detector-ensemble.md#measured) |
| alerts a day, asked for and raised; drift | `experiments/budget_and_drift.py` | [studies](studies.md#alerts-a-day) |
| feedback on a few alerts | `experiments/feedback_hdfs.py` | [studies](studies.md#feedback) |
| continued training without forgetting | `experiments/forgetting.py` | [studies](studies.md#continued-training) |
| anomalies in training | `experiments/contamination.py --trim 0,true` | [studies](studies.md#anomalies-in-training) |
| sizes of windows | `experiments/window_study.py` | [studies](studies.md#size-of-a-window) |
| grouping of lines into templates | `experiments/grouping_accuracy.py` | [studies](studies.md#grouping-accuracy) |
| published figures, measured again | `make reproduce` | [reproduction](reproduce.md) |
| speed and memory | `make bench` | [performance](performance.md) |
"""


def main() -> None:
    """Measure the named parts, or all, and write the page."""
    known = {"hdfs": hdfs, "shop": shop, "split": split}
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*known, "sets", "page", []], default=[], help="default: all")
    parser.add_argument("--only", nargs="+", choices=[one.name for one in SETS], default=[], help="of sets: these")
    parser.add_argument("--again", nargs="+", default=[], help="of sets: simple, or networks; default: everything")
    asked = parser.parse_args()
    os.environ.setdefault("LOGRADAR_DATA", str(ROOT / "../shared/data"))
    PARTS.mkdir(exist_ok=True)
    for name in asked.parts or [*known, "sets"]:
        if name == "sets":
            measured(PARTS / "sets.json", asked.only, asked.again)
        elif name in known:
            with tempfile.TemporaryDirectory() as folder:
                found = {"measured": f"{datetime.now(UTC).date()}, LogRadar {__version__}", **known[name](Path(folder))}
            (PARTS / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")
    known = [*known, "sets"]
    if left := [name for name in known if not (PARTS / f"{name}.json").exists()]:
        sys.exit(f"The page needs all parts; still to measure: {', '.join(left)}.")
    PAGE.write_text(page({name: json.loads((PARTS / f"{name}.json").read_text()) for name in known}))
    print(f"wrote {PAGE}", file=sys.stderr)


if __name__ == "__main__":
    main()
