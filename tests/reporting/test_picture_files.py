"""Pictures as PNG files: which there are, that each shows something, and what is said where there is nothing."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from logradar.core.errors import ConfigError, DataError, InputError
from logradar.reporting import canvas
from logradar.reporting.figures import write_pictures
from logradar.reporting.run_folder import Run

ALL = {"alerts-over-time", "precision-recall", "roc", "scores", "confusion-matrix", "faults", "training-pair_model"}


@pytest.mark.slow
def test_every_picture_of_a_run_becomes_a_file(shop_run: Path, tmp_path: Path):
    paths = write_pictures(Run.read(shop_run), tmp_path / "new" / "pictures")
    assert {path.name for path in paths} == {f"{name}.png" for name in ALL}
    assert sorted((tmp_path / "new" / "pictures").iterdir()) == sorted(paths)
    for path in paths:
        width, height = struct.unpack(">II", path.read_bytes()[16:24])
        assert width >= 800
        assert height >= 400
        image = matplotlib.image.imread(path)
        assert len(np.unique(image.reshape(-1, image.shape[-1]), axis=0)) > 20, path.name  # not an empty canvas


@pytest.mark.slow
def test_the_same_run_gives_the_same_bytes(shop_run: Path, tmp_path: Path):
    first, second = (write_pictures(Run.read(shop_run), tmp_path / name) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_bundle_has_the_curve_of_its_training(tmp_path: Path):
    rows = [{"epoch": 1.0, "loss": 2.0, "eval_loss": 1.5}, {"epoch": 2.0, "loss": 1.0, "eval_loss": 1.1}]
    (tmp_path / "bundle" / "my net").mkdir(parents=True)
    (tmp_path / "bundle" / "my net" / "history.json").write_text(json.dumps(rows))
    paths = write_pictures(Run.read(tmp_path / "bundle"), tmp_path / "pictures")
    assert [path.name for path in paths] == ["training-my-net.png"]


def test_a_run_without_anything_to_draw_is_an_error(tmp_path: Path):
    with pytest.raises(DataError, match="nothing to draw"):
        write_pictures(Run(tmp_path, evaluation={"sessions": 3}), tmp_path / "pictures")


def test_a_folder_that_cannot_be_written_is_an_error(shop_run: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="choose another folder"):
        write_pictures(Run.read(shop_run), tmp_path / "file")


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(canvas, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install 'matplotlib"), canvas.canvas("x", "png"):
        raise AssertionError("drawn without the library")
