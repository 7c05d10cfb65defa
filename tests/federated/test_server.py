"""Rounds of a server without any network: who is refused and why, and going on after it was killed."""

import json

import numpy as np
import pytest

from logradar.core.errors import StateError
from logradar.federated.server import FILE, Server
from logradar.federated.settings import FederationSettings
from logradar.federated.vector import Layout
from logradar.federated.wire import UPDATE, Header, Refused, packed, unpacked

LAYOUT = Layout(("a", "b"), ((4, 4), (10,)), "base")
S = FederationSettings(clients=10, fraction=0.4, rounds=5, seed=2)


def server(folder=None, settings=S, layout=LAYOUT):
    return Server(layout, np.linspace(-1, 1, 26).astype(np.float32), settings, folder)


def answer(to, number, delta=None, weight=10, layout=LAYOUT, sender=None, nonce=None, round_=None):
    """What client ``number`` sends: its own change, the same whenever it is asked in this round."""
    header, _ = unpacked(to, LAYOUT.sizes)
    change = np.random.default_rng((header.round, number)).normal(0, 0.1, 26) if delta is None else delta
    head = Header(
        UPDATE,
        header.round if round_ is None else round_,
        number if sender is None else sender,
        weight,
        layout.manifest,
        header.nonce if nonce is None else nonce,
    )
    return packed(head, change.astype(np.float32), LAYOUT.sizes, 8, (header.round, number))


def run(one, until=5, lost=()):
    while one.number < until:
        chosen, message = one.begin()
        for number in chosen:
            if number not in lost:
                assert one.take(number, answer(message, number)) == ""
        one.finish()
    return one


def test_the_mean_counts_clients_by_their_sessions():
    one = server(settings=S.model_copy(update={"bits_down": 32}))
    before = one.vector.copy()
    chosen, message = one.begin()
    for place, number in enumerate(chosen):
        one.take(number, answer(message, number, np.full(26, float(place)), weight=1 + place))
    one.finish()
    weights = np.arange(1, len(chosen) + 1)
    expected = (weights * np.arange(len(chosen))).sum() / weights.sum()
    np.testing.assert_allclose(one.vector - before, expected, atol=0.03)


def test_the_same_rounds_give_the_same_hash_and_others_do_not():
    assert run(server()).hash == run(server()).hash
    assert run(server()).hash != run(server(), lost=(1, 2, 3)).hash


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"layout": Layout(("a", "b"), ((4, 4), (10,)), "another base")}, "wrong hash"),
        ({"round_": 4}, "too late or replayed"),
        ({"nonce": 12345}, "too late or replayed"),
        ({"sender": 9}, "wrong sender"),
        ({"weight": 0}, "wrong weight"),
        ({"weight": 1 << 30}, "wrong weight"),
        ({"delta": np.full(26, 3e7)}, "too large"),
    ],
)
def test_what_does_not_fit_is_refused_and_counted(change, reason):
    one, plain = server(), server()
    for each in (one, plain):
        chosen, message = each.begin()
        first = chosen[0]
        if each is one:
            assert one.take(first, answer(message, first, **change)) == reason
        for number in chosen[1:]:
            each.take(number, answer(message, number))
        each.finish()
    assert one.rounds[0].refused == {reason: 1} and one.refused()[reason] == 1
    assert one.hash == plain.hash


def test_an_answer_of_an_earlier_round_sent_again_is_refused():
    one = server()
    chosen, message = one.begin()
    old = {number: answer(message, number) for number in chosen}
    for number, content in old.items():
        one.take(number, content)
    one.finish()
    for _ in range(4):
        chosen, message = one.begin()
        for number in set(chosen) & set(old):
            assert one.take(number, old[number]) == "too late or replayed"
        for number in chosen:
            assert one.take(number, answer(message, number)) == ""
        one.finish()
    assert one.refused()["too late or replayed"] > 0


def test_a_client_counts_once_and_one_that_was_not_asked_not_at_all():
    one = server()
    chosen, message = one.begin()
    assert one.take(chosen[0], answer(message, chosen[0])) == ""
    assert one.take(chosen[0], answer(message, chosen[0])) == "sent twice"
    other = next(number for number in range(1, 11) if number not in chosen)
    assert one.take(other, answer(message, other)) == "wrong sender"


def test_a_round_with_too_few_answers_changes_nothing():
    one = server()
    before = one.hash
    chosen, message = one.begin()
    one.take(chosen[0], answer(message, chosen[0]))
    assert not one.finish().counted and one.hash == before
    assert run(one).hash != before


@pytest.mark.parametrize("phase", ["before asking", "after asking", "between answers", "before the end"])
def test_killed_in_any_phase_it_goes_on_to_the_same_hash(tmp_path, phase):
    whole = run(server())
    one = run(server(tmp_path), until=3)
    if phase != "before asking":
        chosen, message = one.begin()
        share = {"after asking": 0, "between answers": 2, "before the end": len(chosen)}[phase]
        for number in chosen[:share]:
            one.take(number, answer(message, number))
    again = server(tmp_path)  # the process is gone, and a new one begins
    assert again.resume() and again.number == 3
    assert run(again).hash == whole.hash


def test_a_state_of_another_run_or_a_damaged_one_is_a_sentence(tmp_path):
    run(server(tmp_path), until=2)
    with pytest.raises(StateError, match="other settings"):
        server(tmp_path, S.model_copy(update={"seed": 3})).resume()
    with pytest.raises(StateError, match="other settings"):
        server(tmp_path, layout=Layout(LAYOUT.names, LAYOUT.shapes, "another")).resume()
    state = json.loads((tmp_path / FILE).read_text())
    for change in ({"vector": state["vector"][:-2] + "00"}, {"vector": "zz"}, {"number": 7}, {"rounds": [{}, {}]}):
        (tmp_path / FILE).write_text(json.dumps({**state, **change}))
        with pytest.raises(StateError, match="cannot be read"):
            server(tmp_path).resume()


def test_a_client_refuses_what_is_not_of_its_server():
    from logradar.federated.client import Client

    class Learner:
        layout, settings = LAYOUT, S

    client = Client(1, None, Learner())
    message = server().begin()[1]
    for wrong in (message[:-1], b"", answer(message, 1)):
        with pytest.raises(Refused):
            client.answer(wrong)
    other = server(layout=Layout(LAYOUT.names, LAYOUT.shapes, "another")).begin()[1]
    with pytest.raises(Refused, match="wrong hash"):
        client.answer(other)
