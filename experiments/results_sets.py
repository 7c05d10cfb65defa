"""Part ``sets`` of docs/results.md: every labelled set of docs/sets in its own split, all detectors.

    python experiments/results.py sets [--only NAME …] [--again simple deeplog …]

Trains and measures as ``logradar train INPUT -o b seed=N …`` and ``logradar evaluate b INPUT`` do, one set at a time,
the smallest first. What is measured is kept in experiments/results/sets.json after each set.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from logradar import __version__
from logradar.core.progress import quiet
from logradar.model.settings import SIMPLE, run_settings
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.train import train

SEEDS: Final = (1, 2, 3)
CAUSAL: Final = ("deeplog", "loglstm", "logtcn")
SHORT, LONG = 90, 300  # CPU seconds of a training up to which three seeds are measured, and one
FIGURES: Final = (
    "f1",
    "precision",
    "recall",
    "fpr",
    "pr_auc",
    "roc_auc",
    "recall_at_1pct_fpr",
    "oracle_f1",
    "tp",
    "fp",
)
KEPT: Final = ("sessions", "anomalies", "prevalence", "split", "caveats")
Document = dict[str, Any]


@dataclass(frozen=True)
class LabelledSet:
    """One row of the table: what is given to the commands.

    ``raw``: has lines, so values; ``small``: LogBERT too; ``heavy``: what stands beside the ensemble is
    trained one at a time, with one seed.
    """

    name: str
    input: str
    overrides: tuple[str, ...] = ()
    raw: bool = False
    small: bool = False
    heavy: bool = False

    def command(self) -> str:
        """What a person would type."""
        given = "".join(f" {override}" for override in self.overrides)
        return f"logradar train {self.input} -o b{given}; logradar evaluate b {self.input}"


SETS: Final = (
    LabelledSet("onlineboutique", "onlineboutique", raw=True, small=True),
    LabelledSet("openstack", "openstack", small=True),
    LabelledSet("openstack-500", "openstack", ("split.first=500",), small=True),
    LabelledSet("openstack_lines", "openstack_lines", raw=True, small=True),
    LabelledSet("hadoop", "hadoop", heavy=True),
    LabelledSet("bgl", "bgl", heavy=True),
    LabelledSet("bgl-20", "bgl", ("input.window=20",), heavy=True),
    LabelledSet("bgl-lines", "bgl", ("input.window=1",), heavy=True),
    LabelledSet("hdfs_100k", "hdfs_100k", small=True),
    LabelledSet("hdfs_blocks", "hdfs_blocks", small=True),
    LabelledSet("hdfs_federated", "hdfs_federated", heavy=True),
    LabelledSet("trainticket", "trainticket", raw=True, heavy=True),
    LabelledSet("trainticket_deeptralog", "trainticket_deeptralog", raw=True, heavy=True),
    LabelledSet("iotdb", "iotdb", raw=True, heavy=True),
)


def measured(path: Path, only: list[str], again: list[str]) -> Document:
    """Measure the sets of ``only`` (none: all) and keep them in ``path``, beside what it holds of the others.

    ``again`` names what is measured anew (``simple``, or detectors beside it; none: everything); the rest stays.
    """
    quiet()
    kept: Document = json.loads(path.read_text()) if path.exists() else {"sets": {}}
    for one in (one for one in SETS if not only or one.name in only):
        found = kept["sets"].setdefault(one.name, {"beside": {}})
        if not again or "simple" in again:
            found |= _simple(one)
        for names in _groups(one):
            if not again or set(names) & set(again):
                found["beside"] |= _beside(one, names, 1 if one.heavy or names == ("logbert",) else len(SEEDS))
        kept["measured"] = found["measured"] = f"{datetime.now(UTC).date()}, LogRadar {__version__}"
        kept["sets"] = {one.name: kept["sets"][one.name] for one in SETS if one.name in kept["sets"]}
        path.write_text(json.dumps(kept, indent=1) + "\n")
    return kept


def _groups(one: LabelledSet) -> list[tuple[str, ...]]:
    """Detectors beside the ensemble, by who is trained together."""
    causal = [(name,) for name in CAUSAL] if one.heavy else [CAUSAL]
    return [*([("values",)] if one.raw else []), *causal, *([("logbert",)] if one.small else [])]


def _simple(one: LabelledSet) -> Document:
    """The ensemble and its members; what the set is like."""
    documents = _seeds(one, "ensemble", list(SIMPLE), len(SEEDS))
    first = documents[0]
    detectors = {name: [document["detectors"][name] for document in documents] for name in first["detectors"]}
    return {**{key: first[key] for key in (*KEPT, "twins")}, "command": one.command(), "detectors": detectors}


def _beside(one: LabelledSet, names: tuple[str, ...], seeds: int) -> dict[str, Document]:
    """Detectors that are trained together: so many seeds where that is short, else one, none where it is long."""
    documents = _seeds(one, names[0], list(names[1:]), seeds, limit=LONG)
    seconds = round(documents[0]["seconds"] / len(names)) if documents else LONG
    return {
        name: {"seeds": [document["detectors"][name] for document in documents], "seconds": seconds} for name in names
    }


def _seeds(one: LabelledSet, detector: str, beside: list[str], most: int, limit: int = 0) -> list[Document]:
    """What is measured with each seed; one seed where that took long; none where it would take longer than it may."""
    found: list[Document] = []
    for seed in SEEDS[:most]:
        try:
            found.append(_measure(one, seed, detector, beside, limit * (len(beside) + 1)))
        except _TooLong:
            return []
        if found[0]["seconds"] > SHORT * (len(beside) + 1 if limit else 1):
            break
    for name in found[0]["detectors"]:
        print(one.name, name, _told([document["detectors"][name] for document in found]), file=sys.stderr, flush=True)
    return found


def _told(rows: list[Document]) -> str:
    return " ".join(f"{row['f1'] or 0:.3f}/{row['roc_auc'] or 0:.3f}" for row in rows)


def _measure(one: LabelledSet, seed: int, detector: str, beside: list[str], limit: int) -> Document:
    """Train and measure as the commands do; `_TooLong` after ``limit`` CPU seconds of training (0: any)."""
    given = {"seed": seed, "detector": detector, "beside": tuple(beside)}
    with tempfile.TemporaryDirectory() as home:
        began = time.process_time()
        signal.signal(signal.SIGPROF, _too_long)
        signal.setitimer(signal.ITIMER_PROF, limit)
        try:
            train(one.input, Path(home) / "bundle", run_settings(None, one.overrides, given))
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        seconds = time.process_time() - began
        document = evaluate(Path(home) / "bundle", one.input).document
    return {
        **{key: document[key] for key in KEPT},
        "twins": document["audit"]["twins"],
        "seconds": round(seconds),
        "detectors": {
            name: {key: _short(figures[key]) for key in FIGURES} for name, figures in document["detectors"].items()
        },
    }


class _TooLong(Exception):
    """A training takes more CPU seconds than it may."""


def _too_long(*_: object) -> None:
    raise _TooLong


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 5)


if __name__ == "__main__":
    measured(Path(sys.argv[1]), sys.argv[2].split(",") if len(sys.argv) > 2 else [], sys.argv[3:])
