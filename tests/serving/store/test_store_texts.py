"""Hostile texts: whatever logs and people write, both databases take it, and give it back clean."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.serving.store.documents import alert, incident

from logradar.serving.store.errors import QueryError
from logradar.serving.store.paging import decoded, encoded
from logradar.serving.store.texts import Texts, asked_name, bounded

MARK = chr(0xFFFD)
NAUGHTY = (
    "nul\0nul",
    "\ud800half",
    "half\udfff",
    "'; DROP TABLE alerts; --",
    "%_\\/%",
    "<script>alert(1)</script>",
    "\x1b[31m",
    "\u202edcba",
    "İ",
    "ß",
    "😀" * 3_000,
    "x" * 100_000,
    "\\u0000",
    "\r\n\t",
)


@pytest.mark.parametrize("text", NAUGHTY, ids=range(len(NAUGHTY)))
def test_hostile_texts_are_stored_and_found(store, text):
    row = alert(1, service=text, services=[text], session_id=text, evidence=[{"body": text}])
    with store.writing() as w:
        w.alerts([row], "active", text)
        w.incidents([incident(1, [1], title=text, services=[text])], "active", text)
        w.counts([(0, text, "all", 1)])
        w.templates([(text, 3, text, text, 1, 1, 1, text)])
        w.template_counts([(text, 3, 0, 1)])
        w.meta(text, {text: text})
    clean = Texts().clean(text)
    item = store.alert(row["alert_id"])
    assert item["session_id"] == item["evidence"][0]["body"] == clean
    assert len(store.alerts(service=text, session_id=text).items) == 1
    assert len(store.incidents(service=text, text=text[:500]).items) == 1
    assert store.template(text, 3)["template"] == clean
    assert store.meta(text) == {clean: clean}
    assert list(store.counts(0, 60_000_000, 60_000_000, service=text).services) == [bounded(clean)]
    assert (store.cleaned > 0) == (clean != text or len(clean) > 200)
    id_ = incident(1)["incident_id"]
    store.acknowledge(id_, text, text[:1_000])
    store.feedback("anomaly", text, alert_id=row["alert_id"], note=text[:1_000])
    store.review(text, text, "normal", text)
    store.add_key(text, [text], text)
    assert store.key_by_hash(text).scopes == {clean}
    assert store.incident(id_)["acknowledged"]["note"] == Texts().clean(text[:1_000])


def test_ids_that_are_very_long_stay_apart(store):
    long = "a" * 5_000
    with store.writing() as w:
        w.alerts([alert(1, session_id=long + "1"), alert(2, session_id=long + "2")], "active", "shop")
    assert len(store.alerts(session_id=long + "1").items) == 1


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=300))
def test_names_are_bounded_and_stable(text):
    texts = Texts()
    name = texts.name(text)
    assert len(name) <= 200 and "\0" not in name
    name.encode()
    assert texts.name(name) == name == asked_name(text)
    assert (texts.cleaned == 0) == (name == text)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec=None)), inner, max_size=3),
    max_leaves=10,
)


@given(json_values)
def test_documents_of_any_text_can_be_stored(value):
    document = Texts().document(value)
    assert "\0" not in document and "\\u0000" not in document.replace("\\\\", "")
    document.encode()


@given(
    st.text()
    | st.binary().map(repr)
    | st.lists(st.integers(-(2**63), 2**64 - 1) | st.text()).map(lambda key: encoded("alerts", key))
)
def test_damaged_cursors_are_refused(cursor):
    try:
        key = decoded(cursor, "alerts", (int, str))
    except QueryError as error:
        assert "first page" in str(error) or "too large" in str(error)
    else:
        assert [type(one) for one in key] == [int, str]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_cursor_that_is_changed_asks_nothing_strange(store, data):
    if not store.alerts().items:
        with store.writing() as w:
            w.alerts([alert(n) for n in range(5)], "active", "shop")
    cursor = store.alerts(limit=2).next_cursor
    place = data.draw(st.integers(0, len(cursor) - 1))
    changed = cursor[:place] + data.draw(st.characters(max_codepoint=127)) + cursor[place + 1 :]
    try:
        page = store.alerts(cursor=changed)
    except QueryError:
        return
    assert len(page.items) <= 5
