"""Read NVIDIA's counters (NVML) for each GPU; without a GPU the result is empty and there is no error."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Gpu:
    """One GPU at one moment. Memory is in bytes, ``busy`` in per cent; None where the model has no such counter."""

    index: int
    used: int | None
    total: int | None
    busy: int | None
    celsius: int | None
    watts: float | None

    def __str__(self) -> str:
        parts = [f"GPU {self.index}"]
        if self.used is not None and self.total:
            parts.append(f"{self.used / 2**30:.1f} of {self.total / 2**30:.1f} GiB")
        if self.busy is not None:
            parts.append(f"{self.busy} % busy")
        if self.celsius is not None:
            parts.append(f"{self.celsius} °C")
        if self.watts is not None:
            parts.append(f"{self.watts:.0f} W")
        return ", ".join(parts)

    def figures(self) -> dict[str, float]:
        """The counters that are known, by names with their units."""
        gib = {"memory_gib": self.used, "memory_total_gib": self.total}
        known: dict[str, float | None] = {name: None if size is None else size / 2**30 for name, size in gib.items()}
        known |= {"busy_percent": self.busy, "celsius": self.celsius, "watts": self.watts}
        return {name: value for name, value in known.items() if value is not None}


@dataclass
class GpuRecord:
    """Readings of all GPUs since the last summary."""

    _readings: dict[int, list[dict[str, float]]] = field(default_factory=dict)

    def add(self, gpus: Sequence[Gpu]) -> None:
        """Add one reading of each GPU."""
        for gpu in gpus:
            self._readings.setdefault(gpu.index, []).append(gpu.figures())

    def summary(self) -> list[dict[str, float]]:
        """For each GPU the peak of memory and temperature and the mean of the others; the record is empty afterwards.

        The list is empty where no GPU was read.
        """
        readings, self._readings = self._readings, {}
        return [{"index": index, **_summed_up(readings[index])} for index in sorted(readings)]


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
        """The state of each GPU now; empty where nothing can be read."""
        return [self._one(index, handle) for index, handle in self._handles.items()]

    def _one(self, index: int, handle: Any) -> Gpu:
        nvml = self._nvml
        memory = _reading(lambda: nvml.nvmlDeviceGetMemoryInfo(handle))
        milliwatts = _reading(lambda: nvml.nvmlDeviceGetPowerUsage(handle))
        return Gpu(
            index,
            _reading(lambda: int(memory.used)),
            _reading(lambda: int(memory.total)),
            _reading(lambda: int(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)),
            _reading(lambda: int(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))),
            None if milliwatts is None else milliwatts / 1000,
        )


def _summed_up(readings: Sequence[dict[str, float]]) -> dict[str, float]:
    figures = {}
    for name in dict.fromkeys(name for reading in readings for name in reading):
        values = [reading[name] for reading in readings if name in reading]
        mean = name in ("busy_percent", "watts")
        figures[name] = round(sum(values) / len(values) if mean else max(values), 3)
    return figures


def _reading(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Exception:  # a counter that this model or driver does not have
        return None


def _visible(count: int) -> list[int]:
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None or not all(part.strip().isdigit() for part in named.split(",")):
        return list(range(count))
    return [index for part in named.split(",") if (index := int(part)) < count]
