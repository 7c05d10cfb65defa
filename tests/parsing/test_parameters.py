"""Parameters: what stood where a template has a mask or a wildcard."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from logradar.core.errors import TableError
from logradar.core.tables import UNKNOWN
from logradar.parsing.drain import DrainSettings
from logradar.parsing.masking import MaskingRule, MaskingSettings
from logradar.parsing.templates import ParsingSettings, TemplateMiner


def parameters(bodies: list[str], settings: ParsingSettings | None = None) -> list[list[str] | None]:
    miner = TemplateMiner(settings)
    miner.mine(pl.Series(bodies))
    ids = miner.match(pl.Series(bodies))
    return miner.parameters(pl.Series(bodies), ids).to_pylist()


def test_values_stand_in_the_order_of_the_template():
    bodies = ["at 2026-01-31 10:00:00 bob:7 sent  3.5MB to /10.0.0.1:80.", "ready"]
    bodies += ["at 2026-01-31 10:00:01 eve:8 sent\t12B to /10.0.0.2.", "ready"]
    found = parameters(bodies)
    assert found[0] == ["2026-01-31 10:00:00", "bob:7", "3.5MB", "10.0.0.1:80"]
    assert found[2] == ["2026-01-31 10:00:01", "eve:8", "12B", "10.0.0.2"]
    assert found[1] == found[3] == []


def test_rules_with_groups_and_delimiters_work_too():
    own = MaskingRule(name="user", regex="(user|uid)=([a-z]+)", token="<USER>")
    settings = ParsingSettings(masking=MaskingSettings(extra=(own,)), drain=DrainSettings(extra_delimiters=(";",)))
    assert parameters(["go;user=bob;on 5", " uid=eve;now"], settings) == [["user=bob", "5"], ["uid=eve"]]


def test_unknown_templates_and_bodies_of_another_template_give_null():
    miner = TemplateMiner()
    miner.mine(pl.Series(["took 5 ms", "ready", "(odd [text"]))
    bodies = pl.Series(["took 5 ms", "took 5 ms", "what", "(odd [text", "took 5 ms"])
    found = miner.parameters(bodies, np.array([3, 4, UNKNOWN, 5, 99], np.int32)).to_pylist()
    assert found == [["5 ms"], None, None, [], None]
    with pytest.raises(TableError, match="5 bodies but 1"):
        miner.parameters(bodies, np.array([3], np.int32))
    assert miner.parameters(pl.Series([], dtype=pl.String), np.array([], np.int32)).to_pylist() == []


def test_a_template_with_very_many_values_gives_null_at_once():
    drain = ParsingSettings(refine=False)
    assert parameters(["7 x " * 300, "7 " * 50_000, "x " * 3000 + "5"], drain) == [None, None, None]


@pytest.mark.parametrize("system", ["HDFS", "OpenStack", "Spark"])
def test_template_and_parameters_give_back_the_real_line(lines_of, system):
    lines = lines_of(system)
    miner = TemplateMiner()
    miner.mine(pl.Series(lines))
    ids = miner.match(pl.Series(lines))
    found = miner.parameters(pl.Series(lines), ids).to_pylist()
    template = dict(zip(*(miner.templates()[name].to_pylist() for name in ("template_id", "template")), strict=True))
    tokens = ["<*>", *miner.settings.masking.tokens]
    for line, template_id, values in zip(lines, ids, found, strict=True):
        text = template[template_id]
        for value in values:
            token = min((t for t in tokens if t in text), key=text.index)
            head, _, text = text.partition(token)
            assert "".join(line.split()).startswith("".join((head + value).split()))
            line = "".join(line.split())[len("".join((head + value).split())) :]
        assert "".join(line.split()) == "".join(text.split())
