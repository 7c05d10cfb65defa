"""The outbox: what is due, once each, and what became of it."""

from __future__ import annotations

from logradar.serving.store.outbox import Notification


def notification(number: int, receiver: str = "pager", not_before: int = 0) -> Notification:
    return Notification(f"{receiver}:{number}", receiver, "trigger", f"i{number}", {"n": number}, not_before)


def due(store, receiver="pager", now=100, limit=10):
    return [one.document["n"] for one in store.due(receiver, now, limit)]


def test_due_in_order_of_time_then_of_writing(store):
    with store.writing() as w:
        w.notify([notification(1, not_before=50), notification(2), notification(3), notification(4, not_before=101)])
        w.notify([notification(9, "slack")])
    assert due(store) == [2, 3, 1]
    assert due(store, limit=1) == [2]
    assert due(store, now=101) == [2, 3, 1, 4]
    assert due(store, "slack") == [9]
    assert store.due("pager", 100, 1) == [notification(2)]


def test_a_notification_is_written_once(store):
    for _ in range(2):
        with store.writing() as w:
            w.notify([notification(1), notification(1)])
        assert due(store) == [1]
    store.delivered("pager:1", 100)
    with store.writing() as w:
        w.notify([notification(1)])
    assert due(store) == []


def test_failures_are_tried_again_until_given_up(store, clock):
    with store.writing() as w:
        w.notify([notification(1), notification(2), notification(3, "slack")])
    store.failed("pager:1", "refused\0" + "x" * 10_000, 200)
    store.failed("pager:1", "refused", 300)
    assert due(store) == [2]
    (second, first) = store.due("pager", 300, 5)
    assert (second.attempts, first.attempts, first.not_before) == (0, 2, 300)
    store.failed("pager:1", "gone", None)
    store.delivered("pager:2", 400)
    assert due(store, now=10**9) == []
    pager, slack = store.outbox_figures()
    assert (pager.receiver, pager.waiting, pager.delivered, pager.given_up) == ("pager", 0, 1, 1)
    assert (pager.waiting_since, pager.problem) == (None, "gone")
    assert (slack.receiver, slack.waiting, slack.waiting_since, slack.problem) == ("slack", 1, clock.now, None)
    store.delivered("nobody knows", 1)
