"""Detector ``values``: the right events in the right order, but a value or a delay that is not usual."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl
from pydantic import Field

from logradar.core.config import Config
from logradar.core.session_view import SessionView
from logradar.core.tables import FIRST_TEMPLATE
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector, Finding, Floats, Scored
from logradar.detectors.value_models.models import GAP, UNSEEN, Ints, Models, Tests, ValueStatistics, parameters
from logradar.detectors.value_models.reasons import novel, too_late, unusual

_BLOCKS: Final = 8  # in which validation sessions are learnt after they were scored
_RARE: Final = -np.log(0.001)  # nats that one value in a thousand should have
_ALARMS: Final = 5  # and how many there may be in any case
_CHUNK: Final = 1 << 19  # events looked at together
_WORTH: Final = -np.log(0.01)  # nats from which a value is worth telling
_SHARE: Final = 0.5  # of the highest in its session, for a value to be told beside it


class ValuesSettings(Config):
    """Settings of ``values``."""

    least: int = Field(30, ge=2, description="values that a parameter (or a gap) needs in training to have a model")
    sample: int = Field(1000, ge=100, description="numbers kept of each parameter and gap, chosen evenly")
    categories: int = Field(
        100, ge=2, description="distinct texts of a parameter at most; one with more is an identifier and not looked at"
    )
    few: int = Field(20, ge=2, description="distinct numbers up to which a number never seen is news inside the range")
    constants: bool = Field(False, description="look at parameters too that never changed in training")
    keys: int = Field(50_000, ge=1, description="parameters, and pairs of templates, that have a model at most")
    mute: float = Field(
        0.01, gt=0, le=1, description="share of rare values in validation above which a parameter is not to be trusted"
    )
    shown: int = Field(3, ge=1, description="values told per session")


class Values(Detector):
    """How surprising the values in a session's lines are, and the time between its events; not their order.

    The second half of DeepLog (Du et al., CCS 2017, section 3.3): one model for each parameter of
    each template and for the time before it. Numbers have tails fitted on a sample (see
    `value_models.tails`), texts with few distinct values a chance that a new one comes (see
    `value_models.novelty`). Identifiers, counters and constants are recognised and ignored; gaps
    go by the pair of templates where it is frequent. An event scores by its most surprising value
    in nats, a session by that of its events less the log of how many values were looked at (a
    Bonferroni bound), 0 at least. A template never seen scores 20 nats.
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
        """Keys of gaps and of parameters that are rare in normal sessions more often than rare things are."""
        tests = models.tests(valid)
        found = []
        for inside in (tests.places == GAP, tests.places >= 0):
            keys, row = np.unique(tests.keys[inside], return_inverse=True)
            alarms = np.bincount(row, tests.nats[inside] > _RARE, minlength=len(keys))
            allowed = np.maximum(self.settings.mute * np.bincount(row, minlength=len(keys)), _ALARMS)
            found.append(keys[alarms > allowed])
        return found[0], found[1]

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
        said = _said(view)
        for row, start in enumerate(sequences.offsets[:-1].tolist()):
            best = order[bounds[row] : bounds[row + 1]]
            top = float(tests.nats[best[0]]) if len(best) else 0.0
            best = best[(tests.nats[best] > 0) & (tests.nats[best] >= min(max(_WORTH, _SHARE * top), top))]
            once = np.unique(tests.keys[best], return_index=True)[1]  # the same value of many events is told once
            chosen = best[np.sort(once)[: self.settings.shown]].tolist()
            yield [self._finding(view, tests, i, start, said) for i in chosen]

    def _finding(
        self, sessions: SessionView, tests: Tests, i: int, start: int, said: dict[tuple[int, int], str]
    ) -> Finding:
        event, place, key = int(tests.events[i]), int(tests.places[i]), tests.keys[i : i + 1]
        models = self._known
        if place == UNSEEN:
            reason = "never seen in training, so nothing is known about its values"
        elif place == GAP:
            row = int(models.gaps.find(key)[0])
            reason = too_late(float(sessions.gaps[event]), float(models.gaps.high[row]))
        else:
            text, row = said[event, place], int(models.numbers.find(key)[0])
            usual, many = models.texts.baseline_score(int(key[0]))
            if row < 0 or (usual and not models.numbers.surprisal(np.array([row]), _number(text), both=True)[0] > 0):
                reason = novel(place, text, usual, many)
            else:
                reason = unusual(place, text, float(models.numbers.low[row]), float(models.numbers.high[row]))
        return Finding(reason, event - start, int(sessions.sequences.values[event]), float(tests.nats[i]))

    def _save(self, folder: Path) -> dict[str, Any]:
        self._known.save(folder)
        return {"templates": self._known.templates.tolist()}

    def _load(self, folder: Path, state: dict[str, Any]) -> None:
        self._known = Models.load(folder, np.array(state["templates"], np.int64))


def _scores(models: Models, sessions: SessionView) -> Scored:
    tests = models.tests(sessions)
    values = np.zeros(len(sessions.sequences.values))
    np.maximum.at(values, tests.events, tests.nats)
    looked = np.bincount(sessions.sequences.rows[tests.events], minlength=len(sessions))
    rows = sessions.sequences.maxima(values) - np.log(np.maximum(looked, 1))
    return Scored(np.maximum(rows, 0.0), values.astype(np.float32))


def _said(sessions: SessionView) -> dict[tuple[int, int], str]:
    """The text of every parameter by event and place."""
    events, keys, texts = parameters(sessions)
    return dict(zip(zip(events.tolist(), (keys % 256).tolist(), strict=True), texts.to_list(), strict=True))


def _number(text: str) -> Floats:
    from logradar.detectors.value_models.numbers import numbers

    return np.nan_to_num(numbers(pl.Series([text])), nan=np.inf)
