"""The notebooks: each is one text in two forms, and runs from an empty folder; a second run changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))


def test_there_are_three():
    assert [path.stem for path in NOTEBOOKS] == ["00_prepare_data", "01_pretrain_hdfs", "02_finetune_openstack"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_both_forms_say_the_same_and_hold_no_output(path):
    jupytext = pytest.importorskip("jupytext")
    text, notebook = jupytext.read(path), json.loads(path.with_suffix(".ipynb").read_text())
    cells = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
    assert cells == [(cell["cell_type"], cell["source"]) for cell in text.cells]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook["cells"])


def run(path: Path) -> float:
    """Execute a notebook with short trainings; the seconds that it took."""
    import nbformat
    from nbclient import NotebookClient

    began = time.monotonic()
    notebook = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    NotebookClient(notebook, timeout=1800, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    return time.monotonic() - began


@pytest.mark.slow
def test_all_three_run_and_a_second_run_changes_nothing(data_dir, tmp_path, monkeypatch):
    for name, value in (
        ("LOGRADAR_DATA", data_dir.absolute()),
        ("LOGRADAR_ARTIFACTS", tmp_path),
        ("LOGRADAR_EPOCHS", 1),
    ):
        monkeypatch.setitem(os.environ, name, str(value))
    for path in NOTEBOOKS:
        run(path)
    expected = [
        *("tokenizer/tokenizer.json", "datasets/hdfs_train.parquet", "datasets/openstack_hf/dataset_dict.json"),
        *("drain3/hdfs/templates.parquet", "logbert-mlm-hdfs/model.safetensors", "metrics/hdfs/evaluation.json"),
        *("accelerate_config.yaml", "eval/confusion_matrix.png", "eval/metrics.json"),
        *("exported_models/openstack.onnx", "exported_models/openstack.ts"),
    ]
    assert [name for name in expected if not (tmp_path / name).is_file()] == []
    bundles = [f"bundles/{name}/manifest.json" for name in ("hdfs", "openstack")]
    kept = [tmp_path / name for name in (*expected, *bundles) if name != "accelerate_config.yaml"]  # written, the same
    before = [path.stat().st_mtime_ns for path in kept]
    assert run(NOTEBOOKS[0]) < 30
    for path in NOTEBOOKS[1:]:
        run(path)
    assert [path.stat().st_mtime_ns for path in kept] == before
    shutil.rmtree(tmp_path)
