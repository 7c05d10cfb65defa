"""What is written never takes the place of what is read: of an input, a part of it, labels or a bundle."""

from __future__ import annotations

import shutil

import pytest
from tests.cli.shop import write_labels, write_log
from tests.cli.test_bad_input import refused

QUICK = ("detector=new_template", "beside=[]")


@pytest.fixture
def log(tmp_path):
    return write_log(tmp_path / "app.log", 60, seed=1)


@pytest.fixture
def bundle(logradar, tmp_path, log):
    assert logradar("train", log, "-o", tmp_path / "bundle", *QUICK).code == 0
    return tmp_path / "bundle"


def contents(folder):
    """All files below a folder, with their bytes."""
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("how", ["itself", "link", "hard link", "folder", "glob"])
def test_detect_does_not_write_to_its_input(logradar, tmp_path, log, bundle, how):
    folder = tmp_path / "logs"
    folder.mkdir()
    read = shutil.copy(log, folder / "day.json")
    output, spec = read, read
    if how == "link":
        output = tmp_path / "alerts.json"
        output.symlink_to(read)
    elif how == "hard link":
        output = tmp_path / "alerts.json"
        output.hardlink_to(read)
    elif how in ("folder", "glob"):
        spec = folder if how == "folder" else f"{folder}/*.json"
    before = contents(tmp_path)
    refused(logradar("detect", bundle, spec, "-o", output), output.name, "is read as input")
    assert contents(tmp_path) == before


def test_no_command_writes_to_its_input(logradar, tmp_path, log, bundle):
    page = shutil.copy(log, tmp_path / "log.html")
    labels = write_labels(log, tmp_path / "labels.json")
    before = contents(tmp_path)
    for words in (
        ("validate", page, "-o", page),
        ("validate", log, "-o", tmp_path),
        ("prepare", log, "-o", tmp_path),
        ("compare", bundle, page, "-o", page),
        ("evaluate", bundle, log, "-o", tmp_path, "--labels", labels, "--allow-overlap"),
        ("evaluate", bundle, log, "--pictures", tmp_path, "--labels", labels, "--allow-overlap"),
        ("train", log, "-o", tmp_path),
    ):
        done = logradar(*words)
        assert done.code == 2, words
        refused(done)
        assert contents(tmp_path) == before, words


def test_a_prepared_folder_stays_as_it_is(logradar, tmp_path, log, bundle):
    assert logradar("prepare", log, "-o", tmp_path / "p").code == 0
    before = contents(tmp_path / "p")
    refused(logradar("detect", bundle, tmp_path / "p", "-o", tmp_path / "p" / "prepared.json"), "prepared.json")
    refused(logradar("evaluate", bundle, tmp_path / "p", "-o", tmp_path / "p", "--allow-overlap"), "holds the input")
    assert contents(tmp_path / "p") == before


def test_nothing_is_written_into_a_bundle(logradar, tmp_path, log, bundle):
    before = contents(bundle)
    for words in (
        ("detect", bundle, log, "-o", bundle / "alerts.json"),
        ("detect", bundle, log, "-o", bundle / "thresholds.json"),
        ("validate", log, "-o", bundle),
        ("validate", log, "-o", bundle / "page.html"),
        ("evaluate", bundle, log, "-o", bundle, "--allow-overlap"),
        ("compare", bundle, log, "-o", bundle / "detectors"),
        ("train", log, "-o", bundle / "second", *QUICK),
        ("prepare", log, "-o", bundle / "second"),
        ("simulate", "-o", bundle / "second", "--days", "0.01"),
        ("report", bundle, "--pictures", bundle),
    ):
        refused(logradar(*words), "bundle")
        assert contents(bundle) == before, words
    assert logradar("detect", bundle, log).code == 0


def test_a_bundle_is_replaced_by_force_only(logradar, tmp_path, log, bundle):
    before = contents(bundle)
    refused(logradar("train", log, "-o", bundle, *QUICK), "--force")
    refused(logradar("train", log, "-o", bundle, "--from", bundle), "--force")
    assert contents(bundle) == before
    done = logradar("train", log, "-o", bundle, "--force", "seed=9", *QUICK)
    assert done.code == 0, done.err
    assert contents(bundle) != before
    assert logradar("train", log, "-o", bundle, "--from", bundle, "--force").code == 0


def test_the_current_folder_and_the_root_are_no_bundles(logradar, tmp_path, log, monkeypatch):
    place = tmp_path / "empty"
    place.mkdir()
    monkeypatch.chdir(place)
    refused(logradar("train", log, "-o", ".", *QUICK), "in use")
    refused(logradar("train", log, "-o", "/", *QUICK), "in use")
    refused(logradar("validate", log, "-o", "/"), "root")
    assert list(place.iterdir()) == []
