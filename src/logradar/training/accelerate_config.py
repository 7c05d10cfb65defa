"""The file with which `accelerate launch` starts a training: processes, port, and whether with ZeRO-2."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, model_validator

from logradar.core.config import Config
from logradar.core.files import write_whole


class AccelerateSettings(Config):
    """How a training is spread over the GPUs of one machine."""

    processes: int = Field(1, ge=1, le=1024, description="GPUs, or processes on a CPU")
    port: int = Field(29_500, ge=1, le=65_535, description="port on which the processes find each other")
    zero2: bool = Field(False, description="share gradients and optimiser states among GPUs (ZeRO-2; needs deepspeed)")
    precision: Literal["no", "bf16", "fp16"] = Field("no", description="mixed precision")
    accumulation: int = Field(1, ge=1, description="batches per optimiser step; as `training.accumulation`")
    cpu: bool = Field(False, description="train on the CPU")

    @model_validator(mode="after")
    def _possible(self) -> AccelerateSettings:
        if self.zero2 and self.cpu:
            raise ValueError("ZeRO-2 needs GPUs; leave zero2 or cpu out")
        return self


def accelerate_document(settings: AccelerateSettings) -> dict[str, Any]:
    """What `accelerate` reads: the keys of its configuration file (Accelerate 1.x; ZeRO: Rajbhandari et al., SC 2020).

    >>> accelerate_document(AccelerateSettings(processes=4))["distributed_type"]
    'MULTI_GPU'
    """
    several = "MULTI_CPU" if settings.cpu else "MULTI_GPU"
    kind = "DEEPSPEED" if settings.zero2 else several if settings.processes > 1 else "NO"
    document: dict[str, Any] = {
        "compute_environment": "LOCAL_MACHINE",
        "distributed_type": kind,
        "num_machines": 1,
        "machine_rank": 0,
        "num_processes": settings.processes,
        "main_process_port": settings.port,
        "mixed_precision": settings.precision,
        "main_training_function": "main",
        "rdzv_backend": "static",
        "same_network": True,
        "use_cpu": settings.cpu,
        "debug": False,
    }
    if settings.zero2:
        document["deepspeed_config"] = {
            "zero_stage": 2,
            "gradient_accumulation_steps": settings.accumulation,
            "offload_optimizer_device": "none",
            "offload_param_device": "none",
            "zero3_init_flag": False,
        }
    return document


def write_accelerate_config(path: Path, settings: AccelerateSettings) -> Path:
    """Write the file; returns ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_whole(path, yaml.safe_dump(accelerate_document(settings), sort_keys=False))
