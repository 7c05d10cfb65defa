"""What NVIDIA's own counters (NVML) say of each GPU; nothing, and no error, where there is none."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Gpu:
    """One GPU at a moment; None is what this model does not tell. Memory is in bytes, ``busy`` in per cent."""

    index: int
    used: int | None
    total: int | None
    busy: int | None
    celsius: int | None
    watts: float | None

    def __str__(self) -> str:
        told = [f"GPU {self.index}"]
        if self.used is not None and self.total:
            told.append(f"{self.used / 2**30:.1f} of {self.total / 2**30:.1f} GiB")
        if self.busy is not None:
            told.append(f"{self.busy} % busy")
        if self.celsius is not None:
            told.append(f"{self.celsius} °C")
        if self.watts is not None:
            told.append(f"{self.watts:.0f} W")
        return ", ".join(told)


class Gpus:
    """Reads all GPUs that this process may use (``CUDA_VISIBLE_DEVICES``), by `nvidia-ml-py` if that is installed."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._handles: dict[int, Any] = {}
        try:
            nvml = importlib.import_module("pynvml")
            nvml.nvmlInit()
            wanted = _visible(nvml.nvmlDeviceGetCount())
            self._handles = {index: nvml.nvmlDeviceGetHandleByIndex(index) for index in wanted}
            self._nvml = nvml
        except Exception:  # not installed, no driver, no rights: there is nothing to show
            self._handles = {}

    def read(self) -> list[Gpu]:
        """The state of each GPU now; empty where nothing can be told."""
        return [self._one(index, handle) for index, handle in self._handles.items()]

    def _one(self, index: int, handle: Any) -> Gpu:
        nvml = self._nvml
        memory = _told(lambda: nvml.nvmlDeviceGetMemoryInfo(handle))
        milliwatts = _told(lambda: nvml.nvmlDeviceGetPowerUsage(handle))
        return Gpu(
            index,
            _told(lambda: int(memory.used)),
            _told(lambda: int(memory.total)),
            _told(lambda: int(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)),
            _told(lambda: int(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))),
            None if milliwatts is None else milliwatts / 1000,
        )


def _told(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Exception:  # a counter that this model or driver does not have
        return None


def _visible(count: int) -> list[int]:
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None or not all(part.strip().isdigit() for part in named.split(",")):
        return list(range(count))
    return [index for part in named.split(",") if (index := int(part)) < count]
