"""Adapters: a few numbers that are trained beside the weights of a network, which stay as they are."""

from __future__ import annotations

from typing import Final, Literal

import torch
from torch import nn

from logradar.core.errors import ConfigError
from logradar.training.device import require, seeded

AdapterKind = Literal["core", "lora", "ffa", "all"]
ATTENTION: Final = ("q_proj", "v_proj", "q_lin", "v_lin")  # of Llama and of DistilBERT: what the LoRA paper adapts


class CoreLinear(nn.Module):
    """A linear layer with an r x r matrix between frozen factors: ``y = W x + B R A x``; only ``R`` is trained.

    ``A`` (r, in) and ``B`` (out, r) are the first singular vectors of ``W``, those of ``B`` times the singular values
    (LoRA-XS; Bałazy et al., arXiv 2405.17604). As they are equal at all sites, the mean of several ``R`` is exactly the
    mean of what they change (Fed-SB; arXiv 2502.15436). ``R`` begins with 0, so that nothing is changed.
    """

    down: torch.Tensor
    up: torch.Tensor

    def __init__(self, base: nn.Linear, rank: int) -> None:
        super().__init__()
        self.base = base
        weight = base.weight.detach().double()
        left, values, right = torch.linalg.svd(weight, full_matrices=False)
        rank = min(rank, len(values))
        sign = torch.sign(right[:rank].gather(1, right[:rank].abs().argmax(1, keepdim=True)))  # else it is arbitrary
        self.register_buffer("down", (right[:rank] * sign).to(base.weight.dtype))
        self.register_buffer("up", (left[:, :rank] * sign.T * values[:rank]).to(base.weight.dtype))
        self.core = nn.Parameter(torch.zeros(rank, rank, dtype=base.weight.dtype))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """States (…, in) -> (…, out)."""
        added = nn.functional.linear(nn.functional.linear(nn.functional.linear(states, self.down), self.core), self.up)
        whole: torch.Tensor = self.base(states) + added
        return whole

    def merged(self) -> nn.Linear:
        """The plain layer that computes the same."""
        with torch.no_grad():
            self.base.weight += self.up @ self.core @ self.down
        return self.base


def adapt(network: nn.Module, kind: AdapterKind, rank: int, modules: tuple[str, ...], seed: int) -> None:
    """Put adapters into ``network``; afterwards exactly what is to be trained requires a gradient.

    ``core`` trains an r x r matrix for each linear layer whose name ends with one of ``modules``, ``lora`` two factors
    (Hu et al., ICLR 2022), ``ffa`` one of them (FFA-LoRA; Sun et al., ICLR 2024), so that means are exact; both by
    `peft`. ``all`` trains all weights. An empty ``modules`` means all linear layers. Raises `ConfigError` where
    there is no such layer.
    """
    if kind == "all":
        network.requires_grad_(True)
        return
    network.requires_grad_(False)
    chosen = [
        name
        for name, part in network.named_modules()
        if isinstance(part, nn.Linear) and (not modules or name.rpartition(".")[2] in modules)
    ]
    if not chosen:
        raise ConfigError(
            f"The network has no layer named {', '.join(modules) or 'linear'} to put adapters beside; set lora=false, "
            "then all weights are trained."
        )
    if kind == "core":
        for name in chosen:
            _replace(network, name, CoreLinear(network.get_submodule(name), rank))  # type: ignore[arg-type]
        return
    require("peft")
    from peft import LoraConfig, inject_adapter_in_model

    with seeded(seed):
        inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=chosen), network)
    for name, weight in network.named_parameters():
        weight.requires_grad_("lora_B" in name or (kind == "lora" and "lora_A" in name))


def merge(network: nn.Module) -> None:
    """Put the adapters into the weights, so that a plain network remains, all of which could be trained."""
    for name, part in list(network.named_modules()):
        if isinstance(part, CoreLinear):
            _replace(network, name, part.merged())
        elif hasattr(part, "lora_A") and hasattr(part, "get_base_layer"):
            part.merge()
            _replace(network, name, part.get_base_layer())
    network.requires_grad_(True)


def _replace(network: nn.Module, name: str, part: nn.Module) -> None:
    above, _, own = name.rpartition(".")
    setattr(network.get_submodule(above), own, part)
