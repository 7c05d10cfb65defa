"""How large a window should be: every detector on windows of several sizes, cut by time, thresholds from validation.

    python experiments/window_study.py [bgl] [iotdb] [shop-count] [shop-seconds] [--json FILE] [--figure FILE]

BGL and IoTDB are trained and measured as ``logradar train bgl -o b input.window=N; logradar evaluate b bgl`` do. The
shop is simulated: a day without faults trains, a day with all faults is measured on; its lines are cut into windows
by service as if they had no trace (``sessions.by=count`` or ``time``), a window is anomalous when one of its lines is
of an anomalous trace, and ``key`` is the same by trace. The bare rule alarms on every window with something new,
without a threshold. ``flag all`` is the F1 of alarming on everything: a figure near it says nothing.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from logradar.core.progress import quiet
from logradar.model.settings import SIMPLE, run_settings
from logradar.pipeline.evaluate import Evaluated, evaluate
from logradar.pipeline.train import train
from logradar.simulation.simulate import simulate

Row = dict[str, Any]
COUNTS = (5, 10, 20, 50, 100, 200, 500)
SECONDS = (1, 5, 15, 60, 300, 900)
SETS: dict[str, tuple[str, tuple[int, ...]]] = {
    "bgl": ("lines in a window", (1, 5, 10, 20, 50, 100, 200, 300, 500)),
    "iotdb": ("lines in a window", (10, 20, 50, 100, 200)),
    "shop-count": ("lines in a window", COUNTS),
    "shop-seconds": ("seconds in a window", SECONDS),
}
KEYS = ("f1", "precision", "recall", "fpr", "pr_auc", "roc_auc")
NAMES = ("ensemble", *SIMPLE)


def ways(name: str, sizes: tuple[int, ...]) -> list[tuple[int, list[str]]]:
    """Settings by size; size 0 is the session key."""
    if not name.startswith("shop"):
        return [(size, [f"input.window={size}"]) for size in sizes]
    by, of = ("count", "size") if name == "shop-count" else ("time", "seconds")
    cut = [(size, [f"sessions.by={by}", f"sessions.{of}={size}"]) for size in sizes]
    return [(0, []), *cut] if by == "count" else cut


def rows_of(found: Evaluated, name: str, size: int) -> list[Row]:
    """Figures by detector."""
    scores: Any = pl.from_arrow(found.scores)
    truth = scores["label"].to_numpy()
    split = found.document["split"]
    share = float(truth.mean())
    rows = []
    for detector in NAMES:
        above = scores[f"score:{detector}"].to_numpy() > 0
        bare = 2 * float((truth & above).sum()) / max(int(above.sum() + truth.sum()), 1)
        figures = {key: found.document["detectors"][detector][key] for key in KEYS}
        rows.append({"set": name, "size": size, "detector": detector, **figures, "bare": bare})
        rows[-1] |= {"sessions": len(truth), "anomalous": int(truth.sum()), "flag_all": 2 * share / (1 + share)}
        rows[-1]["learnt"] = split["train"] + split["valid"] - split["anomalies_left_out"]
    return rows


def study(name: str, sizes: tuple[int, ...], shop: Path) -> list[Row]:
    """All sizes of one set."""
    rows: list[Row] = []
    for size, overrides in ways(name, sizes):
        with tempfile.TemporaryDirectory() as folder:
            bundle = Path(folder) / "bundle"
            learn, test = (str(shop / "quiet"), str(shop / "faulty")) if name.startswith("shop") else (name, name)
            train(learn, bundle, run_settings(overrides=overrides))
            found = rows_of(evaluate(bundle, test), name, size)
        print(table(found, first=not rows), flush=True)
        rows += found
    return rows


def table(rows: list[Row], first: bool) -> str:
    """One size as a line of Markdown."""
    ensemble, simple = rows[0], rows[1:]
    best = max(simple, key=lambda row: row["f1"] or 0.0)
    bare = max(simple, key=lambda row: row["bare"])
    head = "| window | learnt | sessions | anomalous | flag all | ensemble: F1 | FPR | PR-AUC | ROC-AUC "
    head += "| best member at its threshold | best bare rule |\n" + "|---" * 11 + "|\n"
    figures = [_three(ensemble[key]) for key in ("f1", "fpr", "pr_auc", "roc_auc")]
    told = [
        str(ensemble["size"] or "key"),
        *(f"{ensemble[key]:,}" for key in ("learnt", "sessions", "anomalous")),
        _three(ensemble["flag_all"]),
        *figures,
        f"{_three(best['f1'])} `{best['detector']}`" if best["f1"] else "0.000 all",
        f"{_three(bare['bare'])} `{bare['detector']}`",
    ]
    return (f"\n### {ensemble['set']}\n{head}" if first else "") + f"| {' | '.join(told)} |"


def _three(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def figure(rows: list[Row]) -> bytes:
    """One panel a set: F1 of the ensemble, of its best member, of the best bare rule, and of alarming on everything."""
    from logradar.reporting.canvas import MAIN, OTHERS, SOFT, canvas

    sets = [name for name in SETS if any(row["set"] == name for row in rows)]
    titles = {"bgl": "BGL", "iotdb": "IoTDB", "shop-count": "Shop, by lines", "shop-seconds": "Shop, by time"}
    with canvas("windows", "png", 4.6 * min(len(sets), 2), 3.3 * -(-len(sets) // 2) + 0.5) as (drawing, out):
        keyed = [row for row in rows if not row["size"] and row["detector"] == "ensemble"]
        grid = drawing.subplots(-(-len(sets) // 2), min(len(sets), 2), sharey=True, squeeze=False)
        for axes, name in zip(grid.flat, sets, strict=False):
            found = [row for row in rows if row["set"] == name and row["size"]]
            sizes = sorted({row["size"] for row in found})

            def line(key: str, detectors: tuple[str, ...], here: list[Row] = found, at: list[int] = sizes) -> Any:
                return [max(r[key] or 0.0 for r in here if r["size"] == s and r["detector"] in detectors) for s in at]

            axes.plot(sizes, line("flag_all", NAMES), ":", color=SOFT, label="F1 of alarming on everything")
            axes.plot(sizes, line("roc_auc", ("ensemble",)), "--", color=OTHERS[1], label="ensemble, ROC-AUC")
            axes.plot(sizes, line("bare", SIMPLE), "s-", ms=4, color=OTHERS[0], label="F1 of the best bare rule")
            axes.plot(sizes, line("f1", SIMPLE), "^-", ms=4.5, color=OTHERS[2], label="F1 of the best member")
            axes.plot(sizes, line("f1", ("ensemble",)), "o-", ms=5, lw=2, color=MAIN, label="F1 of the ensemble")
            if name.startswith("shop") and keyed:
                axes.axhline(keyed[0]["f1"], color=MAIN, lw=1, dashes=(1, 1.5), label="F1 of the ensemble by trace")
            axes.set_xscale("log")
            near = [False, *(large / small < 1.6 for small, large in pairwise(sizes))]
            axes.set_xticks(sizes, ["" if close else f"{size:,}" for size, close in zip(sizes, near, strict=True)])
            axes.minorticks_off()
            axes.set(title=titles[name], xlabel=SETS[name][0], ylim=(-0.03, 1.05))
            axes.set_yticks(np.arange(0, 1.01, 0.25))
        for axes in grid.flat[len(sets) :]:
            axes.set_visible(False)
        told: dict[str, Any] = {}
        for axes in grid.flat:
            told |= dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
        drawing.legend(
            list(told.values())[::-1], list(told)[::-1], loc="outside lower center", ncols=3, handlelength=2.2
        )
    return out[0]


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", nargs="*", choices=[*SETS, []], help="which sets")
    parser.add_argument("--json", type=Path, help="keep the figures here, or draw those that are there with --draw")
    parser.add_argument("--figure", type=Path, help="a PNG")
    parser.add_argument("--draw", action="store_true", help="measure nothing")
    given = parser.parse_args()
    quiet()
    rows: list[Row] = []
    if given.draw:
        rows = json.loads(given.json.read_text())
    else:
        with tempfile.TemporaryDirectory() as folder:
            shop, names = Path(folder), given.sets or list(SETS)
            if any(name.startswith("shop") for name in names):
                simulate(shop / "quiet", faults="none", seed=100, lines_per_day=100_000)
                simulate(shop / "faulty", faults="all", seed=101, lines_per_day=100_000, start="2026-03-03")
            for name in names:
                rows += study(name, SETS[name][1], shop)
    if given.json and not given.draw:
        given.json.write_text(json.dumps(rows, indent=1))
    if given.figure:
        given.figure.parent.mkdir(parents=True, exist_ok=True)
        given.figure.write_bytes(figure(rows))


if __name__ == "__main__":
    main()
