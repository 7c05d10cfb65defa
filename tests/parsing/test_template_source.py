"""Mined templates and event ids that the input states have one interface, and a folder says which of them it holds."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from logradar.core.errors import BundleError, DataError
from logradar.core.tables import FIRST_TEMPLATE, SESSIONS, TEMPLATES, UNKNOWN, check
from logradar.parsing.given_templates import GivenTemplates, load_templates
from logradar.parsing.template_source import TemplateSource
from logradar.parsing.templates import TemplateMiner, fingerprint

LINES = {5: ["disk 3 full", "disk 8 full"], 17: ["ready"]}


def mined(*bodies: str) -> TemplateMiner:
    miner = TemplateMiner()
    miner.mine(pl.Series(bodies, dtype=pl.String))
    return miner


def given(counts: dict[int, int]) -> GivenTemplates:
    return GivenTemplates.learn(counts, LINES)


@pytest.fixture(params=["mined", "given", "mined, empty", "given, empty"])
def source(request) -> TemplateSource:
    counts, bodies = ({}, ()) if "empty" in request.param else ({17: 2, 5: 9}, ("disk 3 full", "ready"))
    return mined(*bodies) if request.param.startswith("mined") else given(counts)


def test_a_saved_source_is_loaded_as_the_same_kind_with_equal_templates(source, tmp_path):
    source.save(tmp_path / "templates")
    loaded = load_templates(tmp_path / "templates")
    assert type(loaded) is type(source)
    assert loaded.uses_event_ids == source.uses_event_ids
    assert check(loaded.templates(), TEMPLATES).equals(source.templates())
    assert loaded.evicted == source.evicted == 0


def test_every_body_gets_one_id_of_a_template_or_unknown(source):
    bodies = pl.Series(["disk 7 full", "never seen before", ""])
    ids = source.match(bodies)
    assert ids.dtype == np.int32
    assert len(ids) == len(bodies)
    assert ids[1] == UNKNOWN
    assert set(ids.tolist()) <= {UNKNOWN, *source.templates()["template_id"].to_pylist()}
    assert source.match(pa.chunked_array([["a"], ["b", "c"]])).shape == (3,)


def test_known_in_keeps_rows_columns_and_known_ids(source):
    known = source.templates()["template_id"].to_pylist()
    rows = [known, [UNKNOWN], [], known[::-1]]
    schema = pa.schema([SESSIONS.field("session_id"), SESSIONS.field("template_ids")])
    sessions = pa.table({"session_id": list("abcd"), "template_ids": rows}, schema=schema)
    assert source.known_in(sessions).equals(sessions)


def test_event_ids_without_a_template_become_unknown():
    sessions = pa.table({"template_ids": pa.array([[8, 9, 20], [4]], pa.list_(pa.int32()))})
    assert given({5: 1, 17: 1}).known_in(sessions)["template_ids"].to_pylist() == [[8, UNKNOWN, 20], [UNKNOWN]]


def test_event_ids_keep_their_numbers_texts_and_fingerprints():
    table = given({17: 2, 5: 9}).templates()
    assert table["template_id"].to_pylist() == [5 + FIRST_TEMPLATE, 17 + FIRST_TEMPLATE]
    assert table["template"].to_pylist() == ["E5 disk <NUM> full", "E17 ready"]
    assert table["fingerprint"].to_pylist() == [fingerprint("E5"), fingerprint("E17")]
    assert table["count"].to_pylist() == [9, 2]


def test_an_event_id_is_described_by_its_own_lines_and_not_by_those_of_others():
    head = "2026-03-02 07:12:40,216 INFO gateway.access [trace=9d9c4c991ce25aa6]"
    lines = {
        3: [f"{head} request GET /search from 10.1.2.3", f"{head} request POST /orders from 10.3.2.1"],
        4: [f"{head} cache miss for query red+mug"],
        5: [f"{head} disk is full\nTraceback (most recent call last):"],
        6: ["alpha beta", "gamma delta"],
    }
    texts = GivenTemplates.learn(dict.fromkeys([*lines, 7], 1), lines).texts
    masked = "<TIME> INFO gateway.access [trace=<HEX>]"
    assert texts[0].startswith(f"E3 {masked} request ")
    assert texts[0].endswith(" from <IP>")
    assert texts[1:3] == [f"E4 {masked} cache miss for query red+mug", f"E5 {masked} disk is full"]
    assert texts[3:] == ["E6 alpha beta", "E7"]  # an example, because nothing is common; nothing, without a line


def test_joined_event_ids_keep_the_older_text_and_add_the_counts():
    newer = GivenTemplates.learn({5: 4, 6: 1}, {5: ["other words"], 6: ["new"]})
    table = given({17: 2, 5: 9}).joined(newer).templates()
    assert table["template"].to_pylist() == ["E5 disk <NUM> full", "E6 new", "E17 ready"]
    assert table["count"].to_pylist() == [13, 1, 2]


def test_mined_templates_are_extended_by_mining_alone():
    miner = mined("ready")
    miner.mine(pl.Series(["disk 3 full"]))
    assert miner.joined(miner) is miner
    for other in (mined("ready"), given({5: 1})):
        with pytest.raises(DataError, match="cannot be joined"):
            miner.joined(other)
    with pytest.raises(DataError, match="cannot be joined"):
        given({5: 1}).joined(miner)


def test_a_folder_without_templates_is_reported_in_one_sentence(tmp_path):
    with pytest.raises(BundleError, match="train again"):
        load_templates(tmp_path)
    given({5: 1}).save(tmp_path)
    (tmp_path / "given.parquet").write_bytes(b"no Parquet")
    with pytest.raises(BundleError, match="train again"):
        load_templates(tmp_path)
