"""Messages: what is sent comes back, rounding is right in the mean, and nothing that is not a message is taken."""

import os
import random

import numpy as np
import pytest

from logradar.federated.wire import GLOBAL, HEADER, UPDATE, Header, Refused, length, packed, unpacked

SIZES = np.array([64, 1, 100, 35])
VALUES = np.random.default_rng(0).normal(0, 0.01, 200).astype(np.float32)
HEAD = Header(UPDATE, 7, 3, 69, 1 << 63, 5)


@pytest.mark.parametrize("bits", [4, 8, 32])
def test_what_is_sent_comes_back(bits):
    message = packed(HEAD, VALUES, SIZES, bits, (1,))
    assert len(message) == length(SIZES, bits)
    header, found = unpacked(message, SIZES)
    assert header == HEAD
    steps = np.repeat(np.maximum.reduceat(np.abs(VALUES), np.cumsum(SIZES) - SIZES), SIZES) / ((1 << (bits - 1)) - 1)
    assert (np.abs(found - VALUES) <= (1e-7 if bits == 32 else 1.02 * steps)).all()


@pytest.mark.parametrize("bits", [4, 8])
def test_rounding_is_right_in_the_mean(bits):
    """The mean of 2,000 messages is ten times closer than a step."""
    found = np.mean([unpacked(packed(HEAD, VALUES, SIZES, bits, (n,)), SIZES)[1] for n in range(2_000)], axis=0)
    steps = np.repeat(np.maximum.reduceat(np.abs(VALUES), np.cumsum(SIZES) - SIZES), SIZES) / ((1 << (bits - 1)) - 1)
    assert (np.abs(found - VALUES) < 0.1 * steps + 1e-9).all()


def test_a_message_of_smollm_is_120_000_times_smaller_than_the_model():
    """60 modules (q and v of 30 layers), cores of 8 x 8: by the sizes alone."""
    sizes = np.full(60, 64)
    assert length(sizes, 8) == 4_004
    assert 538_060_032 / length(sizes, 8) > 120_000
    assert length(sizes, 4) == 2_084


def test_all_zeros_and_nothing_at_all():
    assert not unpacked(packed(HEAD, np.zeros(200, np.float32), SIZES, 8, (1,)), SIZES)[1].any()
    none = np.empty(0, np.int64)
    assert len(unpacked(packed(HEAD, np.empty(0, np.float32), none, 8, (1,)), none)[1]) == 0


def forged(values):
    """A message in fp32 whose checksum is right, whatever its numbers are."""
    return packed(HEAD, np.asarray(values, np.float32), SIZES, 32, (1,))


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "too short"),
        (b"\x80\x04\x95" + bytes(100), "not a message"),
        (packed(HEAD, VALUES, SIZES, 8, (1,))[:-1], "wrong length"),
        (packed(HEAD, VALUES, SIZES, 8, (1,)) + b"x", "wrong length"),
        (packed(HEAD, VALUES[:64], np.array([64]), 8, (1,)), "wrong shape"),
        (packed(Header(9, 1, 1, 1, 1, 1), VALUES, SIZES, 8, (1,)), "unknown kind"),
        (forged(np.full(200, np.nan)), "not a number"),
        (forged(np.full(200, np.inf)), "not a number"),
        (forged(np.full(200, 1e30)), "too large"),
    ],
)
def test_what_is_wrong_is_refused_with_a_reason(message, reason):
    with pytest.raises(Refused, match=reason):
        unpacked(message, SIZES)


def test_every_flipped_byte_is_noticed():
    message = packed(HEAD, VALUES, SIZES, 8, (1,))
    for place in range(len(message)):
        with pytest.raises(Refused):
            unpacked(message[:place] + bytes([message[place] ^ 1]) + message[place + 1 :], SIZES)


def test_ten_thousand_made_up_messages_are_refused_or_are_numbers():
    """Cut, joined, changed and invented bytes, some with a right checksum: no other error, and no number amiss."""
    from logradar.federated import wire

    rng = random.Random(int(os.environ.get("LOGRADAR_TEST_SEED", "0")))
    whole = [packed(Header(kind, 1, 1, 1, 1, 1), VALUES, SIZES, bits, (1,)) for kind in (1, 2) for bits in (4, 8, 32)]
    taken = 0
    for _ in range(10_000):
        raw = bytearray(rng.choice(whole))
        for _ in range(rng.randrange(1, 8)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        if rng.random() < 0.3:
            raw = raw[: rng.randrange(len(raw) + 1)]
        if rng.random() < 0.2:
            raw += rng.randbytes(rng.randrange(64))
        if rng.random() < 0.1:
            raw = bytearray(rng.randbytes(rng.randrange(300)))
        message = bytes(raw)
        if len(message) >= HEADER and rng.random() < 0.5:
            message = wire._signed(message[:HEADER], message[HEADER:])
        try:
            header, values = unpacked(message, SIZES)
        except Refused:
            continue
        taken += 1
        assert header.kind in (GLOBAL, UPDATE) and len(values) == 200 and np.isfinite(values).all()
    assert 0 < taken < 10_000
