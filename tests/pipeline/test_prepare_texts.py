"""`logradar prepare --format texts`: sessions as words and tokens, with one tokenizer."""

import json
import shutil

import pyarrow.parquet as pq
import pytest
import yaml
from tests.conftest import ROOT

from logradar.core.errors import ConfigError
from logradar.pipeline.preparation.prepare_texts import TextDataSettings, prepare_texts, text_settings


@pytest.fixture(scope="module")
def prepared(data_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    given = {"input.data_dir": data_dir, "inputs.hdfs": str(data_dir / "hdfs" / "HDFS_first20k.log.xz")}
    settings = text_settings(None, ["tokenizer.words=1000"], given, None)
    return folder, settings, prepare_texts(folder, settings)


def test_every_session_is_a_row_of_words_and_of_tokens(prepared):
    from tokenizers import Tokenizer

    folder, _, figures = prepared
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer" / "tokenizer.json"))
    rows = [
        row
        for part in ("train", "valid", "test")
        for row in pq.read_table(folder / f"datasets/hdfs_{part}.parquet").to_pylist()
    ]
    assert len(rows) == sum(part["all"] for part in figures["hdfs"]["sessions"].values()) == 1_782
    assert sum(row["label"] or 0 for row in rows) == 43
    for row in rows[:200]:
        assert tokenizer.encode("[CLS] " + row["text"] + " [SEP]").ids == row["input_ids"]
    assert any("receiving block [VALUE] src [VALUE] dest [VALUE]" in row["text"] for row in rows)


def test_the_folders_are_those_of_hugging_face(prepared):
    datasets = pytest.importorskip("datasets")
    folder, _, figures = prepared
    found = datasets.load_from_disk(str(folder / "datasets" / "hdfs_hf"))
    assert {name: len(part) for name, part in found.items()} == {
        name: part["all"] for name, part in figures["hdfs"]["sessions"].items()
    }


def test_a_second_run_changes_nothing_and_a_damaged_file_is_made_again(prepared, tmp_path, capsys):
    folder, settings, figures = prepared
    own = tmp_path / "own"
    shutil.copytree(folder, own)
    before = {path: path.stat().st_mtime_ns for path in own.rglob("*")}
    assert prepare_texts(own, settings) == json.loads(json.dumps(figures))
    assert {path: path.stat().st_mtime_ns for path in own.rglob("*")} == before
    assert "nothing has changed" in capsys.readouterr().err
    tokenizer = own / "tokenizer" / "tokenizer.json"
    whole = tokenizer.read_bytes()
    tokenizer.write_bytes(whole[:-20])
    prepare_texts(own, settings)
    assert tokenizer.read_bytes() == whole


def test_shipped_settings_of_data_are_the_defaults():
    """What the file spells out is what happens without it."""
    values = yaml.safe_load((ROOT / "configs" / "data.yaml").read_text())
    settings, plain = TextDataSettings(**values), TextDataSettings(inputs=values["inputs"])
    assert settings.tokenizer == plain.tokenizer
    assert list(settings.inputs) == ["hdfs", "openstack"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "inputs"),
        (["inputs={}"], "inputs"),
        (["inputs.a=x", "tokenizer.normaliser.rules=[{regex: '('}]"], "regex"),
        (["inputs.a=x", "tokeniser.words=3"], "tokenizer"),
        (["inputs={'../a': x}"], "no name for files"),
        (["inputs.tokens=x"], "name of a figure"),
        (["inputs.a='-'"], "cannot be read twice"),
    ],
)
def test_wrong_settings_are_said(words, message):
    with pytest.raises(ConfigError, match=message):
        text_settings(None, words, {}, None)


def test_one_input_takes_the_place_of_those_of_the_file(tmp_path):
    settings = text_settings(ROOT / "configs" / "data.yaml", [], {}, str(tmp_path / "app.log"))
    assert settings.inputs == {"app": str(tmp_path / "app.log")}


def test_other_inputs_leave_nothing_of_the_earlier_ones(data_dir, tmp_path):
    """Tokens of an earlier run would be those of another tokenizer; files of others stay."""
    log = str(data_dir / "hdfs" / "HDFS_first20k.log.xz")
    for name in ("one", "two"):
        prepare_texts(tmp_path, text_settings(None, [], {f"inputs.{name}": log}, None))
        (tmp_path / "datasets" / "mine.txt").write_text("mine")
    assert not list((tmp_path / "datasets").glob("one_*.parquet"))
    assert (tmp_path / "datasets" / "two_train.parquet").is_file()
    assert (tmp_path / "datasets" / "mine.txt").read_text() == "mine"
    assert not any("one" in name for name in json.loads((tmp_path / "texts.json").read_text())["sha256"])
