"""The reproduction pack: its rows are whole and true, and one that is off is not let through."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from logradar.core.config import load_config, validated
from logradar.core.errors import ConfigError

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "experiments" / "reproduce.py"
EVERY = {
    "title": "a row of a test",
    "kind": "computed",
    "source": "made up for a test",
    "run": ["experiments/bare_rules.py hdfs-random --seeds 1 --data-dir {data} --json"],
    "read": ["hdfs-random", "overlap", "share"],
    "expected": 0.8,
}


def loaded():
    spec = importlib.util.spec_from_file_location("reproduce", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["reproduce"] = module  # a dataclass looks its module up
    spec.loader.exec_module(module)
    return module


reproduce = loaded()
FILES = reproduce.by_name(reproduce.FOLDER)


@pytest.fixture(scope="module")
def rows():
    return {file.stem: load_config(reproduce.Row, file) for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_row_is_whole(file):
    row = load_config(reproduce.Row, file)
    assert row.tolerance <= 0.03
    if row.kind == "published":
        assert re.search(r"(19|20)[0-9][0-9]", row.source), "a publication has a year"
    for line in row.run:
        assert set(re.findall(r"{([^}]*)}", line)) <= {"data", "out"}
        script = line.split()[0]
        assert script == "logradar" or (ROOT / script).is_file()
    assert "--json" in row.run[-1]


def test_what_must_be_there_is_there(rows):
    told = " ".join(row.title for row in rows.values())
    for words in ("DeepLog on its split", "LogBERT on DeepLog", "DeepLog on BGL", "LogBERT on BGL", "OpenStack (Utah)"):
        assert words in told
    assert len({row.title for row in rows.values()}) == len(rows)


@pytest.mark.parametrize(
    "name",
    [
        "hdfs-combined-rules",
        pytest.param("openstack-50-event", marks=pytest.mark.slow),
        pytest.param("loghub-drain", marks=pytest.mark.slow),
    ],
)
def test_a_row_is_reproduced(name, rows, data_dir):
    found = reproduce.Runner(data_dir).measure(rows[name])
    assert rows[name].verdict(found.got) == "ok"


def test_a_verdict_holds_explanations_to_their_figure():
    row = validated(reproduce.Row, {**EVERY, "tolerance": 0.01, "ours": 0.9, "why": "the data differ"})
    assert [row.verdict(got) for got in (0.81, 0.8101, 0.89, 0.85, 0.0)] == ["ok", "OFF", "explained", "OFF", "OFF"]


@pytest.mark.parametrize(
    "faulty",
    [
        {"why": "no figure"},
        {"ours": 0.9},
        {"ours": 0.801, "why": "nothing to explain"},
        {"run": []},
        {"read": []},
        {"source": ""},
        {"kind": "guessed"},
        {"tolerance": -1},
        {"wy": "misspelt"},
    ],
)
def test_a_faulty_row_is_refused(faulty):
    with pytest.raises(ConfigError):
        validated(reproduce.Row, {**EVERY, **faulty})


@pytest.mark.slow
def test_the_run_fails_where_a_row_is_off_or_cannot_be_measured(tmp_path, data_dir):
    changes = {
        "good": {},
        "off": {"expected": 0.5},
        "off-though-explained": {"expected": 0.5, "ours": 0.6, "why": "another figure than ours"},
        "no-such-key": {"read": ["hdfs-random", "share"]},
        "no-figure": {"read": ["hdfs-random"]},
        "no-such-set": {"run": ["experiments/bare_rules.py nowhere --json"]},
        "no-json": {"run": ["logradar --version"]},
    }
    for name, change in changes.items():
        (tmp_path / f"{name}.yaml").write_text(json.dumps({**EVERY, "tolerance": 0.05, **change}))
    command = [sys.executable, SCRIPT, "--configs", tmp_path, "--data-dir", data_dir]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True)
    verdicts = {name: row["verdict"] for name, row in json.loads(done.stdout).items()}
    assert verdicts == {
        "good": "ok",
        "off": "OFF",
        "off-though-explained": "OFF",
        **dict.fromkeys(["no-such-key", "no-figure", "no-such-set", "no-json"], "FAILED"),
    }
    assert done.returncode == 1
    assert "good" not in done.stderr.partition("explained:")[2]
    assert subprocess.run([*command, "good"], capture_output=True).returncode == 0


def test_a_mistake_in_the_call_is_told_in_a_sentence(tmp_path):
    for more, told in ((["nothing"], "There is no row nothing"), (["--data-dir", tmp_path / "no"], "no labelled data")):
        given = [sys.executable, SCRIPT, "--data-dir", tmp_path, *more]
        done = subprocess.run(given, capture_output=True, text=True)
        assert done.returncode == 1
        assert told in done.stderr
        assert "Traceback" not in done.stderr


def test_the_page_tells_every_row_as_it_was_measured(rows):
    kept = reproduce.kept_before(rows)
    assert set(kept) == set(rows), "measure what is new or changed: python experiments/reproduce.py NAME --page"
    assert {
        name: rows[name].verdict(one.got) for name, one in kept.items() if rows[name].verdict(one.got) == "OFF"
    } == {}
    assert reproduce.PAGE.read_text() == reproduce.page(rows, kept), "python experiments/reproduce.py NAME --page"
