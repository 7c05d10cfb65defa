"""The worked example of docs/severity.md is what the formula gives."""

from __future__ import annotations

import re
from pathlib import Path

from logradar.alerting.severity import BANDS, ImpactWeights, SeveritySettings, Signs, severity

PAGE = (Path(__file__).parents[1] / "docs" / "severity.md").read_text()


def test_the_worked_example():
    words = " ".join(PAGE[PAGE.index("**Worked example.**") : PAGE.index("## Confidence")].split())
    seconds, confidence = (float(found) for found in re.findall(r"(?:session of|confidence is) ([\d.]+\d)", words))
    found = severity(Signs(confidence, 17, ("a", "b", "c"), seconds=seconds), SeveritySettings())
    for name in ("level", "services", "service_weight", "persistence"):
        assert f"{found.parts[name]:.3f}".rstrip("0") in words, name
    assert f"**{found.score}**: {found.band}" in words


def test_the_weights_and_bands_of_the_page():
    weights = ImpactWeights().model_dump()
    assert " + ".join(f"{weight:g} × {name.replace('_', ' ')}" for name, weight in weights.items()) in PAGE
    for name, least in BANDS.items():
        assert f"| {name} | {least:g} |" in PAGE
