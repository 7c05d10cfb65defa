"""Interning: equal strings, and only they, share an id."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from logradar.parsing.interning import Interner, Texts

STRINGS = st.lists(st.text(alphabet="ab\x00é𝔘", max_size=20), max_size=60)


@settings(max_examples=200, deadline=None)
@given(STRINGS, STRINGS)
def test_ids_are_the_order_of_first_appearance(first, second):
    interner = Interner()
    found = [*interner.ids(Texts.of(first)), *interner.ids(Texts.of(second))]
    known: dict[str, int] = {}
    assert found == [known.setdefault(text, len(known)) for text in [*first, *second]]
    assert interner.strings().to_list() == list(known)


def test_many_long_strings_outgrow_every_array():
    texts = [f"{'long ' * (i % 40)}{i}" for i in range(30_000)]
    interner = Interner()
    assert interner.ids(Texts.of(texts)).tolist() == list(range(30_000))
    assert interner.ids(Texts.of(texts[::-1])).tolist() == list(range(30_000))[::-1]
    assert interner.strings(29_990).to_list() == texts[29_990:]
    assert interner.nbytes > sum(map(len, texts))


def test_texts_come_from_any_string_column():
    column = pa.chunked_array([["a", None], ["", "bc"]])
    for strings in (column, column.cast(pa.large_string()), pa.chunked_array([], pa.string()), column.slice(3)):
        wanted = [text or "" for text in strings.to_pylist()]
        assert Texts.of(strings).to_series().to_list() == wanted
    sliced = pa.array(["skip", "é1", "2"], pa.large_string()).slice(1, 2)
    assert Texts.of(sliced)[1:].to_series().to_list() == ["2"]
