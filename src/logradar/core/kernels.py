"""How the numba kernels of LogRadar are compiled, and a search that several of them share.

The first run after an installation compiles every kernel that it needs; later runs load what numba
keeps on disk. To keep that first run short:

- `kernel` is for functions that Python calls, `inner` for functions that only kernels call: numba then
  builds no call from Python for them and keeps no file of them.
- A kernel is compiled again for every other type of its arguments: cast them, so that there is one.
- Inside a kernel an assignment to a slice, ``np.argsort`` and ``np.searchsorted`` each compile more than
  the kernel itself; write the loop, use `lower_bound`, or do it in NumPy outside.

numba looks at the file of a kernel alone to decide whether what it kept is still valid, so after a
change of an `inner` function that is imported from another file, touch the files that use it.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numba
import numpy as np
import numpy.typing as npt

T = TypeVar("T", bound=np.generic)

_njit: Any = numba.njit
kernel: Any = _njit(cache=True, nogil=True, no_cfunc_wrapper=True)
inner: Any = _njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def read_only(array: npt.NDArray[T]) -> npt.NDArray[T]:
    """The same array, not to be written to: numba compiles a kernel once for these and once for others."""
    view = array.view()
    view.flags.writeable = False
    return view


@inner
def lower_bound(values, value):  # type: ignore[no-untyped-def]
    """The first place of ascending ``values`` that holds no less than ``value``; their number if none does."""
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low
