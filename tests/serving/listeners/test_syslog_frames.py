"""However TCP divides the bytes, the messages are the same; nothing that is sent takes much time or memory."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logradar.serving.listeners.syslog_frames import Frames, whole_characters


def counted(message: bytes) -> bytes:
    return b"%d %b" % (len(message), message)


def all_of(pieces, limit=1 << 16):
    frames = Frames(limit)
    found = [message for piece in pieces for message in frames.feed(piece)]
    return found + frames.end(), (frames.cut, frames.incomplete)


def test_both_framings_and_nul_in_one_connection():
    data = (
        b"<13>one\n" + counted(b"<13>two\nlines") + b"<13>three\0" + counted(b"<13>four") + b"\r\n<13>five\r\n\n<13>six"
    )
    expected = [b"<13>one", b"<13>two\nlines", b"<13>three", b"<13>four", b"<13>five", b"<13>six"]
    assert all_of([data]) == (expected, (0, 0))
    assert all_of([bytes([byte]) for byte in data]) == (expected, (0, 0))


def test_lines_that_begin_with_a_number_are_no_counts():
    lines = [b"2026-03-02 08:00:00,123 INFO shop paid", b"12 monkeys", b"7 of <b>9</b>", b"0 <13>x", b"42"]
    assert all_of([b"\n".join(lines)]) == (lines, (0, 0))


def test_wrong_counts():
    assert all_of([b"5 <13>abc\n<13>next\n"])[0] == [b"<13>a", b"bc", b"<13>next"]  # too small
    assert all_of([b"20 <13>abc\n<13>next\n"]) == ([b"<13>abc\n<13>next"], (0, 1))  # too large
    assert all_of([b"999999999 <13>abc\n<13>next\n"])[0] == [b"999999999 <13>abc", b"<13>next"]  # beyond all reason
    assert all_of([b"1 <1\n2 <2x"], limit=480)[0] == [b"<", b"1", b"<2", b"x"]


@pytest.mark.parametrize("framed", [counted, lambda message: message + b"\n"])
@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
def test_a_long_message_is_cut_and_counted(framed, size):
    data = framed(b"<13>" + b"x" * 2000) + framed(b"<13>y")
    found, (cut, _) = all_of([data[at : at + size] for at in range(0, len(data), size)], limit=500)
    assert found == [b"<13>" + b"x" * 496, b"<13>y"]
    assert cut == 1


def test_a_cut_leaves_whole_characters():
    for text in ("ü", "€", "😀", "ab"):
        data = ("x" + text).encode()
        for end in range(1, len(data) + 1):
            assert whole_characters(bytearray(data[:end])).decode() in ("x" + text)


MESSAGE = st.binary(min_size=1, max_size=40).map(lambda text: b"<13>" + text)
PIECE = st.one_of(
    MESSAGE.map(counted),
    MESSAGE.map(lambda text: text + b"\n"),
    st.binary(max_size=60),
    st.sampled_from([b"\0", b"9 "]),
)


@given(
    st.lists(PIECE, max_size=12).map(b"".join),
    st.lists(st.integers(0, 700), max_size=30),
    st.sampled_from([8, 50, 500]),
)
def test_any_division_gives_the_same_messages(data, cuts, limit):
    cuts = sorted(min(cut, len(data)) for cut in cuts)
    pieces = [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    assert all_of(pieces, limit) == all_of([data], limit)


@given(st.lists(MESSAGE.map(lambda text: text.rstrip(b"\r\n\0")), max_size=12))
def test_counted_messages_arrive_whatever_is_in_them(messages):
    assert all_of([b"".join(map(counted, messages))]) == (messages, (0, 0))


@pytest.mark.parametrize(
    ("piece", "count"),
    [(b"x" * 65_536, 800), (b"\n" * 65_536, 100), (b"\0" * 65_536, 100), (b"9", 400_000), (b"x\0" * 32_768, 20)],
)
def test_hostile_streams_take_linear_time_and_bounded_memory(piece, count):
    frames = Frames()
    seconds = []
    for _ in range(2):
        began = time.process_time()
        for _ in range(count // 2):
            frames.feed(piece)
        seconds.append(time.process_time() - began)
        assert len(frames._held) <= (1 << 16) + len(piece)
    assert seconds[1] < 20 * seconds[0] + 1.0  # a quadratic one would hold all and search it again each time
