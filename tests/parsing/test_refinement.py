"""Templates as a person would draw them: words that tell stay, values do not, whatever the order and the batches."""

from __future__ import annotations

import itertools
import json
import random

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logradar.core.errors import BundleError
from logradar.core.tables import UNKNOWN
from logradar.parsing import examples
from logradar.parsing.drain import DrainSettings
from logradar.parsing.refinement import RefinementSettings
from logradar.parsing.templates import ParsingSettings, TemplateMiner
from logradar.parsing.words import Words, _about, _about_few, shapes_of


def mined(lines: list[str], settings: ParsingSettings | None = None) -> TemplateMiner:
    miner = TemplateMiner(settings)
    miner.mine(pl.Series(lines, dtype=pl.String))
    return miner


def texts(miner: TemplateMiner) -> list[str]:
    return miner.templates()["template"].to_pylist()


def matches(miner: TemplateMiner, *lines: str) -> list[int]:
    return miner.match(pl.Series(lines, dtype=pl.String)).tolist()


NAMES = [a + b for a, b in itertools.product(["ann", "bob", "eva", "kim", "tom", "zoe"], ["son", "ley", "ton", "ski"])]


@pytest.mark.parametrize(
    ("seen", "unseen"),
    [
        (["card charged", "card held"], "card refused"),
        (["VM Resumed", "VM Paused", "VM Started", "VM Stopped"], "VM Crashed"),
        (["[shop] order received", "[shop] card charged", "[shop] parcel sent"], "[shop] card refused"),
        (["status=sent to relay", "status=deferred to relay"], "status=bounced to relay"),
        (["backup finished: success", "backup finished: skipped"], "backup finished: failure"),
        (["node 7 is up", "node 7 is draining", "node 8 is idle"], "node 7 is dead"),
        (["state CONNECTED -> READY", "state READY -> IDLE"], "state READY -> FAILED"),
        (["Verbindung aufgebaut", "Verbindung beendet"], "Verbindung abgebrochen"),
    ],
)
def test_a_telling_word_that_was_never_seen_is_unknown(seen, unseen):
    miner = mined(seen * 50)
    assert UNKNOWN not in matches(miner, *seen)
    assert matches(miner, unseen) == [UNKNOWN]


def test_many_states_that_all_came_often_stay_constants_and_a_new_one_is_unknown():
    states = ["starting", "running", "paused", "stopping", "stopped", "resuming", "idle", "locked"]
    miner = mined([f"machine {i % 9} is now {state}" for i in range(50) for state in states])
    assert sorted(texts(miner)) == sorted(f"machine <NUM> is now {state}" for state in states)
    assert matches(miner, "machine 3 is now burning") == [UNKNOWN]


def test_names_of_which_new_ones_keep_coming_are_values():
    miner = mined([f"user {name} logged in from web" for name in NAMES])
    assert texts(miner) == ["user <*> logged in from web"]
    assert matches(miner, "user mallory logged in from web", "user mallory logged out from web") == [3, UNKNOWN]


def test_two_values_that_vary_at_once_are_values():
    lines = [f"user {a} opened the file of {b} for reading" for a, b in zip(NAMES * 2, NAMES[5:] + NAMES, strict=False)]
    miner = mined(lines)
    assert texts(miner) == ["user <*> opened the file of <*> for reading"]


@pytest.mark.parametrize(
    "ids",
    [
        ["042673424B", "0123456789", "12E4567890", "A357D2CECF", "1A2B3C4D5E"],
        ["J355512575", "J12", "J7", "J353454709"],
        ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "01BX5ZZKBKACTAV9WEVGEMMVRZ", "01CQ3MZK4T9V7W2X8Y6N5P1R0S"],
        ["91b7584a2265b1f5", "1234567890123456", "12345678901234e5", "ffffffffffffffff"],
        ["90.0123456789", "90.b2c3dedcb3", "7.12e4567890"],
        ["web-1", "web-22", "web-333"],
        ["eth0", "eth1", "eth12"],
    ],
)
def test_ids_are_one_message_whatever_their_digits(ids):
    miner = mined([f"request {one}: accepted by gate" for one in ids] + [f"request {one}: done" for one in ids])
    assert miner.templates().num_rows == 2
    for made in ids:
        other = "".join(random.Random(made).choice("0123456789") if c.isdigit() else c for c in made)
        assert matches(miner, f"request {other}: accepted by gate", f"request {other}: done") == [3, 4]


def test_a_version_is_not_a_value():
    assert texts(mined(["address of IPv4", "address of IPv6"])) == ["address of IPv4", "address of IPv6"]


def test_a_name_before_a_value_is_compared():
    values = [f"/srv/{name}" for name in NAMES]
    miner = mined([f"open file={v} now" for v in values] + [f"open link={v} now" for v in values])
    assert texts(miner) == ["open file=<*> now", "open link=<*> now"]
    assert matches(miner, "open file=/etc/x now", "open link=/etc/x now", "open door=/x now") == [3, 4, UNKNOWN]


