"""The models of single values: reading, samples, tails and novelty."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from logradar.detectors.value_models.novelty import Novelty, Texts
from logradar.detectors.value_models.numbers import numbers
from logradar.detectors.value_models.reasons import novel, too_late, unusual
from logradar.detectors.value_models.samples import Sample, Samples
from logradar.detectors.value_models.tails import LIMIT, Tails


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7.0),
        ("-7.5", -7.5),
        ("+3", 3.0),
        ("1,234,567", 1234567.0),
        ("3,5", 3.5),
        ("12ms", 0.012),
        ("90s", 90.0),
        ("2min", 120.0),
        ("5h", 18_000.0),
        ("3KB", 3000.0),
        ("3KiB", 3072.0),
        ("99%", 99.0),
        ("(42),", 42.0),
        ("=17;", 17.0),
        ("1e3", 1000.0),
        ("1e999", 1e300),
        ("1.2.3", None),
        ("10.0.0.1:80", None),
        ("0x1f", None),
        ("12apples", None),
        ("1234567890123456789", None),
        ("", None),
        ("n/a", None),
    ],
)
def test_numbers_are_read(text: str, value: float | None) -> None:
    found = numbers(pl.Series([text]))[0]
    assert math.isnan(found) if value is None else found == pytest.approx(value)


def sampled(values: np.ndarray, pieces: int = 1, size: int = 1000) -> Sample:
    samples = Samples(size, 10, seed=3)
    for part in np.array_split(values, pieces):
        samples.add(np.full(len(part), 7), part)
    return samples.close()


def test_a_sample_is_even_and_does_not_depend_on_pieces() -> None:
    values = np.random.default_rng(0).permutation(20_000).astype(float)
    one, other = sampled(values), sampled(values, 13)
    assert one.values.tolist() == other.values.tolist()
    assert len(one.values) == 1000 and one.counts.tolist() == [20_000]
    assert np.quantile(one.values, [0.1, 0.5, 0.9]) == pytest.approx([2_000, 10_000, 18_000], rel=0.15)
    assert (one.low, one.high) == (0, 19_999)


def test_keys_keep_apart_and_are_bounded() -> None:
    samples = Samples(100, 3, seed=1)
    samples.add(np.array([9, 5, 9, 2, 4]), np.array([1.0, 2.0, 3.0, np.nan, 5.0]))  # 4 is one too many
    found = samples.close()
    assert found.keys.tolist() == [2, 5, 9]
    assert found.offsets.tolist() == [0, 0, 1, 3] and found.values.tolist() == [2.0, 1.0, 3.0]
    assert found.counts.tolist() == [0, 1, 2] and found.missing.tolist() == [1, 0, 0]
    samples.add(np.array([5, 8]), np.array([0.0, 1.0]))
    assert samples.close().values.tolist() == [0.0, 2.0, 1.0, 3.0]


@pytest.mark.parametrize(
    ("values", "drifts"),
    [
        (np.arange(500.0), True),
        (5000 - np.arange(500.0), True),
        (np.arange(3000.0) + np.random.default_rng(1).normal(0, 20, 3000), True),
        (np.random.default_rng(0).normal(size=100_000), False),
        (np.random.default_rng(0).integers(0, 5, 5000).astype(float), False),
        (np.random.default_rng(0).lognormal(0, 2, 5000), False),
    ],
)
def test_counters_and_times_are_told_from_numbers(values: np.ndarray, drifts: bool) -> None:
    assert sampled(values).drifting.tolist() == [drifts]


@pytest.mark.parametrize("draw", ["normal", "uniform", "exponential", "lognormal"])
def test_surprisal_is_that_of_the_distribution(draw: str) -> None:
    """Of fresh normal numbers one in a hundred has 4.6 nats, and one in a thousand 6.9, or about that."""
    rng = np.random.default_rng(5)
    tails = Tails.fit(sampled(getattr(rng, draw)(size=20_000)), np.array([0]))
    fresh = getattr(rng, draw)(size=200_000)
    nats = tails.surprisal(np.zeros(len(fresh), np.int64), fresh, both=True)
    assert (nats == 0).mean() > 0.85
    assert (nats > -math.log(0.01)).mean() < 0.025
    assert (nats > -math.log(0.01)).mean() > 0.002 or draw == "uniform"  # which has no tail
    assert (nats > -math.log(0.001)).mean() < 0.004


def test_only_one_side_counts_where_only_one_is_asked_for() -> None:
    tails = Tails.fit(sampled(np.random.default_rng(0).uniform(10, 20, 5000)), np.array([0]))
    row = np.array([0])
    assert tails.surprisal(row, np.array([0.0]), both=False)[0] == 0
    assert tails.surprisal(row, np.array([0.0]), both=True)[0] > LIMIT
    assert 10 <= tails.low[0] < tails.high[0] <= 20


def counted(texts: list[str], pieces: int = 1, limit: int = 100) -> pl.DataFrame:
    found = Texts(limit, 10)
    for part in np.array_split(np.arange(len(texts)), pieces):
        found.add(np.full(len(part), 7), pl.Series([texts[i] for i in part], dtype=pl.String))
    return found.close()


def test_texts_are_counted_whatever_the_pieces() -> None:
    texts = [("a", "b", "c")[i % 3] for i in range(90)] + ["d"] + ["a"] * 9
    one, other = counted(texts), counted(texts, 7)
    assert one.equals(other)
    assert one.rows() == [(7, "a", 39, 0), (7, "b", 30, 1), (7, "c", 30, 2), (7, "d", 1, 90)]


def test_a_parameter_with_many_texts_is_given_up() -> None:
    assert len(counted([f"id{i}" for i in range(300)], 5)) == 0
    assert len(counted([f"id{i % 100}" for i in range(300)], 5)) == 100


def test_a_new_text_is_less_likely_where_new_ones_never_come() -> None:
    none = np.empty(0, np.int64)
    closed = Novelty.fit(counted([("a", "b")[i % 2] for i in range(5000)]), none, 30, 20, False)
    growing = Novelty.fit(counted([f"t{i // 100}" for i in range(5000)]), none, 30, 20, False)
    assert closed.nats[0] > 8 > growing.nats[0] > 3
    assert closed.known(np.array([7, 7, 8]), pl.Series(["a", "z", "a"])).tolist() == [True, False, False]
    assert closed.most_frequent(7) == (["a", "b"], 2)
    constant = counted(["a"] * 500)
    assert len(Novelty.fit(constant, none, 30, 20, False).keys) == 0
    assert len(Novelty.fit(constant, none, 30, 20, True).keys) == 1


def test_what_is_told_reads_well() -> None:
    assert unusual(0, "9" * 14, 3, 95) == "the 1st value is 99,999,999,999,999; usually 3 to 95"
    assert unusual(10, "2GB", 1e6, 5e6) == "the 11th value is 2 GB; usually 0.001 to 0.005 GB"
    assert unusual(21, "x", 3, 3) == "the 22nd value is 'x', not a number; usually 3"
    assert (
        novel(2, "q" * 80, ["EUR"], 2)
        == f"the 3rd value is '{'q' * 60}…', never seen there; usually 'EUR' or one other"
    )
    assert too_late(5000.4, 0.0) == "came 5,000 s after the event before; usually at once"
