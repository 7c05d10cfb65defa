"""LogLead on the two halves, run by `unlabelled_peers.py` in the Python environment that has it installed.

    python unlabelled_loglead.py OUT.json COLUMN SEEDS EARLY.log LATE.log

It sees no labels. LogLead is used as in its demos (`demo/HDFS_samples.py` for sequences, `demo/RawLoader_NoLabels.py`
for logs without labels): HDFS loader, masks, Drain or words, counts of them per block, detectors by their own methods.
"""

from __future__ import annotations

import json
import re
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

WORDS = "e_words"
DETECTORS: dict[str, tuple[str, dict[str, float], bool]] = {  # name: method, its arguments, whether chance plays a part
    "isolation forest": ("train_IsolationForest", {}, True),
    "isolation forest, contamination 0.03": ("train_IsolationForest", {"contamination": 0.03}, True),
    "k-means": ("train_KMeans", {}, True),
    "k-means, contamination 0.03": ("train_KMeans", {"contamination": 0.03}, True),
    "local outlier factor": ("train_LOF", {}, False),
    "local outlier factor, contamination 0.03": ("train_LOF", {"contamination": 0.03}, False),
    "rarity": ("train_RarityModel", {}, False),
    "out of vocabulary": ("train_OOVDetector", {}, False),
}


def loglead(column: str, seeds: int, early: Path, late: Path) -> dict[str, Any]:
    """Every detector on the counts of ``column`` per block: fitted on one file, and on the other alarms and scores."""
    import numpy as np
    import polars as pl
    from loglead import AnomalyDetector
    from loglead.enhancers import EventLogEnhancer, SequenceEnhancer
    from loglead.loaders import HDFSLoader

    begin, blocks, lines = time.process_time(), [], []
    for path in (early, late):
        nobody_knows = path.with_suffix(".csv")  # its loader wants a file of labels: all blocks are called normal
        names = sorted(set(re.findall(r"blk_-?\d+", path.read_text())))
        pl.DataFrame({"BlockId": names, "Label": "Normal"}).write_csv(nobody_knows)
        loader = HDFSLoader(str(path), labels_file_name=str(nobody_knows))
        lines.append(loader.execute())
        blocks.append(loader.df_seq.sort("seq_id"))
    enhancer = EventLogEnhancer(pl.concat(lines))
    enhancer.mask()
    if column == WORDS:
        enhancer.words("e_message_normalized")
    else:
        enhancer.parse_drain()
    sequences = SequenceEnhancer(enhancer.df, pl.concat(blocks))
    sequences.seq_len()
    sequences.tokens(column) if column == WORDS else sequences.events(column)
    judged = sequences.df_seq["seq_id"].is_in(blocks[1]["seq_id"].to_list())
    detector = AnomalyDetector(item_list_col=column, print_scores=False, auc_roc=True)
    detector.train_df = sequences.df_seq.filter(~judged).sort("seq_id")
    detector.test_df = sequences.df_seq.filter(judged).sort("seq_id")
    detector.prepare_train_test_data()
    shared, found = time.process_time() - begin, []
    for name, (method, given, chance) in DETECTORS.items():
        for seed in range(seeds if chance else 1):
            np.random.seed(seed)
            begin = time.process_time()
            getattr(detector, method)(**given)
            told = detector.predict()
            found.append(
                {
                    "name": name,
                    "cpu": shared + time.process_time() - begin,
                    "alarms": told.filter(pl.col("pred_ano") == 1)["seq_id"].to_list(),
                    "scores": dict(zip(told["seq_id"], told["pred_ano_proba"].cast(pl.Float64), strict=True)),
                }
            )
    return {"version": version("loglead"), "runs": found}


def main() -> None:
    """Run all detectors, and write what they found."""
    warnings.simplefilter("ignore")  # that there are no labels
    out, column, seeds, early, late = sys.argv[1:]
    Path(out).write_text(json.dumps(loglead(column, int(seeds), Path(early), Path(late))))


if __name__ == "__main__":
    main()
