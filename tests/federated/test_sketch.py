"""Sketches: small, without numbers of templates, and together what one place would have learnt."""

import random

import numpy as np
import pytest
from tests.detectors.session_rows import sessions

from logradar.core.sequences import Sequences
from logradar.core.training_set import TrainingSet
from logradar.detectors.count_vector import CountVector
from logradar.federated.sketch import fingerprint, sketched, unsketched
from logradar.federated.sketch_federation import federated_counts
from logradar.federated.wire import Refused

TEXTS = {number: f"message {number} of <NUM>" for number in range(3, 20)}


def rows(count, seed):
    rng = random.Random(seed)
    return [[3, *rng.choices([4, 5, 6, 7], k=rng.randrange(4)), 8] for _ in range(count)]


def test_sites_together_score_as_one_place():
    """Training sessions alone, so that their order does not matter."""
    parts = [rows(60, seed) for seed in range(4)]
    whole = CountVector()
    whole.fit(TrainingSet.of_tables(sessions([row for part in parts for row in part]), sessions([])))
    none = Sequences.from_lists([])
    found = federated_counts([Sequences.from_lists(part) for part in parts], [none] * 4, TEXTS, 1_000)
    table = sessions([*rows(50, 9), [3, 9, 9, 8], [8, 8], []])
    assert found.detector.score(table).equals(whole.score(table))
    assert found.largest < 1_000 and not found.left_out and not found.unlike


def test_merge_and_renumber_know_what_both_knew():
    one, other, whole = CountVector(), CountVector(), CountVector()
    first, second = rows(50, 1), rows(50, 2)
    shifted = [[value + 10 for value in row] for row in second]
    for detector, learn in ((one, first), (other, shifted), (whole, first + second)):
        detector.fit(TrainingSet.of_tables(sessions(learn), sessions([])))
    one.merge(other.renumber({value + 10: value for value in range(3, 10)}))
    table = sessions([*rows(40, 3), [4, 9], []])
    assert one.score(table).equals(whole.score(table))


def test_validation_sessions_are_scored_and_then_known():
    learn, later = Sequences.from_lists([[3, 4, 8]] * 20), Sequences.from_lists([[3, 4, 8], [3, 3, 3, 8]])
    found = federated_counts([learn, learn], [later, later], TEXTS, 1_000)
    scores = found.detector.validation_scores
    assert len(scores) == 4 and (scores > 0).sum() == 1  # the second site's is not new any more
    assert found.detector.score(sessions([[3, 3, 3, 8]]))["score"][0].as_py() <= 0


def test_what_does_not_fit_is_left_out_rarest_first():
    rng = random.Random(5)
    many = Sequences.from_lists([sorted(rng.choices(range(3, 20), k=30)) for _ in range(400)] + [[3, 4]] * 9).distinct()
    message, left = sketched(many.sorted(), TEXTS, 1_000)
    prints, found = unsketched(message)
    assert len(message) <= 1_000 and left > 100 and len(found) == len(many) - left
    assert found.counts.max() == 9 and {fingerprint(TEXTS[3]), fingerprint(TEXTS[4])} <= set(prints)


def test_made_up_sketches_are_refused_or_are_counts():
    rng = random.Random(6)
    whole, _ = sketched(Sequences.from_lists(rows(60, 1)).sorted().distinct(), TEXTS)
    for _ in range(2_000):
        raw = bytearray(whole)
        for _ in range(rng.randrange(1, 6)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        with pytest.raises(Refused):
            unsketched(bytes(raw[: rng.choice([len(raw), rng.randrange(len(raw))])]))
    with pytest.raises(Refused):
        unsketched(b"")


def test_a_bomb_is_refused():
    """A body of a kilobyte that unpacks to a gigabyte."""
    import struct

    import zstandard

    from logradar.federated.wire import hash64

    body = zstandard.ZstdCompressor(19).compress(bytes(100 << 20))
    head = b"LRS1" + struct.pack("<H", 0)
    with pytest.raises(Refused):
        unsketched(head + struct.pack("<Q", hash64(head, body)) + body)


def test_a_forged_count_does_not_fill_the_memory():
    import struct

    import zstandard

    from logradar.federated.sketch import _varints
    from logradar.federated.wire import hash64

    numbers = [1, 1, 1, 1, 0, 1 << 50]
    head = b"LRS1" + struct.pack("<H", 1) + bytes(5)
    body = zstandard.ZstdCompressor(3).compress(_varints(numbers))
    with pytest.raises(Refused, match="damaged"):
        unsketched(head + struct.pack("<Q", hash64(head, body)) + body)
    assert np.isfinite(fingerprint("x"))
