"""Train-Ticket as raw lines, by trace: the faults F05 and F08 of DeepTraLog."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final

from logradar.core.quarantine import Quarantine
from logradar.sources.base import Dataset
from logradar.sources.datasets.lines import LabelledLines, labels_of
from logradar.sources.opening.labels import Labels
from logradar.sources.opening.reading import read_blocks

KEY: Final = r"\[SW_CTX: ?\[[^,\]]*,[^,\]]*,([0-9a-f]+[\w.]*)"
# A line of a file of spans: the trace is the seventh of eleven columns; the URL before it may contain commas.
TRACE: Final = r",[^,]*,([^,]*)(?:,[^,]*){4}$"
FOLDER: Final = "trainticket_deeptralog"


class TrainticketDeeptralog(LabelledLines):
    """Raw Train-Ticket lines by trace; labels come from the files of spans in the folder of each log.

    A trace in ``…_ERROR_spans.csv`` is anomalous (its fault is F05 or F08, from the file name). A trace that is only in
    ``…_SUCCESS_spans.csv`` is normal. Zhang et al., DeepTraLog, ICSE 2022.
    """

    session_key: ClassVar[str | None] = KEY

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """Training: the earlier half of the normal traces. Evaluation: all others."""
        files = sorted((data_dir / FOLDER).glob("*.log.xz"))
        return Dataset(files, test=0.5, hold_anomalies=True) if files else None

    def labels(self, file: Path, quarantine: Quarantine) -> Labels | None:
        """Labels from the two files of spans; a trace that is in both is anomalous."""
        truth: dict[str, bool] = {}
        for kind, label in (("SUCCESS", False), ("ERROR", True)):
            spans = _spans(file, kind)
            for block in read_blocks(spans, spans.name, quarantine) if spans else ():
                traces = block.lines.str.extract(TRACE, 1).drop_nulls().unique(maintain_order=True)
                truth |= dict.fromkeys((trace for trace in traces.to_list() if trace != "TraceId"), label)
        return labels_of(file, truth, dict.fromkeys(truth, file.name[:3]))


def _spans(log: Path, kind: str) -> Path | None:
    base = log.name.partition(".log")[0]
    return next(
        (spans for end in (".xz", ".gz", "") if (spans := log.with_name(f"{base}_{kind}_spans.csv{end}")).is_file()),
        None,
    )
