"""Several processes that train one network together, as `torchrun` and `accelerate launch` start them."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import cache
from typing import Any, Final

_PATIENCE: Final = timedelta(hours=12)  # one may read its input for long while the others wait


def place() -> tuple[int, int]:
    """The number of this process and how many train together, as ``torchrun`` and ``accelerate launch`` say."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def first() -> bool:
    """Whether this is the process that writes files and talks; always where there is only one."""
    return place()[0] == 0


def wait() -> None:
    """Wait here until all processes have come; nothing to wait for where there is only one."""
    if place()[1] > 1:
        import torch.distributed as together

        together.barrier(_group())


def leave() -> None:
    """Wait for the others, then part: the last thing that processes do together."""
    if place()[1] > 1:
        import torch.distributed as together

        wait()
        _group.cache_clear()
        together.destroy_process_group()


@cache
def _group() -> Any:
    import torch.distributed as together

    if not together.is_initialized():
        together.init_process_group(timeout=_PATIENCE)  # the libraries below use the one that is there
    return together.new_group(backend="gloo", timeout=_PATIENCE)
