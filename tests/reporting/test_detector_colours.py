"""One colour for a detector: in every picture and on every page, whatever stands beside it."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pytest

from logradar.detectors.base import detectors
from logradar.reporting import comparison_plots, plots, time_plots
from logradar.reporting.curve_plots import DetectorCurves
from logradar.reporting.detector_colours import detector_colour, looks
from logradar.reporting.evaluation_page import write_report

RNG = np.random.default_rng(2)
LABELS = RNG.random(300) < 0.2
HISTORY = [{"epoch": e, "loss": 2.0 / e, "eval_loss": 2.5 / e} for e in (1.0, 2.0, 3.0)]
FIGURES = {"f1": 0.5, "alert_rate": 0.1, "alerts": 3, "intervals": {"f1": [0.4, 0.6]}}
STARTS = np.datetime64("2024-01-01", "us") + np.arange(300) * np.timedelta64(60, "s")


def curves(*names: str, main: str) -> str:
    scores = {name: RNG.normal(size=300) + LABELS for name in names}
    return (DetectorCurves(LABELS, scores, main, 1.0).roc() or b"").decode()


def test_every_detector_has_a_colour_of_its_own():
    names = sorted(detectors.names())
    assert len({detector_colour(name) for name in names}) == len(names) >= 10
    assert len(set(looks(names).values())) == len(names)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("page", ["#ffffff", "#171e26"])
def test_colours_can_be_seen_on_a_white_and_on_a_dark_page(page: str):
    for name in [*detectors.names(), *(f"plugin_{number}" for number in range(40))]:
        low, high = sorted((luminance(detector_colour(name)), luminance(page)))
        assert (high + 0.05) / (low + 0.05) >= 2.9, name


def test_bundles_share_the_colour_of_a_detector_and_differ_in_the_pattern():
    found = looks(["a/deeplog", "b/deeplog", "c/deeplog", "c/ngram"])
    assert len({look.colour for look in found.values()}) == 2
    assert found["a/deeplog"].colour == detector_colour("deeplog")
    assert all(found[one] != found[two] for one, two in combinations(found, 2))


def test_a_detector_added_by_another_package_keeps_its_colour():
    assert detector_colour("their_own") == detector_colour("monday/their_own")
    assert re.fullmatch("#[0-9a-f]{6}", detector_colour("ünknown \ud800"))


def test_the_company_and_the_main_detector_change_no_colour():
    colour = detector_colour("ngram")
    assert colour in curves("ngram", main="ngram")
    assert colour in curves("length", "ngram", main="length")
    assert detector_colour("length") in curves("length", "ngram", main="ngram")
    assert detector_colour("deeplog") not in curves("length", "ngram", main="ngram")


DRAWN = {
    "training": lambda name: time_plots.training_curve(HISTORY, name=name),
    "faults": lambda name: plots.fault_recall({"slow": {"sessions": 9, "recall": {name: 0.5}}}, name),
    "rates": lambda name: comparison_plots.alert_rates({name: FIGURES}),
    "ranking": lambda name: comparison_plots.ranking({name: FIGURES, "length": {**FIGURES, "f1": 0.3}}, []),
    "over-time": lambda name: comparison_plots.alarms_over_time(STARTS, {name: LABELS}, LABELS),
    "combinations": lambda name: comparison_plots.combinations(
        [name, "length"], [{"detectors": [name], "sessions": 4, "anomalies": 1}], True
    ),
}


@pytest.mark.parametrize("picture", DRAWN)
def test_other_pictures_have_the_same_colours(picture: str):
    for name in ("deeplog", "b/loglstm"):
        svg = DRAWN[picture](name).decode()
        assert detector_colour(name) in svg
        assert detector_colour("logtcn") not in svg


def test_the_page_shows_the_colour_beside_the_name(shop_run):
    page = write_report(shop_run).read_text(encoding="utf-8")
    for name in ("count_vector", "new_template", "length", "pair_model"):
        swatch = f'<i style="background:{detector_colour(name)}"></i><bdi>{name}</bdi>'
        assert page.count(swatch) >= 2  # in the table and among the kinds of fault
