from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from logradar.evaluation.curves import receiver_operating
from logradar.reporting import plots, time_plots
from logradar.reporting.canvas import INK, canvas
from logradar.reporting.curve_plots import DetectorCurves, round_ticks

RNG = np.random.default_rng(1)
LABELS = RNG.random(400) < 0.1
SCORES = {"main": RNG.normal(size=400) + 2 * LABELS, "other": RNG.random(400), "<b>&$x_{": np.zeros(400)}
FAULTS = {
    "slow": {"sessions": 10, "recall": {"main": 0.5, "other": 1.0}},
    "<i>$": {"sessions": 3, "recall": {"main": None}},
}
HISTORY = [{"epoch": e, "loss": 2.0 / e, "eval_loss": 2.5 / e, "learning_rate": 1e-4} for e in (1.0, 2.0, 3.0)]
STARTS = np.datetime64("2024-01-01") + np.arange(400).astype("m8[m]")

DRAWN = {
    "pr": lambda kind: DetectorCurves(LABELS, SCORES, "main", 1.0).precision_recall(kind=kind),
    "roc": lambda kind: DetectorCurves(LABELS, SCORES, "main", 2.0).roc(kind=kind),
    "scores": lambda kind: plots.score_histogram(LABELS, SCORES["main"], 1.0, name="<b>$x", kind=kind),
    "confusion": lambda kind: plots.confusion_matrix(10, 2, 300, 4, kind=kind),
    "faults": lambda kind: plots.fault_recall(FAULTS, "main", kind=kind),
    "training": lambda kind: time_plots.training_curve(HISTORY, name="<b>$x", kind=kind),
    "timeline": lambda kind: time_plots.alert_timeline(STARTS, SCORES["main"] > 1, LABELS, kind=kind),
}


@pytest.mark.parametrize("name", DRAWN)
def test_svg_is_well_formed_themed_closed_and_the_same_each_time(name: str) -> None:
    svg = DRAWN[name]("svg")
    text = svg.decode()
    root = ET.fromstring(text)
    assert root.tag.endswith("svg")
    assert root.get("viewBox")
    assert not {"width", "height"} & set(root.attrib)  # the page decides
    assert f"var(--ink, {INK})" in text
    assert "<!DOCTYPE" not in text
    assert "<script" not in text
    ids = [node.get("id") for node in root.iter() if node.get("id")]
    assert all(id_.startswith(name) for id_ in ids)
    links = [value for node in root.iter() for key, value in node.attrib.items() if key.endswith("href")]
    assert all(link.startswith(f"#{name}") and link[1:] in ids for link in links)
    assert svg == DRAWN[name]("svg")


@pytest.mark.parametrize("name", DRAWN)
def test_png(name: str) -> None:
    assert DRAWN[name]("png").startswith(b"\x89PNG\r\n")


def test_nothing_to_draw_is_none() -> None:
    normal = np.zeros(400, bool)
    assert DetectorCurves(normal, SCORES, "main", 1.0).precision_recall() is None
    assert DetectorCurves(normal, SCORES, "main", 1.0).roc() is None
    assert DetectorCurves(~normal, SCORES, "main", 1.0).roc() is None
    assert plots.score_histogram(None, []) is None
    assert plots.fault_recall({}, "main") is None
    assert time_plots.training_curve([]) is None
    assert time_plots.training_curve([{"epoch": 1.0, "learning_rate": 0.1}, {"loss": 3.0}]) is None
    assert time_plots.alert_timeline([], []) is None


@pytest.mark.parametrize(
    ("labels", "scores", "threshold"),
    [
        ([True, False], [np.inf, -np.inf], 0.0),
        ([True, True], [1.0, 2.0], None),
        ([False], [0.0], 0.0),
        ([True] + [False] * 99, [0.0] * 100, 0.0),
        ([True, False], [1e300, -1e300], 5.0),
    ],
)
def test_extreme_scores_are_drawn(labels: list[bool], scores: list[float], threshold: float | None) -> None:
    assert plots.score_histogram(labels, scores, threshold)
    assert plots.score_histogram(None, scores, threshold)
    drawn = DetectorCurves(labels, {"main": scores}, "main", threshold).precision_recall()
    assert (drawn is None) == (not any(labels))


def test_the_main_detector_is_always_drawn() -> None:
    many = {f"detector_{i}": SCORES["main"] for i in range(20)} | {"main": -SCORES["main"]}
    curves = DetectorCurves(LABELS, many, "main")._curves(receiver_operating)
    assert len(curves) == 8
    assert "main" in curves


def test_weights_move_the_chance_level() -> None:
    weights = np.where(LABELS, 1.0, 100.0)
    weighted = DetectorCurves(LABELS, SCORES, "main", 1.0, weights=weights)
    assert weighted.precision_recall() != DetectorCurves(LABELS, SCORES, "main", 1.0).precision_recall()


def test_timeline_without_times_or_labels() -> None:
    nothing = np.full(400, np.datetime64("NaT", "us"))
    assert time_plots.alert_timeline(nothing, SCORES["main"] > 1, LABELS)
    assert time_plots.alert_timeline(STARTS, SCORES["main"] > 1)
    assert time_plots.alert_timeline(STARTS[:1], [True])
    partly = STARTS.astype("M8[us]")
    partly[::2] = np.datetime64("NaT")
    assert time_plots.alert_timeline(partly, SCORES["main"] > 1, LABELS)


def test_a_history_with_holes_and_nan() -> None:
    rows = [
        *HISTORY,
        {"epoch": None, "loss": 1.0},
        {"epoch": 4.0, "loss": float("nan")},
        {"epoch": 4.0, "eval_loss": None},
    ]
    assert time_plots.training_curve(rows) == time_plots.training_curve(HISTORY)


def test_the_canvas_leaves_no_trace() -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    with canvas("x", "png") as (figure, out):
        figure.subplots()
    assert out
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("reach", [0.01, 0.0108, 0.0123, 0.02, 0.0333, 0.05, 0.0777, 0.1, 0.12499])
def test_ticks_of_the_enlarged_edge_are_round_and_few(reach: float) -> None:
    ticks = round_ticks(reach)
    assert ticks[0] == 0
    assert 3 <= len(ticks) <= 5
    assert 0.6 * reach <= ticks[-1] <= reach
    shown = [f"{tick:g}" for tick in np.round(100 * np.array(ticks), 6)]
    assert max(len(text.replace(".", "").strip("0")) for text in shown) <= 2
    assert np.allclose(np.diff(ticks), ticks[1])


@pytest.mark.parametrize("last", [1, 2, 3, 5])
def test_training_of_a_few_epochs_has_whole_epochs_as_ticks(last: int) -> None:
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    time_plots._epochs(axes, np.arange(1.0, last + 1))
    low, high = axes.get_xlim()
    assert [tick for tick in axes.get_xticks() if low <= tick <= high] == list(range(1, last + 1))
