"""Detector ``ensemble``: several detectors on one scale, fused so that normal sessions score 0 or less."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.core.config import Config, validated
from logradar.core.errors import ConfigError, DataError
from logradar.core.progress import say
from logradar.core.sequences import Sequences
from logradar.core.session_set import SessionTable
from logradar.core.session_view import TEMPLATE_IDS, SessionView
from logradar.core.training_set import TrainingSet, services_of
from logradar.detectors.base import Detector, Finding, Floats, Incremental, Scored, detectors
from logradar.detectors.fusion.combine import beyond, fuse, graded, overlap, rounding, voices
from logradar.detectors.fusion.cross_conformal import left_out
from logradar.detectors.fusion.cutoff import cut, once
from logradar.detectors.fusion.ensemble_settings import EnsembleSettings, EnsembleState
from logradar.detectors.fusion.member_scores import member_findings, member_scores, reason_of
from logradar.detectors.fusion.own_cut import OwnCut
from logradar.detectors.fusion.p_values import EmpiricalPValues, load_scales, positive_part, save_scales
from logradar.detectors.fusion.service_bias import discounts, noise
from logradar.detectors.fusion.synthetic_anomalies import tampered
from logradar.training.processes import place

_LEFT_OUT: Final = 1_000_000  # events of distinct sequences up to which training sessions are left out in turn
_TAMPERED: Final = 1000  # synthetic anomalies
_FEW: Final = 2.0  # expected episodes below which a single one proves nothing


@dataclass(frozen=True, eq=False)
class _Normal:
    """Normal sessions as rows with counts; by member, ``scores`` of them and of synthetic ``anomalies``.

    ``order`` has the row of each session, in order of time where that is known. ``count`` anomalies were made; a
    member that reads more than event ids has no scores of them.
    """

    rows: Sequences
    order: npt.NDArray[np.int64]
    scores: dict[str, Floats]
    anomalies: dict[str, Floats]
    count: int


class Ensemble(Detector):
    """Puts the scores of its members on one scale and fuses them; normal sessions score 0 or less.

    A member's score becomes a p-value among the scores of normal sessions: of all of them, each left out of
    training in turn, where the member learns in milliseconds, else of the validation sessions. P-values are
    fused by their harmonic mean, in which members that always report the same sessions share one weight. From the
    fused surprise, -log10 of that mean, the noise of the session's service is subtracted (`fusion.service_bias`), and
    the cut (`fusion.cutoff`): a normal session scores 0 or less, a session ten times rarer than the cut scores 1. Of an
    episode of validation sessions above 0 only the highest score stays above 0; where validation is too short to
    expect two episodes and has one, that is 0 as well: the cut allows it.

    A member that looks at values is not fused: it has an own cut (`fusion.own_cut`), and a session above that is above
    the common cut by as much.

    A single member has nothing to be combined with: its own scores and its own threshold are taken as they are.

    A member that fails in training, or whose scores of normal sessions are not finite, drops out: ``dropped`` says
    which and why. Scoring changes nothing: where a member fails on a session or its score is not finite, it counts as
    not surprised by that session, and a finding says so; other sessions are not affected.
    """

    Settings = EnsembleSettings

    def __init__(self, settings: Config | None = None, seed: int = 0) -> None:
        super().__init__(settings, seed)
        if not self.settings.members or self.name in self.settings.members:
            raise ConfigError("An ensemble needs one or more members, and none of them an ensemble.")
        self.dropped: dict[str, str] = {}
        self._own: dict[str, OwnCut] = {}
        self._members: dict[str, Detector] = {}
        for name in dict.fromkeys(self.settings.members):
            kind = detectors.load(name)
            below = validated(kind.Settings, self.settings.settings.get(name, {}), f"settings.{name}")
            self._members[name] = kind(below, seed)

    @property
    def members(self) -> Mapping[str, Detector]:
        """The members by name; after training without those that dropped out."""
        return self._members

    @property
    def inputs(self) -> frozenset[str]:  # type: ignore[override]
        """Those of all members."""
        return TEMPLATE_IDS.union(*(member.inputs for member in self._members.values()))

    @property
    def prefix_safe(self) -> bool:  # type: ignore[override]
        """Whether a member is: fusing never lowers a surprise, so the others may count as not surprised."""
        return any(member.prefix_safe for member in self._members.values())

    @property
    def _alone(self) -> Detector | None:
        """The only member; None where there are several."""
        return next(iter(self._members.values())) if len(self._members) == 1 else None

    @property
    def lowest_score(self) -> float:
        """That of a session by which no member is surprised, or one just above that in the noisiest service."""
        if self._alone is not None:
            return self._alone.lowest_score
        still = sum(min(member.lowest_score, 0.0) for member in self._members.values())
        return min(still, -max(self._noise.values(), default=0.0)) - self._cut

    @property
    def services(self) -> list[str]:
        """As `Detector.services`: those with a noise of their own."""
        return list(self._noise) if self._alone is None else self._alone.services

    @property
    def baseline_score(self) -> float:
        """As `Detector.baseline_score`: the score where no member is surprised, which is 0 less the cut."""
        return -self._cut if self._alone is None else self._alone.baseline_score

    def with_member(self, name: str, member: Detector) -> Ensemble:
        """A copy with another fitted detector as member ``name``, scaled by the ``validation_scores`` of that one."""
        other, scores = copy(self), positive_part(member.validation_scores)
        other._members = {**self._members, name: member}
        other._scales = {**self._scales, name: EmpiricalPValues.of(scores, np.ones(len(scores), np.int64))}
        other._own = other._own_cuts(self._own)
        return other

    def _learn(self, training: TrainingSet) -> Floats:
        for name, member in list(self._members.items()):
            scores = self._guarded(name, partial(_learnt, member, training.inside(name)))
            if scores is not None:
                member.validation_scores = scores
        normal = self._normal(training)
        if not self._members:
            raise DataError(f"No member of the ensemble could be trained: {self._why_dropped()}.")
        validation = {name: member.validation_scores for name, member in self._members.items()}
        count = len(training.valid)
        every = np.ones(count, np.int64)
        self._scales = {name: EmpiricalPValues.of(positive_part(scores), every) for name, scores in validation.items()}
        self._scales |= {
            name: EmpiricalPValues.of(positive_part(scores), normal.rows.counts)
            for name, scores in normal.scores.items()
        }
        self._own = self._own_cuts(name for name, member in self._members.items() if "parameters" in member.inputs)
        early, late = self._surprises(normal.scores, len(normal.rows)), self._surprises(validation, count)
        self._weights = self._voices(early, normal, late)
        self._cut, self._noise = 0.0, {}
        if self._alone is not None:
            return self._alone.validation_scores
        fused = fuse(late, self._weights)
        samples = [fuse(early, self._weights)[normal.order]] if normal.scores else []
        # Members without scores of normal sessions have those of validation sessions only.
        if len(normal.scores) + len(self._own) < len(self._members):
            samples.append(fused)
        # Without members that leave sessions out, few validation sessions say too little to weigh anomalies by them.
        anomalies = self._surprises(normal.anomalies, normal.count if normal.scores else 0)
        self._cut = cut(samples, fuse(anomalies, self._weights), self.settings.rate)
        services = training.services if self.settings.by_service else None
        self._noise = noise(fused, services) if services is not None else {}
        scores = once(self._beyond(graded(self._with_own(fused, validation), validation.values()), services))
        explained = (scores > 0).sum() <= 1 and self.settings.rate * len(scores) < _FEW
        return np.minimum(scores, 0.0) if explained else scores

    def _normal(self, training: TrainingSet) -> _Normal:
        """Scores of all normal sessions by members that can leave them out; where too many, of validation alone.

        Nothing where no member can, or only one is left: then there is nothing to weigh anomalies against.
        """
        if self._alone is not None or not any(isinstance(member, Incremental) for member in self._members.values()):
            return _Normal(Sequences.from_lists([]), np.empty(0, np.int64), {}, {}, 0)
        train, valid, early = training.distinct, training.valid_view(TEMPLATE_IDS).sequences, training.in_order
        late, few = Sequences.of(valid.values, valid.offsets), train.values + len(valid.values) <= _LEFT_OUT
        if few and early is not None:
            rows = early.concat(late).distinct()
            order = rows.inverse
        else:  # the order of training sessions is not known
            rows = train.loaded().concat(late).distinct() if few else late
            order = np.repeat(np.arange(len(rows)), rows.counts)
        anomalies = tampered(rows, _TAMPERED, self.seed)
        normal = _Normal(rows, order, {}, {}, len(anomalies))
        for name, member in list(self._members.items()):
            if member.needs_values or not len(rows):
                continue
            made = self._guarded(name, partial(_of_rows, member, anomalies))
            if made is None:
                continue
            normal.anomalies[name] = made
            if isinstance(member, Incremental):
                scores = self._guarded(name, partial(_left_out, member, rows if few else None))
                if scores is not None:
                    normal.scores[name] = scores
        return normal

    def _surprises(self, scores: Mapping[str, Floats], rows: int) -> Floats:
        """Surprises, members x sessions; 0 for a member without scores."""
        surprises = np.zeros((len(self._members), rows))
        for row, name in enumerate(self._members):
            if rows and name in scores and name not in self._own:
                surprises[row] = self._scales[name].surprise(positive_part(scores[name]))
        return surprises

    def _voices(self, early: Floats, normal: _Normal, late: Floats) -> Floats:
        names, every = list(self._members), np.ones(late.shape[1])
        overlaps = np.eye(len(names))
        for i, one in enumerate(names):
            for j, other in enumerate(names[:i]):
                both = one in normal.scores and other in normal.scores
                rows, counts = (early, normal.rows.counts) if both else (late, every)
                overlaps[i, j] = overlaps[j, i] = overlap(rows[i], rows[j], counts)
        shared = np.array([name not in self._own for name in names])
        weights = np.zeros(len(names))
        weights[shared] = voices(overlaps[np.ix_(shared, shared)])
        return weights

    def _own_cuts(self, names: Iterable[str]) -> dict[str, OwnCut]:
        """Own cuts of members that look at values, where a tail can be fitted; none where no other member is left."""
        cuts = {name: OwnCut.of(self._scales[name], self.settings.rate) for name in names}
        own = {name: found for name, found in cuts.items() if found is not None}
        return own if len(own) < len(self._members) else {}

    def _with_own(self, fused: Floats, scores: Mapping[str, Floats]) -> Floats:
        """Fused surprises; a session above the own cut of a member is above the common cut by as much."""
        for name, own in self._own.items():
            margin = own.margin(positive_part(scores[name]))
            fused = np.where(margin > 0, np.maximum(fused, self._cut + margin), fused)
        return fused

    def _beyond(self, fused: Floats, services: pa.DictionaryArray | None) -> Floats:
        """Scores from fused surprises: less the noise of the service, less the cut."""
        if services is not None:
            fused = np.where(fused > 0, fused - discounts(self._noise, services), fused)
        return beyond(fused, self._cut, len(self._members))

    def _finished(self, rows: Floats, sessions: pa.Table) -> Floats:
        if self._alone is not None:
            return self._alone._finished(rows, sessions)
        return self._beyond(rows, services_of(SessionTable(sessions)) if self._noise else None)

    def _finished_early(self, rows: Floats, sessions: pa.Table) -> Floats:
        """As `_finished`, of lower bounds; a session that surprises no member yet may still be in a noisy service."""
        if self._alone is not None:
            return self._alone._finished_early(rows, sessions)
        discount = discounts(self._noise, services_of(SessionTable(sessions))) if self._noise else 0.0
        left = np.where(rows > 0, rows - discount, np.minimum(rows, -np.maximum(discount, 0.0)))
        return np.minimum(left - self._cut, beyond(left, self._cut, len(self._members)))

    def _score_unfinished(self, view: SessionView) -> Scored:
        """Lower bounds of `_score`: members that cannot judge an unfinished session count as not surprised."""
        surprises = np.zeros((len(self._members), len(view)))
        scores: list[Floats] = []
        events = np.zeros(len(view.sequences.values), np.float32)
        best = np.zeros(len(view))
        for row, (name, member) in enumerate(self._members.items()):
            scores.append(np.full(len(view), member.lowest_score))
            if not member.prefix_safe or name in self._own:
                continue
            scored = member_scores(name, member, view, unfinished=True)
            scores[row] = scored.rows
            scores[row][list(scored.failures)] = member.lowest_score
            surprises[row] = self._scales[name].surprise(positive_part(scored.rows))
            ahead = surprises[row] > best
            best = np.maximum(best, surprises[row])
            events = np.where(ahead[view.sequences.rows], scored.values, events)
        if self._alone is not None:
            return Scored(scores[0], events)
        highest = np.array(max(scale.highest for scale in self._scales.values()))
        low = fuse(surprises, self._weights) - 4 * rounding(len(self._members), highest)  # below all rounding
        return Scored(graded(np.maximum(low, 0.0), scores), events)

    def _score(self, view: SessionView) -> Scored:
        """Fused surprises, before service and cut; where a member has no score it counts as not surprised.

        Raises `DataError` for sessions that no member can score.
        """
        sequences = view.sequences
        surprises = np.zeros((len(self._members), len(sequences)))
        scores: dict[str, Floats] = {}
        events = np.zeros(len(sequences.values), np.float32)
        best = np.full(len(sequences), -1.0)
        failures: dict[str, dict[int, str]] = {}
        for row, (name, member) in enumerate(self._members.items()):
            scored = member_scores(name, member, view)
            failures[name] = scored.failures
            scores[name] = scored.rows
            surprise = self._surprise(name, scored.rows)
            surprises[row] = 0.0 if name in self._own else surprise
            ahead = surprise > best
            best = np.maximum(best, surprise)
            events = np.where(ahead[sequences.rows], scored.values, events)
        unscored = set.intersection(*(set(rows) for rows in failures.values()))
        if unscored:
            why = "; ".join(f"{name}: {rows[min(unscored)]}" for name, rows in failures.items())
            raise DataError(f"No member of the ensemble could score {len(unscored):,} of the sessions: {why}.")
        if self._alone is not None:
            return Scored(next(iter(scores.values())), events)
        fused = self._with_own(fuse(surprises, self._weights), scores)
        return Scored(graded(fused, scores.values()), events)

    def _surprise(self, name: str, scores: Floats) -> Floats:
        """The surprise of one member; of one with an own cut nothing below that, and above it as if it were common."""
        if name not in self._own:
            return self._scales[name].surprise(positive_part(scores))
        margin = self._own[name].margin(positive_part(scores))
        return np.where(margin > 0, self._cut + margin, 0.0)

    def _explain(self, view: SessionView) -> Iterator[list[Finding]]:
        rows: list[list[Finding]] = [[] for _ in range(len(view))]
        known: list[list[Finding]] = [[] for _ in range(len(view))]  # shown where no member is surprised
        dropped = [
            Finding(f"without {name}, which dropped out: {why}", weight=0.0) for name, why in self.dropped.items()
        ]
        flags = [list(dropped) for _ in range(len(view))]
        for name, member in self._members.items():
            scored = member_scores(name, member, view)
            surprise = self._surprise(name, scored.rows)
            for row, findings in enumerate(member_findings(member, view)):
                if row in scored.failures:
                    flags[row].append(
                        Finding(f"without {name}, which has no score: {scored.failures[row]}", weight=0.0)
                    )
                    continue
                (rows if surprise[row] > 0 else known)[row] += [
                    replace(f, reason=f"{name}: {f.reason}", weight=float(surprise[row]) + 0.01 / (i + 1))
                    for i, f in enumerate(sorted(findings, key=lambda f: -f.weight))
                ]
        yield from ([*(findings or known[row]), *flags[row]] for row, findings in enumerate(rows))

    def _guarded(self, name: str, work: Callable[[], Any]) -> Any:
        """What ``work`` of a training returns; None where it fails, and the member drops out for good."""
        try:
            return work()
        except Exception as error:
            if isinstance(error, ConfigError) or place()[1] > 1:
                raise  # the settings are wrong; or other processes would wait for this member for ever
            self.dropped[name] = reason_of(error)
        say(f"Member '{name}' of the ensemble drops out: {self.dropped[name]}. The other members score without it.")
        del self._members[name]
        return None

    def _why_dropped(self) -> str:
        return "; ".join(f"{name}: {why}" for name, why in self.dropped.items())

    def _save(self, folder: Path) -> dict[str, Any]:
        for name, member in self._members.items():
            member.save(folder / name)
        save_scales(self._scales, folder / "normal.parquet")
        weights = dict(zip(self._members, self._weights.tolist(), strict=True))
        return {"weights": weights, "cut": self._cut, "noise": self._noise, "dropped": self.dropped}

    def _load(self, folder: Path, state: dict[str, Any]) -> None:
        saved = EnsembleState.of(state, "state")
        weights = saved.weights
        if set(weights) | set(saved.dropped) != set(self.settings.members) or set(weights) & set(saved.dropped):
            raise ValueError("its weights are not those of its members")
        before, self._members = self._members, {name: Detector.load(folder / name, name) for name in weights}
        for name, member in self._members.items():
            member.require_settings(before[name].settings, f"those of the {self.name}")
        self._weights = np.array(list(weights.values()))
        self._scales = load_scales(list(weights), folder / "normal.parquet")
        highest = max(scale.highest for scale in self._scales.values())
        if saved.cut > highest or any(abs(value) > highest for value in saved.noise.values()):
            raise ValueError(f"its cut or the noise of a service is above {highest:.3g}, which no surprise can be")
        self._cut, self._noise, self.dropped = saved.cut, saved.noise, saved.dropped
        self._own = self._own_cuts(name for name, weight in weights.items() if not weight)
        if len(self._own) != sum(not weight for weight in weights.values()):
            raise ValueError("a member has neither a weight nor scores from which its own cut follows")


def _learnt(member: Detector, training: TrainingSet) -> Floats:
    return _finite(member._learn(training))


def _of_rows(member: Detector, rows: Sequences) -> Floats:
    return _finite(member._score(SessionView(rows)).rows) if len(rows) else np.empty(0)


def _left_out(member: Incremental, rows: Sequences | None) -> Floats:
    """Scores of normal ``rows``, each left out in turn, or of validation sessions."""
    return _finite(member.validation_scores if rows is None else left_out(member, rows))


def _finite(scores: Floats) -> Floats:
    if not np.isfinite(scores).all():
        raise DataError("its scores of normal sessions are not numbers.")
    return scores
