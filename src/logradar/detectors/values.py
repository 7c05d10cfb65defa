"""Detector ``values``: the right events in the right order, but an unusual value or delay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl
from pydantic import Field

from logradar.core.columns import HIGHEST_ID
from logradar.core.columns import numbers as checked
from logradar.core.config import Config
from logradar.core.session_view import SessionView
from logradar.core.tables import FIRST_TEMPLATE
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector, Finding, Floats, Scored
from logradar.detectors.value_models.models import GAP, UNSEEN, Ints, Models, Tests, ValueStatistics, parameters
from logradar.detectors.value_models.reasons import novel, too_late, unusual

_BLOCKS: Final = 8  # of validation sessions; each is scored, then learnt
_RARE: Final = -np.log(0.001)  # nats that one value in a thousand should reach
_ALARMS: Final = 5  # and how many values may reach it in any case
_CHUNK: Final = 1 << 19  # events that are scored together
_WORTH: Final = -np.log(0.01)  # nats from which a value is worth a finding
_SHARE: Final = 0.5  # of the highest in its session, for a value to be named with it


class ValuesSettings(Config):
    """From how many values a parameter gets a model, and how much of them is kept."""

    least: int = Field(30, ge=2, description="values that a parameter (or a gap) needs in training to have a model")
    sample: int = Field(1000, ge=100, description="numbers kept of each parameter and gap, chosen at random")
    categories: int = Field(
        100,
        ge=2,
        description="distinct texts of a parameter at most; a parameter with more is an identifier and is ignored",
    )
    few: int = Field(
        20, ge=2, description="up to so many distinct numbers of a parameter, a new number inside the range is unusual"
    )
    constants: bool = Field(False, description="look also at parameters that never changed in training")
    keys: int = Field(50_000, ge=1, description="parameters, and pairs of templates, that have a model at most")
    mute: float = Field(
        0.01, gt=0, le=1, description="share of rare values in validation above which a parameter is ignored"
    )
    shown: int = Field(3, ge=1, description="values named per session at most")


class Values(Detector):
    """How surprising the values in a session's lines and the times between its events are; order does not count.

    The second half of DeepLog (Du et al., CCS 2017, section 3.3): one model for each parameter of
    each template and for the time before it. Numbers have tails fitted on a sample (see
    `value_models.tails`); texts with few distinct values have a probability that a new text comes (see
    `value_models.novelty`). Identifiers, counters and constants are recognised and ignored. A gap is
    judged by its pair of templates where that pair is frequent, else by its template. The score of an event is that of
    its most surprising value in nats; the score of a session is the highest of its events less the log of the number
    of values that were judged (a Bonferroni bound), 0 at least. A template never seen scores 20 nats.
    """

    Settings: ClassVar[type[Config]] = ValuesSettings
    inputs: ClassVar[frozenset[str]] = frozenset({"template_ids", "gaps", "parameters"})

    def _learn(self, training: TrainingSet) -> Floats:
        s = self.settings
        statistics = ValueStatistics.none(s.sample, s.categories, s.keys, self.seed)
        for chunk in training.views(self.inputs):
            statistics.add(chunk)
        known = np.empty(0, np.int64)
        for sequences in training.distinct.chunks():
            known = np.union1d(known, sequences.values)
        valid = training.valid_view(self.inputs)
        models = self._models(statistics, known)
        muted = self._unreliable(models, valid)
        scores = np.zeros(len(valid))
        for rows in np.array_split(np.arange(len(valid)), _BLOCKS):  # scored as new, then learnt (prequential)
            if len(rows):
                block = valid.part(int(rows[0]), int(rows[-1]) + 1)
                scores[rows] = _scores(models.without(*muted), block).rows
                statistics.add(block)
                known = np.union1d(known, block.sequences.values)
                models = self._models(statistics, known)
        self._known = models.without(*muted)
        return scores

    def _models(self, statistics: ValueStatistics, known: Ints) -> Models:
        templates = known[known >= FIRST_TEMPLATE].astype(np.int64)
        return statistics.models(templates, self.settings.least, self.settings.few, self.settings.constants)

    def _unreliable(self, models: Models, valid: SessionView) -> tuple[Ints, Ints]:
        """Keys of gaps and of parameters of which too many values in normal sessions are rare."""
        tests = models.tests(valid)
        unreliable: list[Ints] = []
        for inside in (tests.places == GAP, tests.places >= 0):
            keys, row = np.unique(tests.keys[inside], return_inverse=True)
            alarms = np.bincount(row, tests.nats[inside] > _RARE, minlength=len(keys))
            allowed = np.maximum(self.settings.mute * np.bincount(row, minlength=len(keys)), _ALARMS)
            unreliable.append(keys[alarms > allowed])
        return unreliable[0], unreliable[1]

    def _score(self, view: SessionView) -> Scored:
        rows, values = np.zeros(len(view)), np.zeros(len(view.sequences.values), np.float32)
        for part, sessions in view.parts(_CHUNK):
            scored = _scores(self._known, sessions)
            rows[part] = scored.rows
            first = int(view.sequences.offsets[part.start])
            values[first : first + len(scored.values)] = scored.values
        return Scored(rows, values)

    def _explain(self, view: SessionView) -> Iterator[list[Finding]]:
        tests, sequences = self._known.tests(view), view.sequences
        rows = sequences.rows[tests.events]
        order = np.lexsort((tests.places, tests.events, -tests.nats, rows))
        bounds = np.searchsorted(rows[order], np.arange(len(sequences) + 1))
        texts = _texts(view)
        for row, start in enumerate(sequences.offsets[:-1].tolist()):
            best = order[bounds[row] : bounds[row + 1]]
            top = float(tests.nats[best[0]]) if len(best) else 0.0
            best = best[(tests.nats[best] > 0) & (tests.nats[best] >= min(max(_WORTH, _SHARE * top), top))]
            once = np.unique(tests.keys[best], return_index=True)[1]  # the same value of many events is named once
            chosen = best[np.sort(once)[: self.settings.shown]].tolist()
            yield [self._finding(view, tests, i, start, texts) for i in chosen]

    def _finding(
        self, sessions: SessionView, tests: Tests, i: int, start: int, texts: dict[tuple[int, int], str]
    ) -> Finding:
        event, place, key = int(tests.events[i]), int(tests.places[i]), tests.keys[i : i + 1]
        models = self._known
        if place == UNSEEN:
            reason = "never seen in training, so nothing is known about its values"
        elif place == GAP:
            row = int(models.gaps.find(key)[0])
            reason = too_late(float(sessions.gaps[event]), float(models.gaps.high[row]))
        else:
            text, row = texts[event, place], int(models.numbers.find(key)[0])
            frequent, many = models.texts.most_frequent(int(key[0]))
            if row < 0 or (frequent and not models.numbers.surprisal(np.array([row]), _number(text), both=True)[0] > 0):
                reason = novel(place, text, frequent, many)
            else:
                reason = unusual(place, text, float(models.numbers.low[row]), float(models.numbers.high[row]))
        return Finding(reason, event - start, int(sessions.sequences.values[event]), float(tests.nats[i]))

    def _save(self, folder: Path) -> dict[str, Any]:
        self._known.save(folder)
        return {"templates": self._known.templates.tolist()}

    def _load(self, folder: Path, state: dict[str, Any]) -> None:
        within = (FIRST_TEMPLATE, HIGHEST_ID)
        self._known = Models.load(folder, checked(state["templates"], np.int64, "'templates'", within, "strictly"))


def _scores(models: Models, sessions: SessionView) -> Scored:
    tests = models.tests(sessions)
    values = np.zeros(len(sessions.sequences.values))
    np.maximum.at(values, tests.events, tests.nats)
    looked = np.bincount(sessions.sequences.rows[tests.events], minlength=len(sessions))
    rows = sessions.sequences.maxima(values) - np.log(np.maximum(looked, 1))
    return Scored(np.maximum(rows, 0.0), values.astype(np.float32))


def _texts(sessions: SessionView) -> dict[tuple[int, int], str]:
    """The text of every parameter, by event and place."""
    events, keys, texts = parameters(sessions)
    return dict(zip(zip(events.tolist(), (keys % 256).tolist(), strict=True), texts.to_list(), strict=True))


def _number(text: str) -> Floats:
    from logradar.detectors.value_models.numbers import numbers

    return np.nan_to_num(numbers(pl.Series([text])), nan=np.inf)
