"""The four networks and their ensemble on DeepLog's split of HDFS and on the HDFS 2 % sample.

    python experiments/network_ensembles.py [split|sample ...] [--seeds 1,2,3] [--members NAMES] [--config FILE]

The ensemble is trained once; its members are measured with their own thresholds (99.5 % quantile of their own
validation scores), so that all figures of a seed are about the same networks. `split` is weighted to the natural
prevalence of HDFS. For false alarms the 95 % interval of the test (Wilson) is given beside what the threshold promises.
``--config`` takes members and their settings from a configuration such as configs/systems/deeplog.yaml.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hdfs_deeplog_split import ROOT, Split, sessions
from logradar.alerting.threshold import ThresholdSettings, fit_threshold
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector
from logradar.detectors.ensemble import Ensemble, EnsembleSettings
from logradar.evaluation.metrics import measure, wilson
from logradar.model.bundle import Bundle, input_settings
from logradar.model.settings import run_settings
from logradar.pipeline.detect import sessions_of
from logradar.pipeline.train import train
from logradar.storage.grouping import anomalous
from logradar.storage.records import collect, opening

NETWORKS = ("deeplog", "logbert", "loglstm", "logtcn")
Row = dict[str, Any]


def on_split(settings: EnsembleSettings, seed: int) -> Iterator[Row]:
    """DeepLog's split: every member and the ensemble."""
    data = Split(Path(os.environ["LOGRADAR_DATA"]) / "hdfs")
    ensemble = Ensemble(settings, seed)
    ensemble.fit(TrainingSet.of_tables(sessions(data.learn), sessions(data.watch)))
    every: dict[str, Detector] = {**ensemble.members, "ensemble": ensemble}
    normal, abnormal = sessions(data.normal), sessions(data.abnormal)
    for name, one in every.items():
        limit = fit_threshold(one.validation_scores, ThresholdSettings()).value
        alarms = [_scores(one, part) > limit for part in (normal, abnormal)]
        figures = data.measure(*alarms)["all"]
        yield _row("split", name, seed, figures, int(alarms[0].sum()), len(alarms[0]))


def on_sample(settings: EnsembleSettings, seed: int) -> Iterator[Row]:
    """The later half of the HDFS 2 % sample, split as `logradar train` splits it: every member and the ensemble."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bundle"
        parts = train("hdfs", path, run_settings(None, ["detector=length", "beside=[]"])).figures["split"]
        bundle = Bundle.load(path)
        with opening("hdfs", input_settings(bundle, {})) as (opened, home):
            every = pa.concat_tables(sessions_of(collect(opened, home), bundle, home)).unify_dictionaries()
    learn, rest = every.slice(0, parts["train"]), every.slice(parts["train"])
    watch, test = rest.slice(0, parts["valid"]), rest.slice(parts["valid"])
    learn, watch = (part.filter(pc.invert(part["label"].fill_null(False))) for part in (learn, watch))
    labels = anomalous(test)
    ensemble = Ensemble(settings, seed)
    ensemble.fit(TrainingSet.of_tables(learn, watch))
    for name, one in {**ensemble.members, "ensemble": ensemble}.items():
        limit, values = fit_threshold(one.validation_scores, ThresholdSettings()).value, _scores(one, test)
        figures = measure(labels, values, limit)
        yield _row("sample", name, seed, figures, int((values[~labels] > limit).sum()), int((~labels).sum()))


def _scores(detector: Detector, part: pa.Table) -> npt.NDArray[Any]:
    scores: npt.NDArray[Any] = detector.score(part)["score"].to_numpy()
    return scores


def _row(where: str, name: str, seed: int, figures: Row, false: int, normal: int) -> Row:
    low, high = wilson(false, normal)
    kept = {column: round(float(figures[column]), 4) for column in ("f1", "precision", "recall", "fpr")}
    return {"where": where, "detector": name, "seed": seed, **kept, "fpr_interval": [round(low, 4), round(high, 4)]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("where", nargs="*", choices=["split", "sample", []], default=[], help="default: both")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--members", default=",".join(NETWORKS))
    parser.add_argument("--config", type=Path, help="members and settings of the ensemble from this file")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="settings on top of the file's")
    asked = parser.parse_args()
    os.environ.setdefault("LOGRADAR_DATA", str(ROOT / "../shared/data"))
    if asked.config:
        settings = run_settings(asked.config, asked.set).make("ensemble").settings
    else:
        settings = EnsembleSettings(members=tuple(asked.members.split(",")))
    for where in asked.where or ("split", "sample"):
        for seed in map(int, asked.seeds.split(",")):
            for row in (on_split if where == "split" else on_sample)(settings, seed):
                print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
