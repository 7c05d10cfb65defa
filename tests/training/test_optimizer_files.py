"""States of optimiser and schedule: read back they are what was written, bit by bit."""

from __future__ import annotations

import pytest
import torch
from transformers.optimization import get_scheduler

from logradar.training.optimizer_files import (
    OPTIMIZER,
    SCHEDULER,
    read_optimizer,
    read_scheduler,
    write_optimizer,
    write_scheduler,
)

SCHEDULES = {
    "reduce_lr_on_plateau": {"factor": 0.3, "patience": 1},
    "cosine_with_min_lr": {"min_lr": 1e-6},
    "linear": {},
    "constant_with_warmup": {},
}


def begun(schedule: str, steps: int = 3):
    """A network with an optimiser and a schedule that have done some steps."""
    torch.manual_seed(1)
    network = torch.nn.Linear(3, 2)
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.1, weight_decay=0.01)
    scheduler = get_scheduler(schedule, optimiser, 2, 20, SCHEDULES[schedule])
    continue_from(network, optimiser, scheduler, steps)
    return network, optimiser, scheduler


def continue_from(network, optimiser, scheduler, steps):
    for step in range(steps):
        optimiser.zero_grad()
        loss = network(torch.arange(6.0).reshape(2, 3)).square().sum()
        loss.backward()
        optimiser.step()
        scheduler.step(*([1.0 + step] if "Plateau" in type(scheduler).__name__ else []))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_what_is_read_goes_on_to_the_same_bits(tmp_path, schedule):
    network, optimiser, scheduler = begun(schedule)
    write_optimizer(tmp_path, optimiser.state_dict())
    write_scheduler(tmp_path, scheduler.state_dict())
    other, fresh, again = begun(schedule, steps=0)
    other.load_state_dict(network.state_dict())
    fresh.load_state_dict(read_optimizer(tmp_path))
    again.load_state_dict(read_scheduler(tmp_path))
    for one in ((network, optimiser, scheduler), (other, fresh, again)):
        continue_from(*one, 4)
    assert torch.equal(network.weight, other.weight)
    assert optimiser.param_groups[0]["lr"] == fresh.param_groups[0]["lr"]
    assert fresh.param_groups[0]["betas"] == (0.9, 0.999)


def test_a_damaged_file_is_a_sentence_that_names_it(tmp_path):
    (tmp_path / OPTIMIZER).write_bytes(b"nothing of the kind")
    (tmp_path / SCHEDULER).write_text("{")
    with pytest.raises(ValueError, match=r"optimizer.safetensors' is damaged"):
        read_optimizer(tmp_path)
    with pytest.raises(ValueError, match=r"scheduler.json' is damaged"):
        read_scheduler(tmp_path)
