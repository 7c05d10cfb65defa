"""Rounds: the act behind `logradar federate evaluate`, which measures a bundle as it was after each round."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.alerting.threshold import fit_threshold
from logradar.core.config import kept
from logradar.core.documents import reason_of
from logradar.core.errors import BundleError, DataError
from logradar.core.files import write_whole
from logradar.core.outputs import require_output
from logradar.core.progress import say
from logradar.core.session_set import SessionTable
from logradar.core.session_view import SessionView
from logradar.detectors.causal_lm import CausalLm
from logradar.evaluation.audit import identities, seen_in
from logradar.evaluation.metrics import measure
from logradar.federated.pictures import scores_picture
from logradar.federated.result import FOLDER, START, read
from logradar.federated.run import adapted
from logradar.federated.settings import FederationSettings
from logradar.federated.top_k import KS, shares
from logradar.federated.vector import Layout
from logradar.model.bundle import Bundle, input_settings
from logradar.pipeline.measuring.evaluation_data import labelled, sessions_in, unseen
from logradar.sources.opening.opening import require_event_ids
from logradar.storage.day_files import DayCorpus
from logradar.storage.records import collect, opening

Floats = npt.NDArray[np.float64]
CSV: Final = "rounds.csv"
NATURAL, ORIGINAL = "natural", "original"
_BALANCED: Final = 1_000  # sessions of each class in the original protocol
_COLUMNS: Final = (
    "round",
    "protocol",
    "score",
    "f1",
    "precision",
    "recall",
    "threshold",
    "share_normal",
    "share_anomalous",
    "bytes_up",
    "bytes_down",
)


@dataclass(frozen=True, eq=False)
class _Test:
    """Sessions to measure on, with their labels, and the normal ones that thresholds come from."""

    sessions: pa.Table
    labels: npt.NDArray[np.bool_]
    valid: pa.Table


def evaluate_rounds(
    bundle: Path, spec: str, folder: Path, *, given: Mapping[str, Any] | None = None, every: int = 1
) -> dict[str, Any]:
    """Measure every round of a federation on INPUT ``spec``, which it was trained on a part of.

    ``natural`` rows are measured on all sessions that were held back, with thresholds from the normal validation
    sessions: by surprisal, and by the share of next tokens among the k most likely. ``original`` rows repeat the
    published protocol beside them: as many normal as anomalous sessions, at most 1,000 of each, tokens that are among
    the k most likely of any place, and the threshold that is best on these very sessions. Writes `rounds.csv` and
    `scores.png` into ``folder``. Raises `BundleError`, and `DataError` where there are no labels.
    """
    require_output(folder)
    loaded = Bundle.load(bundle)
    record, vectors = read(bundle)
    try:
        settings = kept(FederationSettings, record["settings"])
        by_round = [(int(one["up"]), int(one["down"])) for one in record["by_round"]]
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"The record in '{bundle}' cannot be read ({reason_of(error)}); train it again.") from None
    test = _test_of(loaded, spec, given)
    chosen = sorted({0, len(vectors) - 1, *range(0, len(vectors), every)})
    weights = (bundle / FOLDER / START).read_bytes()
    rows: list[dict[str, Any]] = []
    for number in chosen:
        sent = np.array(by_round[:number], np.int64).reshape(-1, 2).sum(0).tolist()
        beside = {"bytes_up": sent[0], "bytes_down": sent[1]}
        rows += [{"round": number, **row, **beside} for row in _rows(loaded, weights, settings, vectors[number], test)]
        say(f"round {number}: F1 {_shown(rows, number)}")
    folder.mkdir(parents=True, exist_ok=True)
    text = StringIO()
    writer = csv.DictWriter(text, _COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    write_whole(folder / CSV, text.getvalue())
    best = [row for row in rows if row["score"] in ("surprisal", "top-1")]
    write_whole(folder / "scores.png", scores_picture(best))
    return {"csv": str(folder / CSV), "rows": rows, "sessions": len(test.labels), "anomalies": int(test.labels.sum())}


def _shown(rows: list[dict[str, Any]], number: int) -> str:
    found = next(row["f1"] for row in rows if row["round"] == number and row["score"] == "surprisal")
    return "–" if found is None else f"{found:.3f}"


def _test_of(loaded: Bundle, spec: str, given: Mapping[str, Any] | None) -> _Test:
    with opening(spec, input_settings(loaded, given)) as (opened, home):
        days = loaded.miner.uses_event_ids
        corpus = DayCorpus.collect(require_event_ids(opened), home) if days else collect(opened, home)
        every = sessions_in(corpus, loaded, home)
    sessions = labelled(every, spec)
    later = unseen(sessions, loaded, held_out=True)
    test = sessions.filter(pa.array(later))
    before = seen_in(loaded.seen.sessions, identities(every))
    rows = np.flatnonzero(before)[-int(loaded.facts["split"]["valid"]) :]
    valid = every.take(pa.array(rows))
    valid = valid.filter(pa.array(~valid["label"].fill_null(False).to_numpy(zero_copy_only=False)))
    labels = test["label"].to_numpy(zero_copy_only=False).astype(bool)
    if not labels.any() or not len(valid):
        raise DataError(
            f"'{spec}' has {labels.sum():,} anomalous sessions that were held back and {len(valid):,} normal "
            "validation sessions of this bundle; give the input that it was trained on, with its labels."
        )
    return _Test(test, labels, valid)


def _rows(
    loaded: Bundle, weights: bytes, settings: FederationSettings, vector: npt.NDArray[np.float32], test: _Test
) -> Iterator[dict[str, Any]]:
    from safetensors.torch import load

    from logradar.training.adapters import merge

    detector: Any = loaded.main
    network = detector.network()
    try:
        network.load_state_dict(load(weights))
    except Exception as error:  # safetensors and torch raise what they like
        raise BundleError(f"The base of this federation cannot be read ({reason_of(error)}); train it again.") from None
    adapted(network, settings)
    layout = Layout.of(network)
    if layout.count != len(vector):
        raise BundleError("The rounds of this bundle are those of another network; train it again.")
    layout.write(network, vector)
    merge(network)
    network.eval()
    view = SessionView.whole(SessionTable(test.valid), detector.inputs)
    detector.take(network, view)
    natural = loaded.settings.threshold
    found = detector.score(test.sessions)["score"].to_numpy()
    yield _row(NATURAL, "surprisal", test.labels, found, fit_threshold(detector.validation_scores, natural).value)
    balanced = _balanced(test.labels, settings.seed)
    yield _best(ORIGINAL, "surprisal", test.labels[balanced], found[balanced])
    if not isinstance(detector, CausalLm):
        return
    whole = SessionView.whole(SessionTable(test.sessions), detector.inputs)
    right, published = _spread(detector, network, whole)
    watched, _ = _spread(detector, network, view)
    for number, k in enumerate(KS):
        limit = fit_threshold(1 - watched[:, number], natural).value
        yield _row(NATURAL, f"top-{k}", test.labels, 1 - right[:, number], limit, right[:, number])
        yield _best(
            ORIGINAL, f"top-{k}", test.labels[balanced], 1 - published[balanced, number], published[balanced, number]
        )


def _spread(detector: CausalLm, network: Any, view: SessionView) -> tuple[Floats, Floats]:
    """The shares of every session, of which equal ones are read once."""
    rows, inverse = detector.tokens_of(view)
    right, published = shares(network, rows)
    return right[inverse], published[inverse]


def _balanced(labels: npt.NDArray[np.bool_], seed: int) -> npt.NDArray[np.int64]:
    random = np.random.default_rng((seed, 3))
    parts = [np.flatnonzero(labels == one) for one in (False, True)]
    size = min(_BALANCED, *map(len, parts))
    return np.sort(np.concatenate([random.choice(part, size, replace=False) for part in parts]))


def _row(
    protocol: str,
    name: str,
    labels: npt.NDArray[np.bool_],
    scores: Floats,
    limit: float,
    share: Floats | None = None,
) -> dict[str, Any]:
    figures = measure(labels, scores, limit)
    return {
        "protocol": protocol,
        "score": name,
        **{key: figures[key] for key in ("f1", "precision", "recall")},
        "threshold": limit,
        "share_normal": None if share is None else float(share[~labels].mean()),
        "share_anomalous": None if share is None else float(share[labels].mean()),
    }


def _best(
    protocol: str, name: str, labels: npt.NDArray[np.bool_], scores: Floats, share: Floats | None = None
) -> dict[str, Any]:
    """As `_row`, at the threshold that is best on these labels."""
    levels = np.unique(scores)
    limits = np.append(levels[0] - 1, levels)
    order = np.sort(scores), np.sort(scores[labels])
    alarms = len(scores) - np.searchsorted(order[0], limits, "right")
    right = labels.sum() - np.searchsorted(order[1], limits, "right")
    best = int(np.argmax(2 * right / np.maximum(alarms + labels.sum(), 1)))
    return _row(protocol, name, labels, scores, float(limits[best]), share)
