"""Bundles: whole or not there, verified before anything is read."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from logradar.core.bundle import FORMAT, MANIFEST, SEAL, amending, require_place, verify, writing
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


def test_a_newer_format_asks_for_an_upgrade(bundle, monkeypatch):
    with monkeypatch.context() as later, writing(bundle, {}):
        later.setattr("logradar.core.bundle.FORMAT", FORMAT + 1)
    with pytest.raises(BundleError, match="upgrade LogRadar"):
        verify(bundle)
    manifest = json.loads((bundle / MANIFEST).read_text())
    (bundle / MANIFEST).write_text(json.dumps({**manifest, "format": FORMAT + 1}))
    with pytest.raises(BundleError, match="upgrade LogRadar"):
        verify(bundle)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1, "files": 3}', '{"format": "x", "files": {}}'])
def test_a_damaged_manifest_is_a_sentence(bundle, text):
    (bundle / MANIFEST).write_text(text)
    with pytest.raises(BundleError, match="cannot be read"):
        verify(bundle)


def test_every_flipped_bit_of_a_manifest_is_found(tmp_path):
    """Numbers, texts with letters of several bytes, nested facts, names of files, checksums, and the seal itself."""
    facts = {
        "input": "größe 日本.log",
        "records": 10,
        "rate": 21873.417,
        "split": {"train": 8, "test": None, "ok": True},
    }
    with writing(tmp_path / "b", facts) as draft:
        (draft / "a.json").write_text("{}")
    whole = (tmp_path / "b" / MANIFEST).read_bytes()
    for place in range(len(whole)):
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << bit
            (tmp_path / "b" / MANIFEST).write_bytes(damaged)
            with pytest.raises(BundleError, match=r"[Bb]undle"):
                verify(tmp_path / "b")
                pytest.fail(f"accepted: bit {bit} of byte {place}, {whole[place - 9 : place + 9]!r}")
    (tmp_path / "b" / MANIFEST).write_bytes(whole)
    assert verify(tmp_path / "b")["split"] == facts["split"]


@pytest.mark.parametrize("end", [b"}\n", b"}", b"\n}\n\n"], ids=["no line", "no end", "one more"])
def test_a_manifest_whose_end_was_cut_or_changed_is_found(bundle, end):
    whole = (bundle / MANIFEST).read_bytes()
    (bundle / MANIFEST).write_bytes(whole.removesuffix(b"\n}\n") + end)
    with pytest.raises(BundleError, match="was changed"):
        verify(bundle)


def test_a_manifest_from_before_there_were_seals_is_read(bundle):
    manifest = json.loads((bundle / MANIFEST).read_text())
    del manifest[SEAL]
    (bundle / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    assert verify(bundle) == manifest
    with amending(bundle):
        pass
    assert json.loads((bundle / MANIFEST).read_text())[SEAL]
    assert verify(bundle) == manifest


def test_a_bad_place_is_named_as_it_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("x")
    for place in ("file/b", "file/deep/b"):
        with pytest.raises(BundleError, match=rf"^'{place}' cannot be written .*; name another folder"):
            require_place(Path(place))
    with pytest.raises(BundleError, match=r"^'file' exists and is not a bundle"):
        require_place(Path("file"))
    with pytest.raises(FileNotFoundError) as caught, writing(Path("b"), {}) as draft:
        (draft / "none" / "a.json").write_text("x")
    assert caught.value.filename == str(tmp_path / "b" / "none" / "a.json")
    with pytest.raises(OSError) as caught, writing(Path("b"), {}) as draft:
        pa.OSFile(str(draft / "none" / "a.parquet"), "wb")
    assert f"{tmp_path / 'b' / 'none'}" in str(caught.value)
    assert draft.name not in str(caught.value)


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
