"""Review: a person says of kinds of training sessions whether they are normal, and the bundle learns anew at once."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logradar.alerting.review import ANOMALY, NORMAL, UNSURE, Review, Word
from logradar.core.documents import parsed
from logradar.core.errors import BundleError, InputError, did_you_mean
from logradar.core.locks import locked
from logradar.core.redaction.redactor import Redactor
from logradar.core.session_set import SessionTable
from logradar.core.session_view import TEMPLATE_IDS, SessionView
from logradar.detectors.density import Density
from logradar.detectors.fusion.cross_conformal import learnt
from logradar.detectors.fusion.review_order import NEAR, Kinds
from logradar.detectors.fusion.suspects import RARE
from logradar.model.bundle import Bundle, Seen
from logradar.model.training_sessions import TrainingSessions
from logradar.pipeline.learning.training_artifacts import save
from logradar.pipeline.train import fitted_on
from logradar.pipeline.training_data.sessions import TrainingData
from logradar.pipeline.training_data.spells import Spells

TOP: Final = 10  # kinds that are shown or asked about
_EVENTS: Final = 12  # templates of a kind that are shown
_LARGEST: Final = 16 << 20  # bytes of a file of answers
Bools = npt.NDArray[np.bool_]


class Reviewed:
    """A bundle with the kinds of its training sessions, and what was said of them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bundle = folder, Bundle.load(folder)
        if self.bundle.reviewable is None:
            raise BundleError(
                f"Bundle '{folder}' has no training sessions to review: it was trained with labels, with split.trim or "
                "with --from, or its log is too large, too small or has no session key. Give feedback on alerts "
                "instead (`logradar feedback`)."
            )
        self.sessions: TrainingSessions = self.bundle.reviewable
        self.review = self.bundle.review
        self._found: tuple[Review, Bools] | None = None  # what is learnt after a review: reckoned once, shown often

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each kind by its name."""
        return {name: number for number, name in enumerate(self.sessions.kind_names)}

    @cached_property
    def kinds(self) -> Kinds:
        """All kinds, as questions are ordered by them."""
        return kinds_of(self.sessions)

    @property
    def answers(self) -> dict[int, bool]:
        """Whether a kind is normal, by its number; without those of which nobody is sure."""
        known = self.numbers
        return {known[k]: w == NORMAL for k, w in self.review.words.items() if w != UNSURE and k in known}

    @property
    def stay(self) -> Bools:
        """Which distinct sequences are learnt: by the answers, and where there is none near by the rules."""
        if self._found is None or self._found[0] is not self.review:
            self._found = self.review, learnt_rows(self.sessions, self.kinds, self.answers)
        return self._found[1]

    @property
    def refusal(self) -> str:
        """Why no answer can be taken in: a detector cannot be fitted from ids of events alone; empty where all can."""
        slow = self.bundle.settings.networks
        slow = slow or [name for name, one in self.bundle.detectors.items() if one.inputs != TEMPLATE_IDS]
        if not slow:
            return ""
        return (
            f"'{slow[0].rpartition('.')[2]}' cannot be fitted again from what the bundle keeps, so it takes no "
            "answers. Fill them in with --json, and train again with --labels, or with simple detectors."
        )

    def add(self, words: Mapping[str, Word]) -> None:
        """Take in answers by the names of kinds; `InputError` for an unknown name."""
        for name in words:
            if name not in self.numbers:
                raise InputError(f"Bundle '{self.folder}' has no kind '{name}'; {did_you_mean(name, self.numbers)}")
        self.review = self.review.add(words)

    def questions(self, most: int) -> list[dict[str, Any]]:
        """The kinds that should be looked at next, most useful first, as JSON values."""
        said = self.review.words
        order = [int(kind) for kind in self.kinds.order(self.answers) if self.sessions.kind_names[kind] not in said]
        return [self._shown(kind) for kind in order[:most]]

    def given(self) -> list[dict[str, Any]]:
        """The kinds that have an answer."""
        return [self._shown(self.numbers[name]) for name in self.review.words if name in self.numbers]

    def document(self, most: int) -> dict[str, Any]:
        """What ``logradar review --json`` prints."""
        counts, stay = self.sessions.rows.counts, self.stay
        return {
            "bundle": str(self.folder),
            "sessions": len(self.sessions),
            "kinds": len(self.kinds),
            "rules": list(self.sessions.rules),
            "taken_for_anomalous": int(counts[~stay].sum()),
            "answers": self.given(),
            "questions": self.questions(most),
        }

    def _shown(self, kind: int) -> dict[str, Any]:
        name = self.sessions.kind_names[kind]
        vector = self.sessions.kinds[0][kind]
        rows = self._rows_of(kind)
        table = self.sessions.table.take(pa.array(rows))
        services = sorted({str(one) for one in table["service"].to_pylist() if one is not None})
        first, last = (pc.min_max(table["start"])[which].as_py() for which in ("min", "max"))
        ids, times = np.unique(vector, return_counts=True)
        texts = self.bundle.texts
        row = int(self.sessions.row_of[rows[0]])
        return {
            "kind": name,
            "sessions": int(self.sessions.kinds[0].counts[kind]),
            "share": float(self.sessions.kinds[0].counts[kind] / len(self.sessions)),
            "services": services,
            "first": first.isoformat() if first else None,
            "last": last.isoformat() if last else None,
            "learnt": bool(self.stay[row]),
            "suspicion": round(float(self.sessions.kind_suspicion[kind]), 3),
            "unusual": self._unusual(kind),
            "events": [
                {"template_id": int(id_), "template": texts.get(int(id_), ""), "times": int(count)}
                for id_, count in list(zip(ids.tolist(), times.tolist(), strict=True))[:_EVENTS]
            ],
            "lines": self.sessions.examples.get(name, []),
            "answer": self.review.words.get(name),
        }

    def _rows_of(self, kind: int) -> npt.NDArray[np.int64]:
        """The sessions of a kind."""
        return np.flatnonzero(self.sessions.kinds[1][self.sessions.row_of] == kind)

    @cached_property
    def _density(self) -> Density:
        found = learnt(Density(), self.sessions.kinds[0])
        assert isinstance(found, Density)
        return found

    def _unusual(self, kind: int) -> list[str]:
        """Sentences: how few sessions are like it, how it differs from the most common ones that are, what is rare."""
        rows = self.sessions.kinds[0].take(np.array([kind]))
        texts = self.bundle.texts
        findings = next(iter(self._density._explain(SessionView(rows))))
        found = [
            f"«{texts.get(one.template_id, '')}» {one.reason}" if one.template_id is not None else one.reason
            for one in findings
        ]
        if self.sessions.kind_suspicion[kind] > 0 and not findings[0].weight:  # by its counts alone it would be normal
            found = [f"{found[0]} in how often its events occur, but something in it is rare and came in an episode"]
        return [*found, *self._spells.sentences(self._rows_of(kind), texts)]

    @cached_property
    def _spells(self) -> Spells:
        return Spells(self.sessions)

    def apply(self) -> None:
        """Write the answers into the bundle, and fit its detectors and thresholds anew on what is normal now.

        Raises `BundleError` where a detector cannot be fitted from ids of events alone in seconds.
        """
        settings, stay = self.bundle.settings, self.stay
        if self.refusal:
            raise BundleError(self.refusal)
        train, valid = self.sessions.parts(stay)
        if not len(train):
            raise InputError("With these answers no training session is normal, so nothing can be learnt.")
        kept = self.sessions.rows.take(np.flatnonzero(stay))
        before = self.bundle.facts
        data = TrainingData(
            self.bundle.miner,
            SessionTable(train),
            SessionTable(valid),
            Seen(self.bundle.seen.sessions, np.unique(kept.fingerprints())),
            before["records"],
            before["sessions"],
            before["split"] | {"trimmed": int(self.sessions.rows.counts[~stay].sum())},
            self.bundle.files,
            reviewable=self.sessions,
        )
        fitted = fitted_on(data, settings, self.folder, resume=False)
        computed = {name: value for name, value in fitted.facts.items() if value is not None}
        fitted.facts = {name: value for name, value in before.items() if name != "sha256"} | computed
        fitted.facts["split"] = data.split
        fitted.feedback, fitted.review = self.bundle.feedback, self.review
        fitted.rates = self.bundle.rates  # of all that came, whoever calls some of it an anomaly
        save(fitted, self.folder, None)


def kinds_of(sessions: TrainingSessions) -> Kinds:
    """The kinds of training sessions; an answer goes for near kinds too where what is rare was looked for."""
    near = NEAR if RARE in sessions.rules else 0.0
    return Kinds(sessions.kinds[0], sessions.kind_suspicion, near)


def learnt_rows(sessions: TrainingSessions, kinds: Kinds, answers: Mapping[int, bool]) -> Bools:
    """Which distinct sequences are learnt after ``answers`` by kind: normal or not."""
    normal, anomaly = kinds.answered(answers)
    kind_of = sessions.kinds[1]
    stay: Bools = np.where(normal[kind_of], True, np.where(anomaly[kind_of], False, sessions.suspicion <= 0))
    return stay


def review(
    bundle: Path,
    *,
    words: Mapping[str, Word] | None = None,
    answers: Path | None = None,
    undo: Iterable[str] = (),
    most: int = TOP,
    redact: bool = False,
) -> dict[str, Any]:
    """Take in ``words`` by kind, those in the file ``answers``, and take back those on the kinds in ``undo``.

    The bundle is fitted anew where anything changed. Returns the document of ``logradar review --json``, with at most
    ``most`` questions; ``redact`` masks what must not be passed on. Raises `InputError` for a kind or word that does
    not exist, `BundleError` for a bundle that cannot be reviewed.
    """
    with locked(bundle, exclusive=True):
        found = Reviewed(bundle)
        before = found.review
        found.review = found.review.without(list(undo))
        found.add({**(_read(answers) if answers is not None else {}), **(words or {})})
        changed = found.review.words != before.words
        if changed:
            found.apply()
            found = Reviewed(bundle)
        document = found.document(most) | {"fitted_anew": changed}
        if not redact:
            return document
        masked: dict[str, Any] = Redactor(found.bundle.settings.redaction).document(document)
        return masked


def _read(path: Path) -> dict[str, Word]:
    """Answers in a file: ``{"KIND": "normal"}``, or a document of ``review --json`` with ``answer`` filled in."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("it is too large")
        value = parsed(path.read_bytes().removeprefix(BOM_UTF8), path.name)  # some editors of Windows write one
    except (OSError, ValueError) as error:
        raise InputError(f"'{path}' cannot be read as answers: {error}.") from None
    if isinstance(value, dict) and "questions" in value:
        value = _filled_in(value)
    words: tuple[Word, ...] = (NORMAL, ANOMALY, UNSURE)
    known: dict[str, Word] = {short: word for word in words for short in (word, word[0])}
    if not isinstance(value, dict) or any(not isinstance(word, str) or word not in known for word in value.values()):
        raise InputError(f"'{path}' holds no answers: each kind is normal, anomaly or unsure.")
    return {str(kind): known[word] for kind, word in value.items()}


def _filled_in(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Answers by kind in a document of ``review --json``; None where it has another form."""
    parts = [document["questions"], document.get("answers", [])]
    if not all(isinstance(part, list) for part in parts):
        return None
    kinds = [one for part in parts for one in part]
    if not all(isinstance(one, dict) and isinstance(one.get("kind"), str) for one in kinds):
        return None
    return {one["kind"]: one["answer"] for one in kinds if one.get("answer")}
