"""Optimiser and schedules as the settings want them: AdamW, cosine to a least rate, warm-up, clipping."""

from __future__ import annotations

import math
import re

import pytest
import torch
from tests.training.test_loop import TRAIN, VALID, fit, network

from logradar.training.arguments import arguments
from logradar.training.settings import TrainingSettings


def rates(folder, **settings) -> list[float]:
    """The learning rate after each step."""
    fit(network(), TRAIN, VALID, folder, log_steps=1, patience=0, **settings)
    return [float(rate) for rate in re.findall(r"learning rate ([\d.e-]+)", (folder / "training.log").read_text())]


def test_cosine_rises_and_falls_to_its_least_rate(tmp_path):
    rate = rates(tmp_path, epochs=10, schedule="cosine", learning_rate=0.02, least_learning_rate=0.001, warmup=0.25)
    steps, rise = len(rate), int(0.25 * len(rate))
    assert rate[:rise] == pytest.approx([0.02 * step / rise for step in range(1, rise + 1)], rel=0.01)
    assert max(rate) == rate[rise - 1] == 0.02
    fall = [0.5 * (1 + math.cos(math.pi * (step - rise) / (steps - rise))) for step in range(rise + 1, steps + 1)]
    assert rate[rise:] == pytest.approx([0.001 + 0.019 * share for share in fall], rel=0.01)
    assert rate[-1] == 0.001


def test_a_rate_of_plateau_falls_when_nothing_is_gained(tmp_path):
    rate = rates(tmp_path, epochs=40, learning_rate=0.05, least_learning_rate=0.001)
    assert rate[0] == 0.05
    assert sorted(rate, reverse=True) == rate
    assert 0.001 <= rate[-1] < 0.05


def test_a_clipped_gradient_moves_no_more_than_its_limit(tmp_path, monkeypatch):
    """The norm of what the optimiser sees, step by step."""
    seen = []
    step = torch.optim.AdamW.step

    def watching(self, *given, **named):
        parts = [p.grad for group in self.param_groups for p in group["params"] if p.grad is not None]
        seen.append(float(torch.cat([part.flatten() for part in parts]).norm()))
        return step(self, *given, **named)

    monkeypatch.setattr(torch.optim.AdamW, "step", watching)
    fit(network(), TRAIN, VALID, epochs=2, clip=0.05)
    assert max(seen) == pytest.approx(0.05, rel=1e-3)
    seen.clear()
    fit(network(), TRAIN, VALID, epochs=2, clip=0)
    assert max(seen) > 0.06


def test_settings_arrive(tmp_path):
    settings = TrainingSettings(
        device="cpu", weight_decay=0.03, accumulation=4, workers=2, keep=3, epochs=10, warmup=0.1
    )
    chosen = arguments(settings, tmp_path, 20, seed=5)
    assert chosen.optim.value == "adamw_torch_fused"
    assert (chosen.weight_decay, chosen.gradient_accumulation_steps, chosen.dataloader_num_workers) == (0.03, 4, 2)
    assert (chosen.save_total_limit, chosen.warmup_steps, chosen.seed) == (3, 20, 5)
    assert (chosen.eval_strategy, chosen.save_strategy) == ("epoch", "epoch")
