"""Bundles that an enemy changed and sealed again: alerts that make sense, or status 2 and one sentence.

A short, fixed part of what ``make fuzz`` does for an hour, and the cases that once went wrong, one by one.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from logradar.core.bundle import MANIFEST
from logradar.core.errors import BundleError
from logradar.model.bundle import Bundle
from tests.fuzzing.bundles import NETWORKS, SIMPLE, train
from tests.fuzzing.mutations import files_of, mutated, reseal
from tests.fuzzing.run import faults, kept, logs
from tests.fuzzing.worker import Worker

NAN, INF = float("nan"), float("inf")
LONG = (
    "count_vector",
    "density",
    "ensemble",
    "values",
)  # bundles of many files: `make check-slow`, and `make fuzz` for an hour


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("fuzzing")
    logs(folder)
    return folder


@pytest.fixture(scope="module")
def worker(home) -> Iterator[Worker]:
    one = Worker(home / "outage.log")
    yield one
    one.close()


@pytest.fixture(scope="module")
def fresh(home) -> Callable[[str], Path]:
    """The bundle of a detector, trained once."""
    return lambda name: home / name if (home / name).is_dir() else train(home, name)


@pytest.fixture
def copy(fresh, tmp_path) -> Callable[[str], Path]:
    """A copy of the bundle of a detector that may be changed."""
    return lambda name: Path(shutil.copytree(fresh(name), tmp_path / name))


@pytest.mark.parametrize("name", [pytest.param(one, marks=pytest.mark.slow) if one in LONG else one for one in SIMPLE])
def test_mutated_bundles_alert_or_are_refused(fresh, worker, name):
    bundle, counts = fresh(name), Counter[str]()
    assert worker.detect(bundle).kind == "alerts"
    mutations = [*kept(name), *((file, 1000) for file in files_of(bundle))]
    assert not [*faults(bundle, mutations, worker, counts)]
    assert counts["refused"] >= len(mutations) // 4  # else nothing was mutated


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_mutated_bundles_of_networks_alert_or_are_refused(fresh, worker, name):
    pytest.importorskip("torch")
    bundle = fresh(name)
    assert worker.detect(bundle).kind == "alerts"
    assert not [*faults(bundle, [*kept(name), *((file, 1000) for file in files_of(bundle))], worker)]


def test_a_mutation_is_the_same_every_time_and_is_noticed(fresh, tmp_path):
    """Without its new seal each of them is found at once; so they do change something."""
    bundle = fresh("ngram")
    for number in range(20):
        first = (
            mutated(bundle, "thresholds.json", number, tmp_path / "a"),
            (tmp_path / "a/thresholds.json").read_bytes(),
        )
        assert first == (
            mutated(bundle, "thresholds.json", number, tmp_path / "b"),
            (tmp_path / "b/thresholds.json").read_bytes(),
        )
        if first[1] != (bundle / "thresholds.json").read_bytes():
            shutil.copy(bundle / MANIFEST, tmp_path / "a")
            with pytest.raises(BundleError, match="was changed"):
                Bundle.load(tmp_path / "a")


def refused(bundle: Path, match: str) -> None:
    """The bundle is refused, with one line that matches."""
    with pytest.raises(BundleError, match=match) as caught:
        Bundle.load(bundle)
    assert "\n" not in str(caught.value)


def set_json(bundle: Path, file: str, *path_and_value: Any) -> None:
    *path, value = path_and_value
    document = json.loads((bundle / file).read_text())
    inside = document
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    (bundle / file).write_text(json.dumps(document))
    reseal(bundle)


def set_column(bundle: Path, file: str, name: str, change: Callable[[np.ndarray], Any]) -> None:
    table = pq.read_table(bundle / file)
    column = pa.array(change(table[name].to_numpy().copy()))
    table = table.set_column(table.column_names.index(name), name, column)
    pq.write_table(table, bundle / file)
    reseal(bundle)


@pytest.mark.parametrize(
    "ids",
    [[-5], [5, 4], [4, 4], [3, 2**31], [2**70], [3.5], ["3"], [None], [[3]], "345", None, {"a": 3}, [NAN], [True, "x"]],
)
@pytest.mark.parametrize("name", ["count_vector", "new_template"])
def test_template_ids_that_are_none_reach_no_kernel(copy, name, ids):
    """`[-5]` corrupted the heap: SIGSEGV."""
    bundle = copy(name)
    set_json(
        bundle, f"detectors/{name}/detector.json", "state", "templates" if name == "count_vector" else "known", ids
    )
    refused(bundle, "cannot be read")


@pytest.mark.parametrize("change", [lambda a: a[:0], lambda a: a * 0 - 5, lambda a: a.astype(np.float64) * np.nan])
@pytest.mark.parametrize(
    ("name", "file", "column"),
    [
        ("count_vector", "prototypes", "count"),
        ("count_vector", "counts", "cell"),
        ("count_vector", "counts", "sessions"),
        ("ngram", "runs", "count"),
        ("values", "numbers", "above"),
        ("values", "gaps", "share"),
        ("ensemble", "normal", "sessions"),
        ("ensemble", "normal", "score"),
    ],
)
def test_columns_that_no_training_writes_are_refused(copy, name, file, column, change):
    bundle = copy(name)
    path = f"detectors/{name}/{file}.parquet"
    if not len(change(np.ones(1))):
        table = pq.read_table(bundle / path)
        pq.write_table(table.drop_columns([column]), bundle / path)
        reseal(bundle)
    else:
        set_column(bundle, path, column, change)
    refused(bundle, rf"{file}\.parquet")


@pytest.mark.parametrize("value", [NAN, INF, -INF, "0.5", None, [0.5], {}, True, 1e300, 1e6])
def test_a_threshold_that_disarms_is_refused(copy, value):
    bundle = copy("ngram")
    set_json(bundle, "thresholds.json", "ngram", "value", value)
    refused(bundle, "cannot be read")


@pytest.mark.parametrize("whole", ["text", None, [], 3, {}])
def test_thresholds_that_are_something_else_are_refused(copy, whole):
    bundle = copy("ngram")
    (bundle / "thresholds.json").write_text(json.dumps(whole))
    reseal(bundle)
    refused(bundle, "cannot be read")


def test_a_threshold_above_its_validation_scores_is_refused_whatever_it_says_of_itself(copy):
    for method in ("counted", "largest", "labels", "tail", "given"):
        bundle = copy("length")
        set_json(bundle, "thresholds.json", "length", "method", method)
        set_json(bundle, "thresholds.json", "length", "value", 5.0)
        refused(bundle, "justify|method|no longer alerts")
        shutil.rmtree(bundle)


@pytest.mark.parametrize(
    "weights", [{"length": NAN}, {"length": INF}, {"length": -0.25}, {"length": 0.0}, {"length": "x"}]
)
def test_weights_that_disarm_are_refused(copy, weights):
    bundle = copy("ensemble")
    file = "detectors/ensemble/detector.json"
    kept_weights = json.loads((bundle / file).read_text())["state"]["weights"]
    set_json(bundle, file, "state", "weights", kept_weights | weights)
    refused(bundle, "weights|JSON")


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("length", ("state", "longest"), 1_000_000),
        ("ensemble", ("state", "cut"), 3.5),
    ],
)
def test_a_number_in_its_range_that_disarms_is_found_by_the_self_test(copy, name, path, value):
    bundle = copy(name)
    set_json(bundle, f"detectors/{name}/detector.json", *path, value)
    refused(bundle, "no longer alerts")


def test_a_service_that_is_silenced_is_found(copy):
    bundle = copy("ensemble")
    set_json(bundle, "detectors/ensemble/detector.json", "state", "noise", {"mill": 2.5})
    refused(bundle, "says nothing of service 'mill'")


@pytest.mark.parametrize(
    "change", [lambda a: a * np.nan, lambda a: a + np.inf, lambda a: a[:5], lambda a: a.astype(str)]
)
def test_validation_scores_that_are_none_are_refused(copy, change):
    bundle = copy("length")
    table = {"length": pa.array(change(pq.read_table(bundle / "validation-scores.parquet")["length"].to_numpy()))}
    pq.write_table(pa.table(table), bundle / "validation-scores.parquet")
    reseal(bundle)
    refused(bundle, "cannot be read")


def test_validation_scores_without_columns_are_refused(copy):
    bundle = copy("length")
    pq.write_table(pa.table({}), bundle / "validation-scores.parquet")
    reseal(bundle)
    refused(bundle, "do not have the same names")


@pytest.mark.parametrize(
    "file",
    [
        "settings.json",
        "thresholds.json",
        "history.json",
        "feedback.json",
        "split.json",
        "templates/parsing.json",
        MANIFEST,
    ],
)
@pytest.mark.parametrize("depth", [200, 100_000])
def test_deep_documents_are_refused(copy, file, depth):
    bundle = copy("length")
    (bundle / file).write_text('{"a": ' + "[" * depth + "]" * depth + "}")
    if file != MANIFEST:
        manifest = json.loads((bundle / MANIFEST).read_text())
        manifest["files"].setdefault(file, {})
        (bundle / MANIFEST).write_text(json.dumps(manifest, indent=2))
        reseal(bundle)
    refused(bundle, r"nested too deeply|is not a split")


@pytest.mark.parametrize("column", ["repeated numbers", "one long text"])
def test_a_small_file_that_unpacks_to_a_large_table_is_not_unpacked(copy, column):
    bundle = copy("ensemble")
    place = bundle / "detectors/ensemble/normal.parquet"
    table = pq.read_table(place)
    rows = 3_000_000
    if column == "one long text":
        texts = pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pa.array(["x" * 1000]))
        table = pa.table({"member": texts, "score": np.zeros(rows), "sessions": np.ones(rows, np.int64)})
        pq.write_table(table, place, compression="zstd")
    else:
        with pq.ParquetWriter(place, table.schema, compression="zstd") as writer:
            wide = {"member": ["length"] * rows, "score": np.zeros(rows), "sessions": np.ones(rows, np.int64)}
            for _ in range(10):
                writer.write_table(pa.table(wide))
    assert place.stat().st_size < 7 << 20
    reseal(bundle)
    refused(bundle, "unpacks to")


@pytest.mark.parametrize("file", ["thresholds.json", "templates/tree.parquet", "more.json"])
def test_a_link_in_a_bundle_is_refused(copy, tmp_path, file):
    bundle = copy("length")
    target = tmp_path / "elsewhere"
    if (bundle / file).exists():
        (bundle / file).rename(target)
    else:
        target.write_text("{}")
    (bundle / file).symlink_to(target)
    refused(bundle, "holds a link")


def test_another_detector_or_other_settings_in_the_place_of_one_are_refused(copy):
    bundle = copy("ngram")
    shutil.copy(copy("length") / "detectors/length/detector.json", bundle / "detectors/ngram/detector.json")
    reseal(bundle)
    refused(bundle, "it is a length, not a ngram")
    bundle = copy("values")
    set_json(bundle, "detectors/values/detector.json", "settings", "constants", True)
    refused(bundle, "not those in settings.json")


def test_a_bundle_from_before_there_were_self_tests_is_loaded(copy):
    bundle = copy("new_template")
    (bundle / "self-test.parquet").unlink()
    manifest = json.loads((bundle / MANIFEST).read_text())
    del manifest["files"]["self-test.parquet"]
    (bundle / MANIFEST).write_text(json.dumps(manifest, indent=2))
    reseal(bundle)
    assert Bundle.load(bundle).main.name == "new_template"
