"""The wire: a message is a header of 44 bytes, a scale for each part, and one flat vector of small integers.

There is nothing in it but numbers, so nothing in it can run code. Whoever reads it knows beforehand how many numbers
there must be (the layout of the vector), and whatever is not as expected is refused with a reason.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from logradar.core.errors import LogRadarError

Floats = npt.NDArray[np.float32]
Bits = Literal[4, 8, 32]
MAGIC: Final = b"LRF1"
GLOBAL, UPDATE = 1, 2
_HEADER: Final = struct.Struct(
    "<4sBBHIIIQQQ"
)  # magic, kind, bits, round, sender, count, weight, manifest, nonce, digest
_SCALE: Final = 2  # bytes
_LARGEST: Final = 1e4  # of a number; no training of adapters comes near
HEADER: Final = _HEADER.size


class Refused(LogRadarError):
    """A message is not what it should be: it is counted under ``reason`` and changes nothing."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"The message was refused: {reason}{f' ({detail})' if detail else ''}.")
        self.reason = reason


@dataclass(frozen=True)
class Header:
    """What a message says of itself. ``manifest`` names the network and its layout, ``nonce`` one round of one run.

    ``sender`` is the number of the client, 0 for the server; ``weight`` how many sessions it learnt from.
    """

    kind: int
    round: int
    sender: int
    weight: int
    manifest: int
    nonce: int


def packed(header: Header, values: Floats, sizes: npt.NDArray[np.int64], bits: Bits, seed: tuple[int, ...]) -> bytes:
    """A message of ``values``; the parts of the vector, of these ``sizes``, have a scale each.

    Numbers are rounded up or down at random so that the mean is right (stochastic rounding; Alistarh et al., QSGD,
    NeurIPS 2017), by ``seed``. With 32 bits nothing is rounded.
    """
    if bits == 32:
        body = np.ascontiguousarray(values, "<f4").tobytes()
    else:
        most = (1 << (bits - 1)) - 1
        starts = np.cumsum(sizes) - sizes
        largest = np.maximum.reduceat(np.abs(values), starts) if len(values) else np.zeros(0, np.float32)
        codes = _coded(largest / most)
        scale = np.repeat(_scales(codes), sizes)
        with np.errstate(divide="ignore", invalid="ignore"):
            steps = np.where(scale > 0, values / scale, 0.0)
        low = np.floor(steps)
        up = np.random.default_rng(seed).random(len(steps)) < steps - low
        numbers = np.clip(low + up, -most, most).astype(np.int8)
        body = codes.astype("<u2").tobytes() + (numbers.tobytes() if bits == 8 else _halves(numbers))
    head = _HEADER.pack(
        MAGIC,
        header.kind,
        bits,
        header.round,
        header.sender,
        len(values),
        header.weight,
        header.manifest,
        header.nonce,
        0,
    )
    return _signed(head, body)


def unpacked(message: bytes, sizes: npt.NDArray[np.int64]) -> tuple[Header, Floats]:
    """The header and the numbers of a message whose vector has parts of these ``sizes``. Raises `Refused`."""
    header, bits, count = read_header(message)
    if count != int(sizes.sum()):
        raise Refused("wrong shape", f"{count:,} numbers, and {int(sizes.sum()):,} were expected")
    if len(message) != length(sizes, bits):
        raise Refused("wrong length", f"{len(message):,} bytes")
    if _digest(message[: HEADER - 8], message[HEADER:]) != struct.unpack_from("<Q", message, HEADER - 8)[0]:
        raise Refused("damaged", "its checksum is another one")
    body = memoryview(message)[HEADER:]
    if bits == 32:
        values = np.frombuffer(body, "<f4").astype(np.float32)
    else:
        scales = _scales(np.frombuffer(body[: _SCALE * len(sizes)], "<u2"))
        numbers = np.frombuffer(body[_SCALE * len(sizes) :], np.int8)
        if bits == 4:
            numbers = _from_halves(numbers.view(np.uint8), count)
        with np.errstate(over="ignore", invalid="ignore"):
            values = numbers.astype(np.float32) * np.repeat(scales, sizes)
    if not np.isfinite(values).all():
        raise Refused("not a number")
    if np.abs(values).max(initial=0.0) > _LARGEST:
        raise Refused("too large", f"a number of {np.abs(values).max():.2g}")
    return header, values


def read_header(message: bytes) -> tuple[Header, int, int]:
    """The header, the bits of a number, and how many there are. Raises `Refused`."""
    if len(message) < HEADER:
        raise Refused("too short", f"{len(message)} bytes")
    magic, kind, bits, number, sender, count, weight, manifest, nonce, _ = _HEADER.unpack_from(message)
    if magic != MAGIC:
        raise Refused("not a message of LogRadar")
    if kind not in (GLOBAL, UPDATE) or bits not in (4, 8, 32):
        raise Refused("unknown kind", f"kind {kind}, {bits} bits")
    return Header(kind, number, sender, weight, manifest, nonce), bits, count


def length(sizes: npt.NDArray[np.int64], bits: int) -> int:
    """Bytes of a message whose vector has parts of these sizes."""
    count = int(sizes.sum())
    return HEADER + (4 * count if bits == 32 else _SCALE * len(sizes) + -(-count * bits // 8))


def hash64(*parts: bytes) -> int:
    """A 64-bit hash of some bytes (BLAKE2b), each with its length."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return int.from_bytes(digest.digest(), "little")


def _digest(head: bytes, body: bytes) -> int:
    return hash64(head, body)


def _signed(head: bytes, body: bytes) -> bytes:
    return head[:-8] + struct.pack("<Q", _digest(head[:-8], body)) + body


def _coded(scales: npt.NDArray[np.floating]) -> npt.NDArray[np.uint16]:
    """The upper half of a float32, rounded up: bfloat16, whose range is that of a float32."""
    whole = np.ascontiguousarray(scales, np.float32).view(np.uint32)
    codes: npt.NDArray[np.uint16] = np.minimum((whole.astype(np.uint64) + 0xFFFF) >> 16, 0xFFFF).astype(np.uint16)
    return codes


def _scales(codes: npt.NDArray[np.uint16]) -> Floats:
    return (codes.astype(np.uint32) << 16).view(np.float32)


def _halves(numbers: npt.NDArray[np.int8]) -> bytes:
    even = np.append(numbers, np.zeros(len(numbers) % 2, np.int8)).astype(np.uint8) & 15
    return bytes(even[::2] | even[1::2] << 4)


def _from_halves(octets: npt.NDArray[np.uint8], count: int) -> npt.NDArray[np.int8]:
    numbers = np.empty(2 * len(octets), np.int8)
    numbers[::2], numbers[1::2] = octets & 15, octets >> 4
    return np.where(numbers > 7, numbers - 16, numbers).astype(np.int8)[:count]
