"""Choose the device and the precision of a training, or say why the choice is impossible."""

from __future__ import annotations

import importlib.util
import os
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from logradar.core.errors import ConfigError
from logradar.training.settings import TrainingSettings

if TYPE_CHECKING:
    import torch

_TRAINS = ("torch", "transformers", "accelerate", "safetensors", "onnx", "onnxscript", "onnxruntime")


def require(*packages: str) -> None:
    """Raise a `ConfigError` that says what to install when one of ``packages`` is absent."""
    absent = missing(*packages)
    if absent:
        raise ConfigError(f"Neural detectors need {', '.join(absent)}: pip install 'logradar[deep]'")


def missing(*packages: str) -> list[str]:
    """Those of ``packages`` (of all that a training of a neural detector needs, if none is named) that are absent."""
    return [name for name in packages or _TRAINS if importlib.util.find_spec(name) is None]


def choose_device(settings: TrainingSettings) -> str:
    """``cuda``, ``mps`` or ``cpu``. Raises `ConfigError` when the requested one is not available."""
    import torch

    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if settings.device == "auto":
        return next(name for name, ready in available.items() if ready)
    if not available[settings.device]:
        names = ", ".join(name for name, ready in available.items() if ready)
        raise ConfigError(f"training.device is '{settings.device}', which torch does not find here; there is: {names}.")
    return settings.device


def choose_precision(settings: TrainingSettings, device: str) -> str:
    """``fp32``, ``bf16`` or ``fp16``. Raises `ConfigError` when the device cannot train in it."""
    import torch

    if settings.precision == "auto":
        return "bf16" if device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if settings.precision == "fp16" and device != "cuda":
        raise ConfigError(f"training.precision is 'fp16', which needs an NVIDIA GPU; on {device} use 'bf16' or 'fp32'.")
    return settings.precision


@contextmanager
def kernels_for(precision: str, device: str) -> Iterator[None]:
    """Without oneDNN where it cannot compute an LSTM in ``precision``; torch's own kernels can.

    On a CPU that lacks AVX-512, torch 2.13 asks oneDNN for an LSTM in bf16, which has none there and raises.
    """
    import torch

    if precision != "bf16" or device != "cpu" or _has_lstm_in_bf16():
        yield
        return
    with warnings.catch_warnings():  # the flags also set one of Intel's GPUs, and torch warns that there is none
        warnings.filterwarnings("ignore", "TF32", UserWarning)
        with torch.backends.mkldnn.flags(enabled=False):
            yield


@cache
def _has_lstm_in_bf16() -> bool:
    import torch

    try:
        with torch.random.fork_rng(devices=[]), torch.autocast("cpu", dtype=torch.bfloat16):
            torch.nn.LSTM(8, 8, batch_first=True)(torch.zeros(1, 2, 8))
    except RuntimeError:
        return False
    return True


@contextmanager
def plain_afterwards(network: torch.nn.Module) -> Iterator[None]:
    """Take away at the end what `accelerate` puts on ``network`` itself: a ``forward`` in the training's precision.

    Otherwise it would compute in bf16 wherever it goes, and be exported so; and a second training would not be
    prepared.
    """
    given = set(vars(network))
    try:
        yield
    finally:
        for name in {"forward", "_original_forward", "_is_accelerate_prepared"} - given:
            vars(network).pop(name, None)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed Python, numpy and torch and make torch deterministic; the previous state is restored at the end."""
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS is not deterministic
    python, numpy = random.getstate(), np.random.get_state()
    deterministic, warns = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    with torch.random.fork_rng():
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
            torch.use_deterministic_algorithms(deterministic, warn_only=warns)
