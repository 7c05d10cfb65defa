"""Sessions that the labels do not name, and logs that only a source by name can read, are not treated silently."""

from __future__ import annotations

from pathlib import Path

from tests.cli.shop import write_job, write_labels

from logradar.model.bundle import Bundle, input_settings
from logradar.model.settings import run_settings
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.train import train

FEW = ["detector=new_template", "beside=[]"]


def test_sessions_without_a_label_are_said(tmp_path, capsys):
    home = write_job(tmp_path)
    labels = write_labels(home / "app.log", home / "some.csv").read_text().splitlines()
    (home / "some.csv").write_text("\n".join(labels[:151]) + "\n")
    train(str(home / "app.log"), home / "b", run_settings(None, [*FEW, f"input.labels={home / 'some.csv'}"]))
    assert "50 of 200 sessions have no label" in capsys.readouterr().err
    (home / "all.csv").write_text("\n".join(labels) + "\n")
    train(str(home / "app.log"), home / "c", run_settings(None, [*FEW, f"input.labels={home / 'all.csv'}"]))
    assert "have no label" not in capsys.readouterr().err


def test_a_bundle_remembers_the_source_of_ordinary_lines(data_dir: Path, tmp_path: Path):
    folder = data_dir / "openstack_kalaki"
    overrides = [*FEW, "input.source=openstack_lines", "split.test=0.5", "split.hold_anomalies=true"]
    log = str(folder / "openstack-nova-sample.log.xz")
    train(log, tmp_path / "b", run_settings(None, overrides))
    bundle = Bundle.load(tmp_path / "b")
    assert (input_settings(bundle).source, input_settings(bundle).usual_source) == (None, "openstack_lines")
    assert evaluate(tmp_path / "b", log).document["anomalies"] > 0
