"""Whole files as training, validation and test parts."""

from __future__ import annotations

import json

import pytest

from logradar.core.errors import DataError, InputError
from logradar.evaluation.splits import LEAKAGE, FileParts, SplitSettings, by_file, read_lists, write_lists

DAYS = [f"preprocessed_logs_2024-05-{day:02}.json" for day in range(1, 11)]


def test_earliest_files_train_latest_test() -> None:
    parts = by_file(DAYS, [1] * 10, SplitSettings(test=0.2, valid=0.25))
    assert (parts.train, parts.valid, parts.test) == (tuple(DAYS[:6]), tuple(DAYS[6:8]), tuple(DAYS[8:]))
    assert parts.facts() == {"by": "files", "files": {"train": 6, "valid": 2, "test": 2}}
    assert parts.part_of(DAYS[7]) == "valid"
    assert parts.part_of("other") is None


def test_shares_are_of_the_sessions_not_of_the_files() -> None:
    parts = by_file(DAYS[:5], [100, 1, 1, 1, 97], SplitSettings(test=0.5, valid=0))
    assert parts.train == tuple(DAYS[:1])
    assert (parts.valid, len(parts.test)) == ((), 4)


@pytest.mark.parametrize("sizes", [[1, 1, 1], [1, 1, 1000], [1000, 1, 1], [0, 0, 0], [1] * 10, [9, 1, 500, 3, 4, 4, 4]])
@pytest.mark.parametrize("shuffle", [False, True])
def test_every_file_in_one_part_and_no_part_empty(sizes: list[int], shuffle: bool) -> None:
    files = DAYS[: len(sizes)]
    parts = by_file(files, sizes, SplitSettings(test=0.1, valid=0.1, shuffle=shuffle))
    assert sorted([*parts.train, *parts.valid, *parts.test]) == files
    assert parts.train and parts.valid and parts.test


def test_without_a_share_there_is_no_part() -> None:
    parts = by_file(DAYS[:2], [5, 5], SplitSettings(test=0, valid=0))
    assert (parts.train, parts.valid, parts.test) == (tuple(DAYS[:2]), (), ())


def test_a_shuffle_follows_the_seed_alone_and_is_told(capsys) -> None:
    settings = SplitSettings(valid=0.3, shuffle=True, seed=4)
    parts = by_file(DAYS, [1] * 10, settings)
    assert LEAKAGE in capsys.readouterr().err
    assert parts.note == parts.facts()["note"] == LEAKAGE
    assert parts.valid != tuple(DAYS[7:]) and len(parts.valid) == 3
    assert parts.train == tuple(sorted(parts.train))
    again = by_file(DAYS[::-1], [1] * 10, settings)
    assert set(again.valid) == set(parts.valid)
    other = by_file(DAYS, [1] * 10, settings.model_copy(update={"seed": 5}))
    assert set(other.valid) != set(parts.valid)


def test_too_few_files() -> None:
    with pytest.raises(DataError, match="2 files are too few to be split into 3 parts"):
        by_file(DAYS[:2], [1, 1], SplitSettings(test=0.3))
    with pytest.raises(DataError, match="1 file is too few"):
        by_file(DAYS[:1], [1])
    with pytest.raises(DataError, match="3 sizes for 2 files"):
        by_file(DAYS[:2], [1, 1, 1])
    with pytest.raises(DataError, match="is 2 times"):
        by_file(["a", "b", "a"], [1, 1, 1])


@pytest.mark.parametrize("shuffle", [False, True])
def test_lists_are_written_and_read(tmp_path, shuffle) -> None:
    parts = by_file(DAYS, range(10), SplitSettings(test=0.2, shuffle=shuffle))
    path = write_lists(tmp_path, parts)
    assert path.name == "split.json"
    assert json.loads(path.read_text())["test"] == list(parts.test)
    assert read_lists(tmp_path) == read_lists(path) == parts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"train": ["a"], "valid": []}',
        '{"train": ["a"], "valid": [], "test": [3]}',
        '{"train": "abc", "valid": [], "test": []}',
    ],
)
def test_what_is_no_split_is_a_sentence(tmp_path, text) -> None:
    (tmp_path / "split.json").write_text(text)
    with pytest.raises(InputError, match="is not a split; it needs the lists train, valid and test"):
        read_lists(tmp_path)


def test_lists_that_are_missing_or_wrong(tmp_path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_lists(tmp_path)
    with pytest.raises(DataError, match="'a' is 2 times in the split"):
        FileParts(("a",), ("a",), ())
