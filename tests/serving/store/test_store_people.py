"""What people say, keys, jobs and bundles."""

from __future__ import annotations

import pytest
from tests.serving.store.documents import alert, incident

from logradar.serving.store.errors import QueryError


@pytest.fixture
def filled(store):
    with store.writing() as w:
        w.alerts([alert(1), alert(2)], "active", "shop")
        w.incidents([incident(1, [1])], "active", "shop")
    return store


def test_the_last_verdict_counts(filled):
    id_ = alert(1)["alert_id"]
    filled.feedback("anomaly", "ann", alert_id=id_, note="seen it")
    number = filled.feedback("false_alarm", "ben", alert_id=id_)
    filled.feedback("anomaly", "ann", incident_id=incident(1)["incident_id"])
    assert filled.alert(id_)["verdict"] == "false_alarm"
    assert [one["verdict"] for one in filled.alerts().items] == [None, "false_alarm"]
    page = filled.feedbacks(limit=2)
    assert [(one["sort"], one["by"]) for one in page.items] == [("incident", "ann"), ("alert", "ben")]
    (last,) = filled.feedbacks(limit=2, cursor=page.next_cursor).items
    assert (last["subject_id"], last["note"], last["verdict"]) == (id_, "seen it", "anomaly")
    assert len(filled.feedbacks(verdict="anomaly").items) == 2
    filled.withdraw_feedback(number)
    assert filled.alert(id_)["verdict"] == "anomaly"


def test_feedback_is_about_something(filled):
    for asked, word in [
        ({"alert_id": "none"}, "no alert"),
        ({"incident_id": "none"}, "no incident"),
        ({}, "either"),
        ({"alert_id": "a", "incident_id": "b"}, "either"),
    ]:
        with pytest.raises(QueryError, match=word):
            filled.feedback("anomaly", "ann", **asked)
    with pytest.raises(QueryError, match="false_alarm or anomaly"):
        filled.feedback("nice", "ann", alert_id=alert(1)["alert_id"])
    with pytest.raises(QueryError, match="no feedback"):
        filled.withdraw_feedback(77)
    with pytest.raises(QueryError, match="10,000 characters"):
        filled.note(incident(1)["incident_id"], "ann", "x" * 10_001)


def test_reviews(store):
    store.review("shop", "kind a", "normal", "ann")
    store.review("shop", "kind a", "unsure", "ben")
    store.review("other", "kind a", "anomaly", "ben")
    assert [(one["kind"], one["answer"], one["by"]) for one in store.reviews("shop")] == [("kind a", "unsure", "ben")]
    with pytest.raises(QueryError, match="normal, anomaly, unsure"):
        store.review("shop", "kind a", "bad", "ann")


def test_keys(store, clock):
    key = store.add_key("ci", {"read", "ingest"}, "hash 1")
    other = store.add_key("ci", [], "hash 2")
    assert store.key_by_hash("hash 1") == key
    assert (key.name, key.scopes, key.created_at, key.revoked_at) == ("ci", {"read", "ingest"}, clock.now, None)
    store.revoke_key(key.key_id)
    clock.now += 5
    store.revoke_key(key.key_id)
    assert store.key_by_hash("hash 1") is None
    assert store.key_by_hash("hash\0") is None
    listed = store.keys()
    assert [(one.key_id, one.revoked_at) for one in listed] == [(key.key_id, clock.now - 5), (other.key_id, None)]
    with pytest.raises(QueryError, match="key with this secret already"):
        store.add_key("again", [], "hash 1")
    with pytest.raises(QueryError, match="no key with the number 99"):
        store.revoke_key(99)
    assert store.key_by_hash("hash 2") == other


def test_jobs(store, clock):
    store.add_job("a", "train", {"epochs": 3}, "ann")
    store.add_job("b", "train", {}, "ann")
    with pytest.raises(QueryError, match="job 'a' already"):
        store.add_job("a", "train", {}, "ann")
    job = store.take_job()
    assert (job["job_id"], job["state"], job["settings"], job["started_at"]) == (
        "a",
        "running",
        {"epochs": 3},
        clock.now,
    )
    assert store.take_job()["job_id"] == "b"
    assert store.take_job() is None
    store.update_job("a", progress={"epoch": 1})
    done = store.update_job("a", state="done", result={"bundle": "x"})
    assert (done["state"], done["progress"], done["result"]) == ("done", {"epoch": 1}, {"bundle": "x"})
    assert store.update_job("a", state="cancelled")["state"] == "done"
    assert store.end_running_jobs("The service stopped.") == 1
    assert (store.job("b")["state"], store.job("b")["problem"]) == ("failed", "The service stopped.")
    page = store.jobs(limit=1)
    assert [one["job_id"] for one in page.items] == ["b"]
    assert [one["job_id"] for one in store.jobs(cursor=page.next_cursor).items] == ["a"]
    assert [one["job_id"] for one in store.jobs(state="done").items] == ["a"]
    assert store.job("c") is None
    with pytest.raises(QueryError, match="no job 'c'"):
        store.update_job("c", state="done")
    with pytest.raises(QueryError, match="waiting, running"):
        store.update_job("a", state="asleep")


def test_bundles(store, clock):
    store.add_bundle("shop", "/bundles/shop", role="active", document={"detector": "deeplog"})
    clock.now += 1
    store.add_bundle("next", "/bundles/next", services=["cart"])
    store.set_bundle_role("next", "shadow", services=["cart", "mail"])
    store.add_bundle("shop", "/elsewhere/shop", role="resting")
    first, second = store.bundles()
    assert (first["bundle"], first["role"], first["services"]) == ("next", "shadow", ["cart", "mail"])
    assert (second["path"], second["role"], second["services"], second["document"]) == (
        "/elsewhere/shop",
        "resting",
        None,
        {},
    )
    assert (second["added_at"], second["changed_at"]) == (clock.now - 1, clock.now)
    with pytest.raises(QueryError, match="no bundle 'none'"):
        store.set_bundle_role("none", "active")
    with pytest.raises(QueryError, match="active, shadow, resting"):
        store.set_bundle_role("shop", "boss")


def test_meta(store):
    with store.writing() as w:
        w.meta("position", {"segment": 4, "offset": 17})
        w.meta("position", {"segment": 5, "offset": 0})
    assert store.meta("position") == {"segment": 5, "offset": 0}
    assert store.meta("snapshot") is None
    assert store.meta("snapshot", 7) == 7