def test_lists_of_any_length_are_one_message():
    lines = [f"delete {' '.join(f'blk_{i}{j}' for j in range(1, i))} from disk" for i in range(2, 9)]
    miner = mined(lines)
    assert texts(miner) == ["delete <BLK> from disk"]
    assert matches(miner, f"delete {'blk_7 ' * 40}from disk", "delete from disk") == [3, UNKNOWN]


def test_how_many_things_of_several_words_are_listed_is_seen():
    thing = "Ticket(seat=7, to=suzhou)"
    miner = mined([f"sold {', '.join([thing] * i)}" for i in (1, 2, 3)] * 9)
    assert miner.templates().num_rows == 3
    assert matches(miner, f"sold {', '.join([thing] * 9)}") == [UNKNOWN]


def test_a_message_of_values_alone_takes_no_other_message():
    miner = mined(["/a/b", "/c/d", "done", "ready"])
    assert matches(miner, "crashed", "done") != [3, 3]
    assert matches(miner, "crashed") == [UNKNOWN]


def test_what_counts_as_few_is_a_setting():
    lines = [f"machine is {word}" for word in ("up", "down", "lost")] * 9
    every = ParsingSettings(refinement=RefinementSettings(states=2, unseen=0.0))
    assert texts(mined(lines, every)) == ["machine is <*>"]
    assert len(texts(mined(lines))) == 3


LINES = [f"user {n} sent {i} kB to 10.0.0.{i} via eth{i % 3}" for i, n in enumerate(NAMES * 5)]
LINES += [f"job J{i}55512 {word}" for i in range(40) for word in ("queued", "started", "done")]
LINES += [f"sold {'seat <NUM> at 7; ' * (i % 5 + 1)}to {NAMES[i % 24]} {i % 9}" for i in range(60)]
LINES += [f"x{i % 7} {NAMES[i % 24]} {NAMES[(i * 7) % 24]} a b c" for i in range(200)]


@settings(max_examples=25)
@given(st.lists(st.integers(1, len(LINES)), max_size=6), st.integers(0, 99))
def test_batches_and_looking_in_between_change_nothing(cuts, seed):
    lines = random.Random(seed).sample(LINES, len(LINES))
    whole = mined(lines)
    parts = TemplateMiner()
    for start, stop in itertools.pairwise(sorted({0, *cuts, len(lines)})):
        parts.mine(pl.Series(lines[start:stop]))
        parts.match(pl.Series(lines[:3]))
    assert parts.templates() == whole.templates()
    assert (parts.match(pl.Series(lines)) == whole.match(pl.Series(lines))).all()


def test_a_full_cache_and_closed_places_change_nothing_and_lose_no_line(monkeypatch):
    monkeypatch.setattr(examples, "MOST", 12)
    lines = random.Random(1).sample(LINES, len(LINES))
    whole = mined(lines)
    assert UNKNOWN not in whole.match(pl.Series(lines))
    monkeypatch.setattr("logradar.parsing.templates.CACHE_BYTES", 5_000)
    parts = TemplateMiner()
    for start in range(0, len(lines), 17):
        parts.mine(pl.Series(lines[start : start + 17]))
    assert parts.templates() == whole.templates()
    assert (parts.match(pl.Series(lines)) == whole.match(pl.Series(lines))).all()


@pytest.mark.parametrize("frozen", [False, True])
def test_a_loaded_miner_goes_on_as_the_saved_one(tmp_path, frozen):
    miner = mined(LINES[:200])
    if frozen:
        miner.freeze()
    miner.save(tmp_path)
    loaded = TemplateMiner.load(tmp_path)
    for one in (miner, loaded):
        one.thaw()
        one.mine(pl.Series(LINES[150:]))
        one.freeze()
    assert loaded.templates() == miner.templates()
    assert (loaded.match(pl.Series(LINES)) == miner.match(pl.Series(LINES))).all()


def test_templates_keep_their_ids_when_learning_goes_on():
    miner = mined(["card charged", "card held", "eth0 is up"])
    miner.freeze()
    before = dict(zip(texts(miner), matches(miner, "card charged", "card held", "eth0 is up"), strict=True))
    miner.thaw()
    miner.mine(pl.Series(["card lost", "card charged", "eth1 is up", "eth2 is up"]))
    miner.freeze()
    assert matches(miner, "card charged", "card held", "eth0 is up", "card lost") == [*before.values(), 6]
    assert matches(miner, "eth1 is up", "eth77 is up") == [5, 5]
    table = miner.templates()
    assert table["template_id"].to_pylist() == [3, 4, 5, 6]
    assert table["count"].to_pylist() == [2, 1, 3, 1]


def test_evicted_clusters_leave_no_examples():
    miner = TemplateMiner(ParsingSettings(drain=DrainSettings(max_clusters=20)))
    words = ["".join(letters) for letters in itertools.product("abcdefgh", repeat=4)]
    miner.mine(pl.Series([f"{word} {word[::-1]}x" for word in words]))
    assert len(miner._examples._rows) <= 41
    assert miner.templates().num_rows <= 20
    assert miner.evicted > 0


