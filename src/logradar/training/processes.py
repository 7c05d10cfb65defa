"""Several processes that train one network together, as `torchrun` and `accelerate launch` start them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Any, Final

from logradar.core.errors import ProcessError

_PATIENCE: Final = timedelta(hours=12)  # the others wait while one process reads its input, which may take long


def place() -> tuple[int, int]:
    """The number of this process and how many train together, as ``torchrun`` and ``accelerate launch`` say."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def first() -> bool:
    """Whether this process writes files and messages; true where there is only one process."""
    return place()[0] == 0


def wait() -> None:
    """Wait until all processes have reached this call; returns at once where there is only one process."""
    if place()[1] > 1:
        import torch.distributed as together

        with connected():
            together.barrier(_group())


@contextmanager
def connected() -> Iterator[None]:
    """Turn what torch says of a lost connection to another process into a `ProcessError`."""
    try:
        yield
    except RuntimeError as error:
        if not _lost(error):
            raise
        rank, ranks = place()
        raise ProcessError(
            f"Process {rank} of {ranks} (from 0) ends, because another one has ended or no longer answers; that one's "
            "own message says why. Train again with --resume to go on from the last checkpoint."
        ) from None


def _lost(error: RuntimeError) -> bool:
    import torch.distributed as together

    return isinstance(error, together.DistError) or any(word in str(error) for word in ("gloo", "NCCL"))


def leave() -> None:
    """Wait for the other processes, then close the connection to them; nothing can be shared afterwards."""
    if place()[1] > 1:
        import torch.distributed as together

        wait()
        _group.cache_clear()
        together.destroy_process_group()


@cache
def _group() -> Any:
    import torch.distributed as together

    if not together.is_initialized():
        together.init_process_group(timeout=_PATIENCE)  # `accelerate` uses this group
    return together.new_group(backend="gloo", timeout=_PATIENCE)
