"""Lost clients, attackers and noise in a whole (small) simulation, and the account of a budget."""

import numpy as np
import pytest
from tests.federated.shop_log import MOMENT, write

from logradar.core.errors import ConfigError
from logradar.federated.run import federated_settings, material_of, prepared, run_rounds

MORE = [*MOMENT, "federation.clients=10", "federation.fraction=1", "federation.rounds=2"]


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trust")
    log, labels = write(folder)
    given = {"input.labels": labels, "input.session_key": r"\[(req-\d+)\]"}
    settings = federated_settings(None, MORE, given)
    first = material_of(str(log), settings, lambda material: prepared(material, settings))
    base = first.detector

    def run(*words):
        found = prepared(first.material, federated_settings(None, [*MORE, *words], given), base)
        return found, run_rounds(found, None)

    return run


def test_lost_clients_are_counted_and_a_round_goes_on_without_them(begun):
    _, server = begun("federation.faults.dropouts=0.4", "federation.least_answers=0.1")
    lost = sum(len(one.chosen) - len(one.answered) for one in server.rounds)
    assert 0 < lost < 20 and all(one.counted for one in server.rounds)
    assert not server.refused()


def test_attackers_move_the_mean_and_hardly_the_others(begun):
    """How far the vector is from that of honest clients, with two of ten sending five times the opposite."""
    _, honest = begun()
    hostile = "federation.faults.attackers=0.2"

    def apart(*words):
        return float(np.linalg.norm(begun(hostile, *words)[1].vectors[-1] - honest.vectors[-1]))

    plain = apart()
    for mode in ("trimmed", "krum"):
        assert apart(f"federation.trust.mode={mode}", "federation.trust.suspects=0.2") < 0.6 * plain


def test_noise_is_as_large_as_it_should_be_and_repeats(begun):
    pytest.importorskip("dp_accounting", reason="needs dp-accounting: make test-federated")
    one, first = begun("federation.privacy.epsilon=8")
    _, again = begun("federation.privacy.epsilon=8")
    _, plain = begun()
    assert first.hash == again.hash != plain.hash
    assert all(client.noise > 0.3 for client in one.clients.values())


def test_a_budget_is_kept_and_less_of_it_needs_more_noise():
    pytest.importorskip("dp_accounting", reason="needs dp-accounting: make test-federated")
    from logradar.federated.privacy import noise_for, spent

    noise = [noise_for(epsilon, 1e-5, 0.4, 100) for epsilon in (8.0, 2.0, 1.0)]
    assert noise == sorted(noise)
    for epsilon, one in zip((8.0, 2.0, 1.0), noise, strict=True):
        assert 0.9 * epsilon < spent(one, 1e-5, 0.4, 100) <= epsilon
    # the Gaussian mechanism, used once without sampling: sigma = sqrt(2 ln(1.25/delta)) / epsilon is a known bound
    assert spent(np.sqrt(2 * np.log(1.25e5)), 1e-5, 1.0, 1) < 1.0


def test_noise_and_trimming_cannot_be_combined():
    with pytest.raises(ConfigError, match="cannot be combined"):
        federated_settings(None, ["federation.privacy.epsilon=2", "federation.trust.mode=krum"])
