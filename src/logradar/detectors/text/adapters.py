"""Adapters: small matrices beside the weights of a network are trained, and put into the weights at the end (LoRA)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from logradar.core.progress import say
from logradar.training.device import require

if TYPE_CHECKING:
    import torch

_WHERE: Final = ["q_lin", "v_lin", "q_proj", "v_proj"]  # of DistilBERT and of Llama: what the paper adapts
_HEAD: Final = "head."  # new weights are trained whole


@contextmanager
def adapted(network: torch.nn.Module, rank: int, title: str = "") -> Iterator[None]:
    """Train adapters of ``rank`` in ``network`` instead of its weights; at the end they are part of the weights.

    LoRA (Hu et al., ICLR 2022) by `peft`; rank 0 changes nothing. With a ``title`` it is said how many numbers are
    trained. Raises `ConfigError` where `peft` is not installed.
    """
    if not rank:
        yield
        return
    require("peft")
    from peft import LoraConfig, inject_adapter_in_model
    from peft.tuners.lora import LoraLayer

    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=_WHERE), network)
    for name, weight in network.named_parameters():
        weight.requires_grad |= name.startswith(_HEAD)
    trained = sum(weight.numel() for weight in network.parameters() if weight.requires_grad)
    every = sum(weight.numel() for weight in network.parameters())
    if title:
        say(f"{title}: adapters of rank {rank} are trained, {trained:,} of {every:,} numbers ({trained / every:.1%})")
    try:
        yield
    finally:
        for name, part in list(network.named_modules()):
            if isinstance(part, LoraLayer):
                part.merge()
                above, _, own = name.rpartition(".")
                setattr(network.get_submodule(above), own, part.get_base_layer())
        network.requires_grad_(True)
