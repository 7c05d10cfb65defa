"""Bundles: whole or not there, verified before anything is read."""

from __future__ import annotations

import json

import pytest

from logradar.core.bundle import FORMAT, MANIFEST, amending, verify, writing
from logradar.core.errors import BundleError


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "b"
    with writing(folder, {"detector": "length"}) as draft:
        (draft / "config.json").write_text('{"seed": 1}')
        (draft / "deep").mkdir()
        (draft / "deep" / "state.json").write_text("{}")
    return folder


def test_facts_and_files_are_in_the_manifest(bundle):
    manifest = verify(bundle)
    assert manifest["detector"] == "length"
    assert set(manifest["files"]) == {"config.json", "deep/state.json"}
    assert manifest["format"] == FORMAT


def test_one_changed_byte_is_found(bundle):
    (bundle / "config.json").write_text('{"seed": 2}')
    with pytest.raises(BundleError, match=r"'config\.json' has another checksum"):
        verify(bundle)


def test_a_missing_and_an_added_file_are_found(bundle):
    (bundle / "extra.json").write_text("{}")
    with pytest.raises(BundleError, match=r"'extra\.json' is not in its manifest"):
        verify(bundle)
    (bundle / "extra.json").unlink()
    (bundle / "deep" / "state.json").unlink()
    with pytest.raises(BundleError, match="is missing"):
        verify(bundle)


def test_a_newer_format_asks_for_an_upgrade(bundle):
    manifest = json.loads((bundle / MANIFEST).read_text())
    (bundle / MANIFEST).write_text(json.dumps({**manifest, "format": FORMAT + 1}))
    with pytest.raises(BundleError, match="upgrade LogRadar"):
        verify(bundle)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1, "files": 3}', '{"format": "x", "files": {}}'])
def test_a_damaged_manifest_is_a_sentence(bundle, text):
    (bundle / MANIFEST).write_text(text)
    with pytest.raises(BundleError, match="cannot be read"):
        verify(bundle)


def test_a_folder_that_is_no_bundle(tmp_path):
    with pytest.raises(BundleError, match="is not a bundle"):
        verify(tmp_path)
    with pytest.raises(BundleError, match="is not a bundle"):
        verify(tmp_path / "missing")


def test_writing_never_harms_what_is_not_a_bundle(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.txt").write_text("meow")
    with (
        pytest.raises(BundleError, match="is not a bundle; choose another name"),
        writing(tmp_path / "photos", {}) as draft,
    ):
        draft.mkdir()
    assert (tmp_path / "photos" / "cat.txt").read_text() == "meow"


def test_a_failed_write_leaves_the_old_bundle_and_no_draft(bundle):
    before = (bundle / MANIFEST).read_bytes()
    with pytest.raises(ZeroDivisionError), writing(bundle, {}) as draft:
        (draft / "half.json").write_text("{}")
        raise ZeroDivisionError
    assert (bundle / MANIFEST).read_bytes() == before
    assert [path.name for path in bundle.parent.iterdir()] == ["b"]


def test_only_safe_kinds_of_files(tmp_path):
    with pytest.raises(BundleError, match=r"not 'model\.pkl'"), writing(tmp_path / "c", {}) as draft:
        (draft / "model.pkl").write_bytes(b"")


def test_one_file_is_changed_and_all_is_sealed_again(bundle):
    before = verify(bundle)
    with amending(bundle) as draft:
        (draft / "notes.json").write_text("{}")
    after = verify(bundle)
    assert set(after["files"]) == {*before["files"], "notes.json"}
    assert {key: value for key, value in after.items() if key != "files"} == {
        key: value for key, value in before.items() if key != "files"
    }
    assert [path.name for path in bundle.parent.iterdir()] == ["b"]


def test_a_bundle_that_was_changed_is_not_amended(bundle):
    (bundle / "config.json").write_text("{}")
    with pytest.raises(BundleError), amending(bundle):
        raise AssertionError
