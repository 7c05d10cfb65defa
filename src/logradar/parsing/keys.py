"""Session keys in bodies: the key of a record is masked where it stands in the record's own body.

A session key is different in each session, so it is never part of a template. Keys that the masks take as a whole (a
number, a UUID, a block) are left to them: so a body has the same template whether its record has a key or not.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pyarrow as pa

from logradar.core.kernels import inner, kernel
from logradar.parsing.interning import Interner, Texts, blank, grown
from logradar.parsing.masking import MaskingSettings, mask
from logradar.parsing.shape_folding import fold

TOKEN: Final = "<KEY>"
_TOKEN: Final = np.frombuffer(TOKEN.encode(), np.uint8)
_MASKED: Final = re.compile("<[A-Z]+>")
_MOST: Final = 1 << 16  # forms of keys that are remembered
_UNKNOWN, _LEFT, _ANYWHERE, _AS_VALUE = range(4)  # what becomes of keys of a form
_WORD: Final = np.zeros(256, np.bool_)
_WORD[[*range(48, 58), *range(65, 91), *range(97, 123)]] = True
_BEFORE_VALUE: Final = np.zeros(256, np.bool_)
_BEFORE_VALUE[[ord(mark) for mark in "=:[({<\"'/#"]] = True


class KeyMask:
    """Masks session keys in bodies; remembers by the form of a key what becomes of it."""

    def __init__(self, masking: MaskingSettings) -> None:
        self._masking = masking
        self._fold, self._hexadecimal = masking.digit_blind, masking.hex_blind
        self._forget()

    def _forget(self) -> None:
        self._forms = Interner()
        self._ways = np.zeros(1 << 8, np.uint8)

    def masked(self, bodies: pa.Array, keys: pa.Array) -> pa.Array:
        """Bodies in which every whole word that is the key of the record is `TOKEN`; null keys change nothing.

        A key without a digit may be a word of the language, so it is masked only behind a mark such as ``=``.
        """
        if not len(keys) or keys.null_count == len(keys):
            return bodies
        wanted = Texts.of(keys.dictionary_decode() if pa.types.is_dictionary(keys.type) else keys)
        if len(self._forms) > _MOST:
            self._forget()
        known = len(self._forms)
        forms = self._forms.ids(fold(wanted, self._hexadecimal) if self._fold else wanted)
        if len(self._forms) > known:
            self._learn(known)
        ways = self._ways[forms]
        ways[wanted.ends == wanted.starts] = _LEFT
        if (ways == _LEFT).all():
            return bodies
        texts = Texts.of(bodies)
        places = np.zeros(len(texts), np.int64)
        _count(texts.data, texts.starts, texts.ends, wanted.data, wanted.starts, wanted.ends, ways, places)
        if not places.any():
            return bodies
        lengths = texts.ends - texts.starts + places * (len(_TOKEN) - (wanted.ends - wanted.starts))
        ends = np.cumsum(lengths)
        out = Texts(blank(int(ends[-1])), ends - lengths, ends)
        _write(
            *(texts.data, texts.starts, texts.ends, wanted.data, wanted.starts, wanted.ends),
            *(np.where(places > 0, ways, _LEFT).astype(np.uint8), out.data, out.starts),
        )
        return out.to_series().to_arrow()

    def _learn(self, known: int) -> None:
        forms = self._forms.strings(known)
        self._ways = grown(self._ways, len(self._forms))
        for number, (form, masked) in enumerate(zip(forms, mask(forms, self._masking), strict=True), known):
            if _MASKED.fullmatch(masked):
                self._ways[number] = _LEFT
            else:
                self._ways[number] = _ANYWHERE if re.search("[0-9]", form) or form != masked else _AS_VALUE


@inner
def _here(data, start, end, at, key, first, last, way):  # type: ignore[no-untyped-def]
    """Whether the key is a whole word from byte ``at`` on."""
    size = last - first
    if at + size > end:
        return False
    for i in range(size):
        if data[at + i] != key[first + i]:
            return False
    if at > start and _WORD[data[at - 1]] and _WORD[key[first]]:
        return False
    if at + size < end and _WORD[data[at + size]] and _WORD[key[last - 1]]:
        return False
    return way == _ANYWHERE or (at > start and _BEFORE_VALUE[data[at - 1]])


@kernel
def _count(data, starts, ends, key, firsts, lasts, ways, places):  # type: ignore[no-untyped-def]
    for row in range(len(starts)):
        if ways[row] == _LEFT:
            continue
        at, first, last = starts[row], firsts[row], lasts[row]
        while at < ends[row]:
            if data[at] == key[first] and _here(data, starts[row], ends[row], at, key, first, last, ways[row]):
                places[row] += 1
                at += last - first
            else:
                at += 1


@kernel
def _write(data, starts, ends, key, firsts, lasts, ways, out, begins):  # type: ignore[no-untyped-def]
    for row in range(len(starts)):
        at, first, last, to = starts[row], firsts[row], lasts[row], begins[row]
        while at < ends[row]:
            if (
                ways[row] != _LEFT
                and data[at] == key[first]
                and _here(data, starts[row], ends[row], at, key, first, last, ways[row])
            ):
                for byte in _TOKEN:
                    out[to] = byte
                    to += 1
                at += last - first
            else:
                out[to] = data[at]
                to += 1
                at += 1
