"""One flat vector: all trained numbers of a network, in a fixed order that its layout names."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from logradar.federated.wire import hash64

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Layout:
    """Names and shapes of the trained tensors of a network, and a hash of all else that it consists of."""

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    base: str

    @classmethod
    def of(cls, network: torch.nn.Module) -> Layout:
        """Of what requires a gradient; two sites with the same layout and base have the same network."""
        trained = {name: value for name, value in network.named_parameters() if value.requires_grad}
        frozen = hashlib.sha256()
        for name, value in sorted(network.state_dict().items()):
            frozen.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
            if name not in trained:
                frozen.update(value.detach().cpu().contiguous().numpy().tobytes())
        return cls(tuple(trained), tuple(tuple(value.shape) for value in trained.values()), frozen.hexdigest())

    @cached_property
    def sizes(self) -> npt.NDArray[np.int64]:
        """How many numbers each tensor has."""
        return np.array([int(np.prod(shape)) for shape in self.shapes], np.int64)

    @property
    def count(self) -> int:
        """How many numbers there are."""
        return int(self.sizes.sum())

    @property
    def manifest(self) -> int:
        """64 bits that name this layout and its base."""
        return hash64(self.base.encode(), repr((self.names, self.shapes)).encode())

    def read(self, network: torch.nn.Module) -> Floats:
        """The vector of the trained numbers."""
        found = dict(network.named_parameters())
        parts = [found[name].detach().cpu().reshape(-1).numpy() for name in self.names]
        return np.concatenate([np.empty(0, np.float32), *parts]).astype(np.float32)

    def write(self, network: torch.nn.Module, vector: Floats) -> None:
        """Put a vector into the network."""
        import torch

        found, start = dict(network.named_parameters()), 0
        with torch.no_grad():
            for name, shape, size in zip(self.names, self.shapes, self.sizes.tolist(), strict=True):
                part = torch.from_numpy(np.array(vector[start : start + size], np.float32)).reshape(shape)
                found[name].copy_(part)
                start += size
