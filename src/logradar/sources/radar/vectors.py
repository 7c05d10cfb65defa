"""Compares 64 bytes at once: loads, comparisons and bit masks for the numba kernels of this package.

Each function emits a few LLVM vector instructions, which are compiled to what the processor supports (AVX-512, AVX2,
NEON, or scalar code). A mask is a uint64 whose bit ``k`` describes byte ``i + k``. There must be at least 64 readable
bytes after the last byte of interest. The idea of masks over blocks of 64 bytes is from Langdale and Lemire, "Parsing
Gigabytes of JSON per Second", VLDB Journal 28 (2019).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

import numba
from llvmlite import ir
from numba import types
from numba.core.cgutils import create_struct_proxy
from numba.extending import intrinsic

WIDTH: Final = 64
_njit: Any = numba.njit
kernel: Any = _njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # cannot be called from Python
inlined: Any = _njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, inline="always")  # for hot loops
_BYTE: Final = ir.IntType(8)
_MASK: Final = ir.IntType(WIDTH)
_VECTOR: Final = ir.VectorType(_BYTE, WIDTH)


def _splat(byte: int) -> ir.Constant:
    return ir.Constant(_VECTOR, [byte] * WIDTH)


def _is(operator: str, byte: int, builder: Any, text: Any) -> Any:
    """Mask of bytes for which the unsigned comparison with ``byte`` is true."""
    return builder.bitcast(builder.icmp_unsigned(operator, text, _splat(byte)), _MASK)


def _special(builder: Any, text: Any) -> Any:
    """Mask of bytes that end plain text in a JSON string: quotes, backslashes and control characters."""
    tests = (("==", ord('"')), ("==", ord("\\")), ("<", 32))
    masks = [builder.icmp_unsigned(operator, text, _splat(byte)) for operator, byte in tests]
    return builder.bitcast(functools.reduce(builder.or_, masks), _MASK)


def _misfits(builder: Any, text: Any) -> Any:
    """Mask of bytes that are not valid UTF-8, if a character begins at the first byte: Unicode Standard, table 3-7.

    A character that is not complete at the last byte is not an error.
    """

    def mask(operator: str, byte: int) -> Any:
        return _is(operator, byte, builder, text)

    def behind(places: Any, count: int = 1) -> Any:
        return builder.shl(places, ir.Constant(_MASK, count))

    def anyone(*masks: Any) -> Any:
        return functools.reduce(builder.or_, masks)

    high, lead = mask(">=", 0x80), mask(">=", 0xC0)
    three, four = mask(">=", 0xE0), mask(">=", 0xF0)
    follows = builder.and_(high, builder.not_(lead))
    due = anyone(behind(lead), behind(three, 2), behind(four, 3))
    never = anyone(mask("==", 0xC0), mask("==", 0xC1), mask(">=", 0xF5))
    small, middle = mask("<", 0x90), mask("<", 0xA0)
    too_low = builder.or_(builder.and_(behind(mask("==", 0xE0)), middle), builder.and_(behind(mask("==", 0xF0)), small))
    too_high = builder.or_(
        builder.and_(behind(mask("==", 0xED)), builder.not_(middle)),
        builder.and_(behind(mask("==", 0xF4)), builder.not_(small)),
    )
    return anyone(builder.xor(follows, due), never, too_low, too_high)


def _place(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Pointer to 64 bytes of a byte array."""
    proxy: Any = create_struct_proxy
    start = proxy(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(start, [index]), _VECTOR.as_pointer())


def _load(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    return builder.load(_place(context, builder, kind, array, index), align=1)


def _is_bytes(kind: Any) -> bool:
    return isinstance(kind, types.Array) and kind.dtype == types.uint8 and kind.layout == "C"


def _look(mask: Callable[[Any, Any], Any]) -> Any:
    """A function ``look(data, i)`` for kernels that returns the mask of the 64 bytes from ``i`` on."""

    def look(typing: Any, data: Any, i: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return mask(builder, _load(context, builder, signature.args[0], args[0], args[1]))

        return (types.uint64(data, types.int64), code) if _is_bytes(data) else None

    return intrinsic(look)


def _copy_special(typing: Any, data: Any, i: Any, out: Any, o: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        text = _load(context, builder, signature.args[0], args[0], args[1])
        builder.store(text, _place(context, builder, signature.args[2], args[2], args[3]), align=1)
        return _special(builder, text)

    return (types.uint64(data, types.int64, out, types.int64), code) if _is_bytes(data) and _is_bytes(out) else None


def _different(typing: Any, data: Any, i: Any, j: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        one = _load(context, builder, signature.args[0], args[0], args[1])
        other = _load(context, builder, signature.args[0], args[0], args[2])
        return builder.bitcast(builder.icmp_unsigned("!=", one, other), _MASK)

    return (types.uint64(data, types.int64, types.int64), code) if _is_bytes(data) else None


def _first(typing: Any, mask: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), code


special: Final = _look(_special)
misfits: Final = _look(_misfits)
above_space: Final = _look(functools.partial(_is, ">", 32))
not_ascii: Final = _look(functools.partial(_is, ">=", 128))
braces: Final = _look(functools.partial(_is, "==", ord("{")))
copy_special: Final[Any] = intrinsic(_copy_special)  # (data, i, out, o): copies 64 bytes, returns `special`
different: Final[Any] = intrinsic(_different)  # (data, i, j): mask of bytes that differ between the blocks at i and j
first: Final[Any] = intrinsic(_first)  # (mask): index of the lowest bit that is set, 64 if none is
