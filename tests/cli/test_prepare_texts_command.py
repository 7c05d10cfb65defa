"""`logradar prepare --format texts` as a user calls it."""

import json

from tests.cli.shop import write_log


def test_one_log_as_texts(logradar, tmp_path):
    log = write_log(tmp_path / "app.log", 200, seed=1)
    done = logradar("prepare", log, "-o", tmp_path / "out", "--format", "texts", "--json")
    assert done.code == 0, done.err
    figures = done.json
    assert sum(part["all"] for part in figures["app"]["sessions"].values()) == 200
    assert figures["app"]["preview"][0]["normalised"]
    assert (tmp_path / "out" / "tokenizer" / "tokenizer.json").is_file()
    again = logradar("prepare", log, "-o", tmp_path / "out", "--format", "texts")
    assert again.code == 0 and "nothing has changed" in again.err and "preview" not in again.out
    assert json.loads((tmp_path / "out" / "texts.json").read_text())["figures"] == figures


def test_an_absent_input_is_a_sentence(logradar, tmp_path):
    done = logradar("prepare", tmp_path / "no.log", "-o", tmp_path / "out", "--format", "texts")
    assert done.code == 2 and "no.log" in done.err and "Traceback" not in done.err
    assert not (tmp_path / "out" / "texts.json").exists()


def test_the_input_may_not_lie_in_the_output(logradar, tmp_path):
    log = write_log(tmp_path / "app.log", 30, seed=1)
    done = logradar("prepare", log, "-o", tmp_path, "--format", "texts")
    assert done.code == 2 and "Traceback" not in done.err
    assert log.is_file()
