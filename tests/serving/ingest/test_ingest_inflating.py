"""Inflation of bodies: every encoding, and bombs that are given up at the limit."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from contextlib import suppress

import cramjam
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from logradar.serving.ingest.bad_body import BadBody
from logradar.serving.ingest.inflating import from_snappy, inflated

PLAIN = b"one line\nand another\n" * 5_000
MOST = 1 << 20


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def zstd_stream(data: bytes) -> bytes:
    """Without the length of the content in its header."""
    packer = zstandard.ZstdCompressor().compressobj()
    return packer.compress(data) + packer.flush()


WAYS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "zlib": zlib.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "snappy": lambda data: bytes(cramjam.snappy.compress_raw(data)),
    "x-snappy-framed": lambda data: bytes(cramjam.snappy.compress(data)),
}


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("plain", [PLAIN, b"x"])
def test_each_encoding(name, plain):
    assert inflated(WAYS[name](plain), name, MOST) == plain
    assert inflated(WAYS[name](plain), f" {name.upper()} ", MOST) == plain


@pytest.mark.parametrize("name", [None, "", "identity", "none", "identity, identity"])
def test_no_encoding(name):
    assert inflated(PLAIN, name, MOST) == PLAIN


def test_other_forms():
    assert inflated(raw_deflate(PLAIN), "deflate", MOST) == PLAIN
    assert inflated(zstd_stream(PLAIN), "zstd", MOST) == PLAIN
    assert inflated(bytes(cramjam.snappy.compress(PLAIN)), "snappy", MOST) == PLAIN
    assert inflated(gzip.compress(zlib.compress(PLAIN)), "deflate, gzip", MOST) == PLAIN


def test_members():
    assert inflated(gzip.compress(b"a") + gzip.compress(b"b") + bytes(512), "gzip", MOST) == b"ab"
    pack = zstandard.ZstdCompressor().compress
    assert inflated(pack(b"a") + pack(b"b"), "zstd", MOST) == b"ab"
    with pytest.raises(BadBody, match="10,000 gzip members"):
        inflated(gzip.compress(b"") * 10_001, "gzip", MOST)


BOMBS = {
    "gzip": gzip.compress(bytes(16 << 20)),
    "members": gzip.compress(bytes(1 << 18)) * 64,
    "deflate": zlib.compress(bytes(16 << 20)),
    "zstd": zstandard.ZstdCompressor().compress(bytes(64 << 20)),
    "snappy": bytes(cramjam.snappy.compress_raw(bytes(8 << 20))),
    "x-snappy-framed": bytes(cramjam.snappy.compress(bytes(8 << 20))),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_given_up_at_the_limit(name):
    tracemalloc.start()
    try:
        with pytest.raises(BadBody, match=r"exceeds 1,048,576 bytes.*smaller batches") as caught:
            inflated(BOMBS[name], "gzip" if name == "members" else name, MOST)
        assert caught.value.status == 413
        assert tracemalloc.get_traced_memory()[1] < 20 * MOST
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", WAYS)
def test_what_is_cut_off_or_wrong_is_refused(name):
    whole = WAYS[name](PLAIN)
    for wrong in (b"", whole[:-5], whole[: len(whole) // 2], b"\x1f" + whole[5:], b"plain text", whole[:3]):
        with pytest.raises(BadBody) as caught:
            inflated(wrong, name, MOST)
        assert caught.value.status == 400
        assert "nothing of it was kept" in str(caught.value)


def test_a_wrong_length_of_snappy_is_refused_before_memory_is_taken():
    with pytest.raises(BadBody, match="its length is wrong"):
        from_snappy(b"\xff\xff\x3f" + b"\x00a", MOST)
    with pytest.raises(BadBody, match="exceeds"):
        from_snappy(b"\xff\xff\xff\xff\x0f\x00a", MOST)


def test_unknown_encodings():
    with pytest.raises(BadBody, match="'br' is not known; send deflate, gzip") as caught:
        inflated(b"", "br", MOST)
    assert caught.value.status == 415
    with pytest.raises(BadBody, match="compressed 3 times"):
        inflated(b"", "gzip,gzip,gzip", MOST)


@given(st.sampled_from(sorted(WAYS)), st.binary(max_size=200), st.binary(max_size=20), st.integers(0, 200))
def test_damage_never_raises_anything_else(name, plain, patch, place):
    whole = bytearray(WAYS[name](plain))
    whole[place : place + len(patch)] = patch
    for body in (bytes(whole), patch):
        with suppress(BadBody):
            assert len(inflated(body, name, 1 << 16)) <= 1 << 16
