"""--limit-files, --since and --until, on every command that reads an input."""

from __future__ import annotations

import pytest
from shop import write_log


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    for day in (1, 2, 3):
        write_log(folder / f"worker-2026-03-0{day}.log", 60, day, day=day)
    return folder


def test_validate_and_prepare_read_the_newest(logradar, logs, tmp_path):
    done = logradar("validate", logs, "--limit-files", 1, "--json")
    assert list(done.json["files"]) == [str(logs / "worker-2026-03-03.log")]
    assert "--limit-files 1 leaves out 2 files" in done.err
    done = logradar("prepare", logs, "-o", tmp_path / "p", "--since", "2026-03-02", "--until", "2026-03-02", "--json")
    assert done.json["records"] == 240
    done = logradar("validate", tmp_path / "p", "--limit-files", 1)
    assert done.code == 2 and "is a prepared folder" in done.err


def test_a_bundle_does_not_choose_the_files_of_other_inputs(logradar, logs, tmp_path):
    done = logradar("train", logs, "-o", tmp_path / "b", "--until", "2026-03-01", "detector=length", "beside=[]")
    assert done.code == 0, done.err
    assert logradar("detect", tmp_path / "b", logs, "--json").json["records"] == 720
    assert logradar("detect", tmp_path / "b", logs, "--json", "--limit-files", 2).json["records"] == 480


def test_mistakes_are_sentences(logradar, logs):
    done = logradar("validate", logs, "--since", "2030-01-01")
    assert done.code == 2
    assert "matches --since 2030-01-01; it has 3 files, of 2026-03-01, 2026-03-02, 2026-03-03." in done.err
    assert logradar("validate", logs, "--since", "yesterday").code == 2
    assert logradar("validate", logs, "--limit-files", -1).code == 2
    assert logradar("validate", logs, "input.limit_files=-1").code == 2
