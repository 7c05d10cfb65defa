"""States of optimiser and schedule in files that cannot run code: safetensors with JSON in the header, and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

OPTIMIZER: Final = "optimizer.safetensors"
SCHEDULER: Final = "scheduler.json"
State = dict[str, Any]


def write_optimizer(folder: Path, state: State) -> None:
    """Write ``optimizer.state_dict()``: tensors as ``PARAMETER.NAME``, all else as JSON in the header."""
    tensors, rest = {}, {}
    for parameter, values in state["state"].items():
        for name, value in values.items():
            if isinstance(value, torch.Tensor):
                tensors[f"{parameter}.{name}"] = value.detach().contiguous()
            else:
                rest[f"{parameter}.{name}"] = value
    header = {"groups": state["param_groups"], "rest": rest}
    save_file(tensors, folder / OPTIMIZER, {key: json.dumps(value) for key, value in header.items()})


def read_optimizer(folder: Path) -> State:
    """Read what `write_optimizer` wrote, on the CPU, for ``load_state_dict``. Raises `ValueError` if damaged."""
    try:
        with safe_open(folder / OPTIMIZER, "pt") as file:
            header = {key: json.loads(value) for key, value in file.metadata().items()}
            values = {key: file.get_tensor(key) for key in file.keys()} | header["rest"]  # noqa: SIM118 no mapping
        state: dict[int, State] = {}
        for key, value in values.items():
            parameter, _, name = key.partition(".")
            state.setdefault(int(parameter), {})[name] = value
        groups = [{k: tuple(value) if k == "betas" else value for k, value in g.items()} for g in header["groups"]]
    except (SafetensorError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"'{folder / OPTIMIZER}' is damaged: {error}") from None
    return {"state": state, "param_groups": groups}


def write_scheduler(folder: Path, state: State) -> None:
    """Write ``scheduler.state_dict()``; `read_scheduler` returns exactly the same numbers."""
    (folder / SCHEDULER).write_text(json.dumps(state) + "\n")


def read_scheduler(folder: Path) -> State:
    """Read what `write_scheduler` wrote. Raises `ValueError` for a damaged file."""
    try:
        state: State = json.loads((folder / SCHEDULER).read_text())
    except ValueError as error:
        raise ValueError(f"'{folder / SCHEDULER}' is damaged: {error}") from None
    return state
