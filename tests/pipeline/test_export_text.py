"""A log language model leaves the house: ONNX, TorchScript, and a folder of transformers, equal to the model."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from tests.cli.shop import write_job

from logradar.core.errors import ConfigError
from logradar.model.bundle import Bundle
from logradar.model.settings import run_settings
from logradar.pipeline.detect import detect
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.export import export
from logradar.pipeline.train import train
from logradar.pipeline.train_once import train_once

QUICK = ["detector=distilbert", "beside=[length]", "detectors.distilbert.updates=0"]
MOMENT = {"epochs": 4, "epoch_steps": 10}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return write_job(tmp_path_factory.mktemp("words"))


@pytest.fixture(scope="module")
def bundle(home):
    train(str(home / "app.log"), home / "b", run_settings(None, QUICK, {}, MOMENT))
    return home / "b"


def rows_of(bundle):
    rows = Bundle.load(bundle).main.rows
    return [rows[number].astype(np.int64) for number in range(min(len(rows), 5))]


@pytest.mark.slow
def test_torchscript_says_what_the_model_says(bundle, tmp_path):
    figures = export(bundle, tmp_path / "m.ts")
    assert figures["difference"] < 1e-4
    script, network = torch.jit.load(str(tmp_path / "m.ts")), Bundle.load(bundle).main.network()
    for row in rows_of(bundle):
        tokens = torch.from_numpy(row)[None].int()
        with torch.no_grad():
            np.testing.assert_allclose(script(tokens, tokens).numpy(), network(tokens, tokens).numpy(), atol=1e-4)


def test_onnx_says_what_the_model_says(bundle, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    assert export(bundle, tmp_path / "m.onnx")["difference"] < 1e-4
    session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"))
    facts = json.loads(session.get_modelmeta().custom_metadata_map["logradar"])
    assert facts["detector"] == "distilbert"
    network = Bundle.load(bundle).main.network()
    for row in rows_of(bundle):
        tokens = row[None].astype(np.int32)
        with torch.no_grad():
            expected = network(torch.from_numpy(tokens), torch.from_numpy(tokens)).numpy()
        np.testing.assert_allclose(session.run(None, {"tokens": tokens, "targets": tokens})[0], expected, atol=1e-4)


def test_a_folder_of_transformers_says_what_the_model_says(bundle, tmp_path):
    from transformers import AutoTokenizer, DistilBertForMaskedLM

    assert export(bundle, tmp_path / "hf", form="transformers")["difference"] < 1e-4
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "hf")
    model = DistilBertForMaskedLM.from_pretrained(tmp_path / "hf").eval()
    ids = tokenizer("loaded [VALUE] rows", return_tensors="pt")["input_ids"]
    own = Bundle.load(bundle).main.model.tokenizer.encode(["loaded <NUM> rows"])[0]
    assert [number for number in ids[0].tolist() if number > 4] == own.tolist()
    with torch.no_grad():
        assert torch.isfinite(model(input_ids=ids).logits).all()


@pytest.mark.parametrize("form", ["pt", "txt"])
def test_a_format_that_it_does_not_have_is_a_sentence(bundle, tmp_path, form):
    with pytest.raises(ConfigError, match="format"):
        export(bundle, tmp_path / f"m.{form}", form=form)


def test_unknown_messages_have_their_words_in_detect_and_in_evaluate(home, bundle, tmp_path):
    """The stream and the batch read the same words: the scores are equal."""
    found = detect(bundle, str(home / "new.log"), threshold=0.0).alerts.to_pylist()
    scores = evaluate(bundle, str(home / "new.log"), given={"input.labels": home / "labels.csv"}).scores
    name = next(column for column in scores.column_names if column == "score:distilbert")
    by_session = dict(zip(scores["session_id"].to_pylist(), scores[name].to_pylist(), strict=True))
    assert found
    for alert in found:
        assert alert["score"] == by_session[alert["session_id"]]


def test_a_training_that_is_done_is_not_done_again(home, bundle, capsys):
    settings = run_settings(None, QUICK, {}, MOMENT)
    before = {path: path.stat().st_mtime_ns for path in bundle.rglob("*")}
    figures = train_once(str(home / "app.log"), bundle, settings)
    assert figures["sessions"] == 200 and "already" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in bundle.rglob("*")} == before


def test_other_settings_are_another_training(home, tmp_path):
    simple = ["detector=length", "beside=[]"]
    train_once(str(home / "app.log"), tmp_path / "b", run_settings(None, simple))
    again = train_once(str(home / "app.log"), tmp_path / "b", run_settings(None, [*simple, "seed=4"]))
    assert again["provenance"]["settings"]["seed"] == 4
    assert pq.read_table(tmp_path / "b" / "normal.parquet").num_rows