def test_examples_are_bounded_whatever_is_logged():
    letters = "abcdefghijklmnopqrstuvwxyz"
    blanks = [f"a{' ' * (i + 1)}b{' ' * (i % 7)}" for i in range(600)]
    wide = [f"w {'x' * 40_000}{letters[i % 26]} {letters[i // 26]}" for i in range(200)]
    many = [f"{a}{b}k {c} {d}{a}" for a, b, c, d in itertools.product(letters[:20], letters[:15], "rs", letters[:9])]
    miner = mined([*blanks, *wide, *many])
    rows = miner._examples._rows
    assert max(map(len, rows.values())) <= examples.MOST
    assert all(len(lines) <= 2 or sum(map(len, lines)) <= 600_000 for lines in rows.values())
    assert matches(miner, "a b", "a c") == [3, UNKNOWN]  # blanks alone close no place
    assert UNKNOWN not in matches(miner, *blanks[:9], *wide[:9], *many[:99])


def test_closed_places_and_lists_lose_no_line(monkeypatch):
    monkeypatch.setattr(examples, "MOST", 8)
    words = [
        "a",
        "cc",
        "eth0",
        "eth1",
        "7",
        "0x1f",
        "deadbeef12",
        "10.0.0.1",
        "u=bob",
        "u=7",
        "7,",
        "/p/q",
        "J12345678",
    ]
    for seed in range(20):
        random_ = random.Random(seed)
        forms = [random_.choices(words, k=random_.randint(2, 9)) for _ in range(4)]
        lines = []
        for _ in range(300):
            line = list(random_.choice(forms))
            for _ in range(random_.randint(0, 3)):
                line[random_.randrange(len(line))] = random_.choice(words) + random_.choice(["", "z", str(seed)])
            lines.append(" ".join(line))
        miner = mined(lines)
        assert UNKNOWN not in matches(miner, *lines)
    many = [f"go {'7 x ' * i}{'y ' * (2 * (300 - i))}" for i in range(300)]  # one cluster, lists of any length
    assert UNKNOWN not in matches(mined(many), *many)


CHARACTERS = list("abvZ019_.-=:/<>*()[]{}\"',;@\\é ٣ß𝔘")
PIECES = st.one_of(
    st.text(st.sampled_from(CHARACTERS), max_size=9),
    st.sampled_from(["<NUM>", "<HEX>.<NUM>", "<*>", "eth0", "eth1", "v4", "user=", "a:b", "x" * 1200]),
)


@settings(max_examples=300)
@given(st.lists(st.lists(PIECES, min_size=1, max_size=3).map("".join), min_size=1, max_size=20))
def test_few_words_and_many_are_understood_alike(words):
    words = [word for word in ("".join(word.split()) for word in words) if word]
    few = _about_few(words)
    assert _about(pl.Series("word", words, pl.String)).cast(few.schema).equals(few)
    known = Words(shapes_of(pl.Series("word", words, pl.String)))
    one_by_one = [known.canonical(pl.Series([word])).item() for word in words]
    assert known.canonical(pl.Series(words * 70, dtype=pl.String)).to_list() == one_by_one * 70
    assert known.canonical(pl.Series(one_by_one, dtype=pl.String)).to_list() == one_by_one


def test_ids_of_words_with_any_value_are_their_own():
    words = Words()
    ids = words.ids(pl.Series(["user=bob", "user=eve", "bob", "<*>", "user=<*>"]))
    opened = words.opened[ids]
    assert opened.tolist() == [ids[4], ids[4], 0, 0, ids[4]]
    assert np.array_equal(words.opened[opened], opened)


def test_templates_of_before_are_read_as_they_were(tmp_path):
    miner = mined(LINES, ParsingSettings(refine=False))
    miner.freeze()
    miner.save(tmp_path)
    state = json.loads((tmp_path / "parsing.json").read_text())
    for name in ("refine", "refinement"):
        del state["settings"][name]
    (tmp_path / "parsing.json").write_text(json.dumps(state))
    loaded = TemplateMiner.load(tmp_path)
    assert not loaded.settings.refine
    assert loaded.templates() == miner.templates()
    assert (loaded.match(pl.Series(LINES)) == miner.match(pl.Series(LINES))).all()


@pytest.mark.parametrize("damage", ["no file", "null", "reserved", "examples"])
def test_damaged_refined_templates_are_one_sentence(tmp_path, damage):
    miner = mined(LINES)
    miner.freeze()
    miner.save(tmp_path)
    table = pl.read_parquet(tmp_path / "refined.parquet")
    if damage == "no file":
        (tmp_path / "shapes.parquet").unlink()
    elif damage == "null":
        table.with_columns(words=pl.lit(None, pl.List(pl.String))).write_parquet(tmp_path / "refined.parquet")
    elif damage == "reserved":
        table.with_columns(template_id=pl.lit(1, pl.Int32)).write_parquet(tmp_path / "refined.parquet")
    else:
        (tmp_path / "examples.parquet").write_bytes(b"PAR1")
    with pytest.raises(BundleError, match="train again"):
        TemplateMiner.load(tmp_path)
