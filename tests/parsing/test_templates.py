"""The miner: stable ids, frozen matching, unknown bodies, exact save and load, hostile bodies."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from drain3_peer import SYSTEMS

from logradar.core.errors import BundleError, DataError
from logradar.core.tables import FIRST_TEMPLATE, TEMPLATES, UNKNOWN, check
from logradar.parsing.drain import DrainSettings
from logradar.parsing.masking import MaskingRule, MaskingSettings
from logradar.parsing.templates import ParsingSettings, TemplateMiner, fingerprint

USERS = ["bob", "eve", "ann", "tom", "kim"]
BODIES = ["sent 3 parts to 10.0.0.1", "user bob left", "sent 99 parts to 10.0.0.2", "ready"]
BODIES += [f"user {name} left" for name in USERS[1:]]
DRAIN = ParsingSettings(refine=False)


@pytest.fixture
def miner() -> TemplateMiner:
    mined = TemplateMiner()
    mined.mine(pl.Series(BODIES))
    return mined


def texts(miner: TemplateMiner) -> list[str]:
    return miner.templates()["template"].to_pylist()


def test_ids_count_from_the_first_template_in_order_of_discovery():
    miner = TemplateMiner()
    miner.mine(pl.Series(BODIES))
    ids = miner.match(pl.Series(BODIES))
    assert ids.dtype == np.int32
    assert (ids - FIRST_TEMPLATE).tolist() == [0, 1, 0, 2, 1, 1, 1, 1]
    table = check(miner.templates(), TEMPLATES)
    assert table["template"].to_pylist() == ["sent <NUM> parts to <IP>", "user <*> left", "ready"]
    assert table["count"].to_pylist() == [2, 5, 1]
    assert table["template_id"].to_pylist() == [3, 4, 5]
    assert table["fingerprint"].to_pylist() == [fingerprint(text) for text in texts(miner)]


def test_a_fingerprint_is_of_the_text_alone():
    assert fingerprint("ready") == 82699594955357210
    assert fingerprint("ready ") != fingerprint("ready")


def test_new_values_match_and_changed_words_do_not(miner):
    bodies = ["sent 7 parts to 10.9.9.9", "user mallory left", "ready", "lost 7 parts to 10.9.9.9", "user eve left now"]
    before = miner.templates()
    assert miner.match(pl.Series(bodies)).tolist() == [3, 4, 5, UNKNOWN, UNKNOWN]
    assert miner.match(pl.Series(["user eve", "", "never seen"])).tolist() == [UNKNOWN] * 3
    assert miner.templates() == before


def test_matching_follows_what_was_learnt_since(miner):
    bodies = pl.Series(["user mallory came"])
    assert miner.match(bodies).tolist() == [UNKNOWN]
    miner.mine(pl.Series([f"user {name} came" for name in USERS]))
    assert miner.match(bodies).tolist() == [6]


def test_of_several_templates_the_one_with_most_constants_matches():
    miner = TemplateMiner(DRAIN)
    miner.mine(pl.Series(["go a b c d", "go x y z d", "go a q r s t", "go a b c e"]))
    assert texts(miner) == ["go <*> <*> <*> d", "go a q r s t", "go a b c e"]
    assert miner.match(pl.Series(["go a b c d", "go a b c e", "go k l m d"])).tolist() == [3, 5, 3]


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_body_that_was_learnt_from_matches_a_template(lines_of, system):
    bodies = pl.Series(lines_of(system))
    miner, drain = TemplateMiner(), TemplateMiner(DRAIN)
    miner.mine(bodies)
    mined = drain.mine(bodies)
    miner.freeze()
    drain.freeze()
    assert (miner.match(bodies) != UNKNOWN).all()
    matched = drain.match(bodies)
    assert (matched != UNKNOWN).all()
    assert (matched == mined).mean() > 0.97


def test_a_line_that_went_through_the_wildcard_branch_still_matches_after_its_word_got_a_branch():
    miner = TemplateMiner(ParsingSettings(drain=DrainSettings(max_children=4), refine=False))
    miner.mine(pl.Series(["a1 x y", "c x y", "c p q"]))
    assert texts(miner) == ["<*> x y", "c p q"]
    assert miner.match(pl.Series(["c x y"])).tolist() == [3]


def test_a_frozen_miner_learns_no_more(miner):
    miner.freeze()
    with pytest.raises(DataError, match="frozen"):
        miner.mine(pl.Series(["new"]))


def test_bodies_may_come_in_any_arrow_form():
    whole = TemplateMiner().mine(pl.Series(BODIES)).tolist()
    for column in (pa.array(BODIES), pa.chunked_array([BODIES[:2], BODIES[2:]]), pa.array(["x", *BODIES]).slice(1)):
        assert TemplateMiner().mine(column).tolist() == whole
    miner = TemplateMiner()
    assert miner.mine(pa.array([], pa.large_string())).tolist() == []
    assert miner.match(pl.Series(["ready"])).tolist() == [UNKNOWN]
    assert miner.templates().num_rows == 0


@pytest.mark.parametrize("frozen", [False, True])
def test_a_loaded_miner_mines_and_matches_as_the_saved_one(lines_of, tmp_path, frozen):
    lines = lines_of("Mac")
    own = MaskingRule(name="user", regex="user_[a-z]+", token="<USER>")
    miner = TemplateMiner(ParsingSettings(masking=MaskingSettings(extra=(own,)), drain=DrainSettings(max_clusters=150)))
    miner.mine(pl.Series(lines[:1000]))
    if frozen:
        miner.freeze()
    miner.save(tmp_path / "templates")
    loaded = TemplateMiner.load(tmp_path / "templates")
    assert loaded.settings == miner.settings
    assert loaded.templates() == miner.templates()
    rest = pl.Series(lines[1000:])
    assert (loaded.match(rest) == miner.match(rest)).all()
    assert loaded.frozen == frozen
    if not frozen:
        assert (loaded.mine(rest) == miner.mine(rest)).all()
        assert loaded.templates() == miner.templates()
        assert loaded.evicted == miner.evicted > 0
    assert {path.suffix for path in (tmp_path / "templates").iterdir()} == {".json", ".parquet"}


def test_an_empty_miner_can_be_saved(tmp_path):
    TemplateMiner().save(tmp_path)
    assert TemplateMiner.load(tmp_path).mine(pl.Series(["a"])).tolist() == [FIRST_TEMPLATE]


@pytest.mark.parametrize(
    "damage", ["no file", "no json", "settings", "created", "columns", "parents", "nodes", "length", "empty"]
)
def test_a_damaged_folder_is_reported_in_one_sentence(miner, tmp_path, damage):
    miner.save(tmp_path)
    state = json.loads((tmp_path / "parsing.json").read_text())
    tree, clusters = pl.read_parquet(tmp_path / "tree.parquet"), pl.read_parquet(tmp_path / "clusters.parquet")
    if damage == "no file":
        (tmp_path / "tree.parquet").unlink()
    elif damage == "no json":
        (tmp_path / "parsing.json").write_text("{")
    elif damage == "settings":
        state["settings"]["drain"]["depht"] = 3
    elif damage == "created":
        state["created"] = 1
    elif damage == "columns":
        clusters.drop("node").write_parquet(tmp_path / "clusters.parquet")
    elif damage == "parents":
        tree.with_columns(parent=pl.lit(77)).write_parquet(tmp_path / "tree.parquet")
    elif damage == "empty":
        tree.with_columns(parent=pl.lit(None, pl.Int32)).write_parquet(tmp_path / "tree.parquet")
    elif damage == "nodes":
        clusters.with_columns(node=pl.lit(77)).write_parquet(tmp_path / "clusters.parquet")
    elif damage == "length":
        clusters.with_columns(template=pl.lit("one two")).write_parquet(tmp_path / "clusters.parquet")
    if damage in ("settings", "created"):
        (tmp_path / "parsing.json").write_text(json.dumps(state))
    with pytest.raises(BundleError, match="train again"):
        TemplateMiner.load(tmp_path)


def test_only_the_first_line_of_a_stack_trace_makes_the_template():
    traces = [f"Failed: job 5\n  at foo({i})\n  at bar{i}" for i in range(3)]
    assert TemplateMiner().mine(pl.Series([*traces, "\r\n  \nFailed: job 6"])).tolist() == [3, 3, 3, 3]
    whole = TemplateMiner(ParsingSettings(first_line=False))
    whole.mine(pl.Series(["a b\nc", "a\tb c"]))
    assert texts(whole) == ["a b c"]


HOSTILE = ["", "   ", "\t\n", None, "x" * 1_000_000, "7 " * 300_000, "5" * 1_000_000, "_" * 1000, "\x00\x01\x02_3 \x1f"]
HOSTILE += ["".join(map(chr, [*range(1, 0xD800), *range(0xE000, 0x110000)])), "\x01\x02\x03\x04_5\x02\x04"]
HOSTILE += ["<*> <*> <*>", "<NUM> $1 ${x} \\1", "(a[b{c", "\ufeff𝔘 ٣ é5", "0x", "0x0x0x", "-", "%s %d {}"]


def test_hostile_bodies_are_mined_and_matched_like_others():
    bodies = pl.Series(HOSTILE * 2)
    miner = TemplateMiner()
    mined = miner.mine(bodies)
    assert mined[: len(HOSTILE)].tolist() == mined[len(HOSTILE) :].tolist()
    assert mined[:4].tolist() == [3, 3, 3, 3]
    miner.freeze()
    assert (miner.match(bodies) != UNKNOWN).all()
    parameters = miner.parameters(bodies, miner.match(bodies)).to_pylist()
    assert parameters[HOSTILE.index("<*> <*> <*>")] == ["<*> <*> <*>"]  # a list


def test_a_log_that_wrote_wildcards_does_not_flood_the_templates():
    miner = TemplateMiner()
    assert set(miner.mine(pl.Series(["<*> <*> <*>"] * 1000))) == {3}


def test_a_flood_of_templates_is_bounded_and_counted():
    lines = [f"{chr(97 + i % 26)}{chr(97 + i // 26)} {chr(97 + i // 26)}" for i in range(600)]
    miner = TemplateMiner(ParsingSettings(drain=DrainSettings(max_clusters=5)))
    miner.mine(pl.Series(lines))
    assert miner.templates().num_rows <= 5
    assert miner.evicted > 0
    miner = TemplateMiner(ParsingSettings(drain=DrainSettings(max_clusters=100), refine=False))
    miner.mine(pl.Series(lines))
    assert miner.templates().num_rows == 100
    assert miner.evicted > 0


def test_the_cache_of_lines_is_bounded(monkeypatch, lines_of):
    lines = pl.Series(lines_of("Android"))
    wanted = TemplateMiner().mine(lines)
    monkeypatch.setattr("logradar.parsing.templates.CACHE_BYTES", 50_000)
    monkeypatch.setattr("logradar.parsing.templates._ROWS", 100)
    miner = TemplateMiner()
    assert (miner.mine(lines) == wanted).all()
    assert (miner.match(lines) != UNKNOWN).all()
