"""Adapters change nothing at first, train what they should, and leave a plain network that computes the same."""

import numpy as np
import pytest
import torch

from logradar.core.errors import ConfigError
from logradar.training.adapters import adapt, merge


def network():
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(12, 8), torch.nn.Tanh(), torch.nn.Linear(8, 5))


INPUT = torch.linspace(-1, 1, 24).reshape(2, 12)


@pytest.mark.parametrize(("kind", "trained"), [("core", 2 * 9), ("lora", 3 * (12 + 8 + 8 + 5)), ("ffa", 3 * (8 + 5))])
def test_nothing_changes_before_training_and_merging_keeps_what_was_learnt(kind, trained):
    before = network()(INPUT)
    adapted = network()
    adapt(adapted, kind, 3, (), 7)
    torch.testing.assert_close(adapted(INPUT), before)
    own = [value for value in adapted.parameters() if value.requires_grad]
    assert sum(value.numel() for value in own) == trained
    optimizer = torch.optim.SGD(own, 0.5)
    for _ in range(5):
        optimizer.zero_grad()
        adapted(INPUT).square().sum().backward()
        optimizer.step()
    after = adapted(INPUT).detach()
    assert not torch.allclose(after, before)
    merge(adapted)
    assert [type(part) for part in adapted] == [torch.nn.Linear, torch.nn.Tanh, torch.nn.Linear]
    torch.testing.assert_close(adapted(INPUT), after)


def test_the_mean_of_cores_is_the_mean_of_what_they_change():
    cores = np.random.default_rng(2).normal(size=(3, 3, 3)).astype(np.float32)

    def weight(core):
        adapted = network()
        adapt(adapted, "core", 3, (), 0)
        with torch.no_grad():
            adapted[0].core.copy_(torch.from_numpy(core))
        merge(adapted)
        return adapted[0].weight.detach()

    mean = torch.stack([weight(core) for core in cores]).mean(0)
    torch.testing.assert_close(weight(cores.mean(0)), mean, atol=1e-5, rtol=1e-4)


def test_factors_are_the_same_whoever_computes_them():
    one, other = network(), network()
    for each in (one, other):
        adapt(each, "core", 4, (), 0)
    assert torch.equal(one[0].down, other[0].down) and torch.equal(one[0].up, other[0].up)
    product = one[0].up @ one[0].down
    left, values, right = torch.linalg.svd(network()[0].weight)
    torch.testing.assert_close(product, left[:, :4] @ torch.diag(values[:4]) @ right[:4], atol=1e-5, rtol=1e-4)


def test_only_named_layers_and_a_sentence_where_there_is_none():
    adapted = network()
    adapt(adapted, "core", 2, ("2",), 0)
    assert [name for name, value in adapted.named_parameters() if value.requires_grad] == ["2.core"]
    with pytest.raises(ConfigError, match="no layer named q_proj"):
        adapt(network(), "core", 2, ("q_proj",), 0)
    whole = network()
    adapt(whole, "all", 2, (), 0)
    assert all(value.requires_grad for value in whole.parameters())
