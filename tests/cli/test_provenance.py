"""A bundle says by which command, config, settings and files it came about; nothing in it names the machine."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from logradar.cli import build
from logradar.core.bundle import MANIFEST, SEAL, verify
from logradar.core.errors import BundleError
from logradar.model import provenance
from logradar.model.bundle import Bundle
from logradar.model.provenance import portable
from logradar.model.settings import run_settings
from logradar.pipeline.inspect import inspect
from logradar.pipeline.train import train

QUICK = ["--detector", "ngram", "beside=[length]"]
CONFIG = "seed: 3  # of the night\ninput: {limit_files: 2}\n"


def lines(day: int) -> str:
    return "".join(
        f"2026-03-{day:02} 08:{n // 60:02}:{n % 60:02},000 INFO jobs [job={day:02}{n // 4:06x}] step {n % 4} done\n"
        for n in range(120)
    )


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    for day in (1, 2, 3):
        (tmp_path / "logs" / f"app-2026-03-{day:02}.log").write_text(lines(day))
    (tmp_path / "run.yaml").write_text(CONFIG)
    return tmp_path


def logradar(*words: object) -> str:
    result = CliRunner().invoke(build(), [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def told(bundle: Path) -> dict:
    return json.loads(logradar("inspect", bundle, "--json"))["provenance"]


def require_no_place(bundle: Path, place: Path) -> None:
    files = [path for path in bundle.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert str(place).encode() not in path.read_bytes(), path


def test_command_config_settings_and_files_are_kept(home):
    logradar("train", "logs", "-o", "b", "-c", "run.yaml", "--since", "2026-03-01", "--until=2026-03-02", *QUICK, "-q")
    found = told(home / "b")
    assert found["config"] == {"name": "run.yaml", "sha256": hashlib.sha256(CONFIG.encode()).hexdigest()}
    assert found["settings"] == {
        "seed": 3,
        "input": {"limit_files": 2, "since": "2026-03-01", "until": "2026-03-02"},
        "detector": "ngram",
        "beside": ["length"],
    }
    assert found["files"] == {
        "input": "logs",
        "limit_files": 2,
        "since": "2026-03-01",
        "until": "2026-03-02",
        "count": 2,
        "bytes": sum((home / "logs" / f"app-2026-03-0{day}.log").stat().st_size for day in (1, 2)),
        "names": ["logs/app-2026-03-01.log", "logs/app-2026-03-02.log"],
    }
    shown = "".join(logradar("inspect", "b").split())  # as wide as the terminal is
    for part in ("logradartrainlogs", "run.yaml", found["config"]["sha256"], "2026-03-02", "app-2026-03-02.log"):
        assert part in shown


def test_the_command_that_is_kept_makes_the_same_bundle_again(home):
    regex = "job=([0-9a-f]+)\\]"
    logradar("train", "logs", "-c", "run.yaml", "-o", "b", "--session-key", regex, "split.test=0.1", *QUICK)
    before = told(home / "b")
    files = {name: entry for name, entry in verify(home / "b")["files"].items() if name.endswith((".parquet", ".json"))}
    words = shlex.split(before["command"])
    assert words[0] == "logradar"
    assert regex in words
    logradar(*words[1:], "--force")
    assert told(home / "b") == before  # which does not say that a bundle was replaced
    assert {name: verify(home / "b")["files"][name] for name in files} == files


def test_absolute_paths_are_names_and_relative_ones_stay(home):
    labels = home / "logs" / "labels.csv"
    labels.write_text("session_key,label\n02000001,1\n")
    given = ["-o", home / "b", "--config", home / "run.yaml", f"input.labels={labels}", *QUICK]
    logradar("train", home / "logs", *given)
    found = told(home / "b")
    assert found["command"] == (
        "logradar train logs input.labels=labels.csv 'beside=[length]' --output b --detector ngram --config run.yaml"
    )
    assert found["settings"]["input"] == {"limit_files": 2, "labels": "labels.csv"}
    assert found["files"]["names"] == ["app-2026-03-02.log", "app-2026-03-03.log"]
    require_no_place(home / "b", home)
    logradar("train", home / "logs" / "*-0[12].log", "-o", "b", "--force", *QUICK)
    assert told(home / "b")["files"]["input"] == "*-0[12].log"
    assert told(home / "b")["files"]["names"] == ["app-2026-03-01.log", "app-2026-03-02.log"]
    require_no_place(home / "b", home)
    logradar("train", "logs/app-2026-03-01.log", "-o", "out/b", *QUICK)
    assert told(Path("out/b"))["command"].startswith(
        "logradar train logs/app-2026-03-01.log 'beside=[length]' --output out/b "
    )
    assert told(Path("out/b"))["files"]["names"] == ["logs/app-2026-03-01.log"]


def test_a_training_that_goes_on_keeps_what_was_before(home):
    logradar("train", "logs/app-2026-03-01.log", "-o", "b", *QUICK)
    first = told(home / "b")
    logradar("train", home / "logs" / "app-2026-03-02.log", "-o", "c", "--from", home / "b", "split.valid=0.3")
    facts = inspect(home / "c")
    assert facts["provenance"]["command"] == "logradar train app-2026-03-02.log split.valid=0.3 --output c --from b"
    assert facts["provenance"]["settings"] == {"split": {"valid": 0.3}}
    assert facts["from"]["provenance"] == first
    require_no_place(home / "c", home)


def test_a_call_of_the_library_keeps_settings_and_files(home):
    given = {"detector": "length", "beside": (), "input.since": "2026-03-02"}
    train(str(home / "logs"), home / "b", run_settings(given=given))
    found = inspect(home / "b")["provenance"]
    assert (found["command"], found["config"]) == (None, None)
    assert found["settings"] == {"detector": "length", "beside": [], "input": {"since": "2026-03-02"}}
    assert found["files"]["count"] == 2


def test_of_many_files_some_names_are_kept_and_their_number(home, monkeypatch):
    monkeypatch.setattr(provenance, "LISTED", 2)
    for number in range(12):
        (home / "logs" / f"app-2026-04-01.log.{number}").write_text(lines(1)[:200])
    train("logs", home / "b", run_settings(given={"detector": "length", "beside": (), "input.session_key": ""}))
    files = inspect(home / "b")["provenance"]["files"]
    assert (files["count"], files["names"]) == (15, ["logs/app-2026-03-01.log", "logs/app-2026-03-02.log"])
    assert "and13more" in "".join(logradar("inspect", "b").split())


def test_piped_input_has_a_name_and_no_place(home):
    command = f"cat logs/*.log | {shlex.quote(sys.executable)} -c 'from logradar.cli import main; main()'"
    subprocess.run(["bash", "-c", f"{command} train - -o b -q {shlex.join(QUICK)}"], check=True, capture_output=True)
    files = told(home / "b")["files"]
    assert (files["input"], files["names"]) == ("stdin", ["stdin"])
    require_no_place(home / "b", home)


def test_a_bundle_from_before_is_read_and_a_folder_that_is_none_is_a_sentence(home):
    logradar("train", "logs", "-o", "b", *QUICK)
    manifest = json.loads((home / "b" / MANIFEST).read_text())
    del manifest["provenance"], manifest[SEAL]
    (home / "b" / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    assert told(home / "b") is None
    assert "provenance" in logradar("inspect", "b")
    assert Bundle.load(home / "b").facts["records"] == 360
    with pytest.raises(BundleError, match="is not a bundle"):
        inspect(home / "logs")


@pytest.mark.parametrize(
    ("given", "kept"),
    [("a/b.log", "a/b.log"), ("/srv/joe/b.log", "b.log"), ("/srv/joe/", "joe"), (".", "."), ("/", "/")],
)
def test_a_path_without_its_place(given, kept):
    assert portable(given) == kept


@pytest.mark.slow
@pytest.mark.parametrize("tracked", [False, True])
def test_an_offline_run_of_weights_and_biases_is_kept(home, tracked):
    """With `WANDB_MODE=offline` stdout stays one JSON document, and the run outlives the folder of the training."""
    pytest.importorskip("torch")
    if tracked and find_spec("wandb") is None:
        pytest.skip("needs wandb: pip install wandb")
    given = {"updates": 0, "training.epochs": 1, "training.epoch_steps": 5, "training.wandb": tracked}
    small = ["beside=[]", *(f"detectors.deeplog.{name}={value}" for name, value in given.items())]
    words = ["train", "logs", "-o", "b", "--detector", "deeplog", "--json", *small]
    call = [sys.executable, "-c", "from logradar.cli import main; main()", *words]
    environment = {**os.environ, "WANDB_MODE": "offline"}
    environment.pop("WANDB_DIR", None)
    done = subprocess.run(call, capture_output=True, text=True, check=True, env=environment)
    assert json.loads(done.stdout)["bundle"] == "b"
    assert not (home / "b.training").exists()
    runs = list((home / "b.wandb" / "wandb").glob("offline-run-*/*.wandb"))
    assert len(runs) == tracked
    if tracked:
        assert runs[0].stat().st_size > 0
        assert f"wandb sync {runs[0].parent.relative_to(home)}" in done.stderr  # wandb says itself where it is
        require_no_place(home / "b", home)
