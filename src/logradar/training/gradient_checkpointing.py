"""Gradient checkpointing: activations are computed again when they are needed, instead of kept in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import torch

_NAMES: Final = ("activation_checkpointing", "gradient_checkpointing")  # in transformers 5 and 4


@contextmanager
def recomputed(network: torch.nn.Module) -> Iterator[bool]:
    """Switch it on in all modules of ``network`` that support it, as models of `transformers` do.

    Yields whether any module supports it. The trained weights are the same. It is switched off at the end.
    """
    able: list[tuple[Any, str]] = []
    for part in network.modules():
        name = next((name for name in _NAMES if hasattr(part, f"{name}_enable")), None)
        if name is not None:
            able.append((part, name))
            getattr(part, f"{name}_enable")(**{f"{name}_kwargs": {"use_reentrant": False}})
    try:
        yield bool(able)
    finally:
        for part, name in able:
            getattr(part, f"{name}_disable")()
