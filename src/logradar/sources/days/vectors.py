"""Looking at 64 bytes at once: loads, comparisons and bit masks for numba kernels.

Each function emits a few LLVM vector instructions, which become whatever the processor has
(AVX-512, AVX2, NEON, or plain code). A mask is a uint64, bit ``k`` stands for byte ``i + k``.
Callers keep 64 readable bytes behind the last one that they ask about. The idea of masks over
blocks of 64 bytes is that of Langdale and Lemire, "Parsing Gigabytes of JSON per Second",
VLDB Journal 28 (2019).
"""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WIDTH: Final = 64
_BYTE: Final = ir.IntType(8)
_MASK: Final = ir.IntType(WIDTH)
_VECTOR: Final = ir.VectorType(_BYTE, WIDTH)


def _splat(byte: int) -> ir.Constant:
    return ir.Constant(_VECTOR, [byte] * WIDTH)


def _place(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """Pointer to 64 bytes of an array of bytes."""
    start = cgutils.create_struct_proxy(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(start, [index]), _VECTOR.as_pointer())


def _load(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    return builder.load(_place(context, builder, array_type, array, index), align=1)


def _is_bytes(kind: Any) -> bool:
    return isinstance(kind, types.Array) and kind.dtype == types.uint8 and kind.layout == "C"


def _special(builder: Any, text: Any) -> Any:
    """Mask of bytes that end plain text in a JSON string: quote, backslash, controls, not ASCII."""
    quote = builder.icmp_unsigned("==", text, _splat(ord('"')))
    escape = builder.icmp_unsigned("==", text, _splat(ord("\\")))
    control = builder.icmp_signed("<", text, _splat(32))  # signed: bytes from 128 on are negative
    return builder.bitcast(builder.or_(builder.or_(quote, escape), control), _MASK)


@intrinsic
def special(typing: Any, data: Any, i: Any) -> Any:
    """``special(data, i)``: mask of quotes, backslashes, control characters and bytes >= 128."""
    if not _is_bytes(data):
        return None

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _special(builder, _load(context, builder, signature.args[0], args[0], args[1]))

    return types.uint64(data, types.int64), code


@intrinsic
def copy_special(typing: Any, data: Any, i: Any, out: Any, o: Any) -> Any:
    """``copy_special(data, i, out, o)``: copies 64 bytes, and the mask that `special` gives for them."""
    if not (_is_bytes(data) and _is_bytes(out)):
        return None

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        text = _load(context, builder, signature.args[0], args[0], args[1])
        builder.store(text, _place(context, builder, signature.args[2], args[2], args[3]), align=1)
        return _special(builder, text)

    return types.uint64(data, types.int64, out, types.int64), code


@intrinsic
def above_space(typing: Any, data: Any, i: Any) -> Any:
    """``above_space(data, i)``: mask of bytes that are greater than 32."""
    if not _is_bytes(data):
        return None

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        text = _load(context, builder, signature.args[0], args[0], args[1])
        return builder.bitcast(builder.icmp_unsigned(">", text, _splat(32)), _MASK)

    return types.uint64(data, types.int64), code


@intrinsic
def braces(typing: Any, data: Any, i: Any) -> Any:
    """``braces(data, i)``: mask of opening braces."""
    if not _is_bytes(data):
        return None

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        text = _load(context, builder, signature.args[0], args[0], args[1])
        return builder.bitcast(builder.icmp_unsigned("==", text, _splat(ord("{"))), _MASK)

    return types.uint64(data, types.int64), code


@intrinsic
def different(typing: Any, data: Any, i: Any, j: Any) -> Any:
    """``different(data, i, j)``: mask of bytes in which the 64 from ``i`` differ from the 64 from ``j``."""
    if not _is_bytes(data):
        return None

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        one = _load(context, builder, signature.args[0], args[0], args[1])
        other = _load(context, builder, signature.args[0], args[0], args[2])
        return builder.bitcast(builder.icmp_unsigned("!=", one, other), _MASK)

    return types.uint64(data, types.int64, types.int64), code


@intrinsic
def first(typing: Any, mask: Any) -> Any:
    """``first(mask)``: number of the lowest bit that is set; 64 when none is."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), code
