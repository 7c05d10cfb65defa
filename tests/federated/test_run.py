"""A federation from a log to a bundle that `detect` reads, and its rounds measured."""

import csv

import numpy as np
import pyarrow as pa
import pytest
from tests.federated.shop_log import MOMENT, write

from logradar.core.errors import BundleError, ConfigError
from logradar.core.sequences import Sequences
from logradar.federated.federate import federate
from logradar.federated.rounds import evaluate_rounds
from logradar.federated.run import federated_settings, material_of, prepared, run_rounds
from logradar.federated.sites import divided
from logradar.model.bundle import Bundle
from logradar.pipeline.detect import detect

KEY = r"\[(req-\d+)\]"


def given(labels):
    return {"input.labels": labels, "input.session_key": KEY}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("federation")
    log, labels = write(folder)
    document = federate(str(log), folder / "bundle", federated_settings(None, MOMENT, given(labels)))
    return folder, log, labels, document


def test_the_bundle_detects_like_any_other(made):
    folder, log, _, _ = made
    found = detect(folder / "bundle", str(log)).to_json()["alerts"]
    assert {alert["session_id"] for alert in found} >= {f"req-{number:05d}" for number in range(170, 240, 10)}
    assert Bundle.load(folder / "bundle").settings.detector == "causal_lm"


def test_the_record_counts_bytes_and_hides_sequences_of_clients(made):
    folder, _, _, document = made
    sizes = document["bytes"]
    assert sizes["up"] == 9 * sizes["message_up"] and document["answers"] == 9 and not document["refused"]
    assert sizes["sketch_largest"] < 1_000
    bundle = Bundle.load(folder / "bundle")
    assert bundle.memory.rows.counts.sum() == document["sessions"]["server"]
    files = {path.name for path in (folder / "bundle" / "federated").iterdir()}
    assert files >= {"adapter.safetensors", "base.safetensors", "rounds.parquet", "bytes.png", "clients.png"}


def test_each_round_is_measured_both_ways(made, tmp_path):
    folder, log, labels, document = made
    result = evaluate_rounds(folder / "bundle", str(log), tmp_path, given={"input.labels": labels}, every=3)
    with (tmp_path / "rounds.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["round"]) for row in rows] == [0] * 10 + [3] * 10
    assert {row["protocol"] for row in rows} == {"natural", "original"}
    assert {row["score"] for row in rows} == {"surprisal", "top-1", "top-3", "top-5", "top-10"}
    assert int(rows[-1]["bytes_up"]) == document["bytes"]["up"] and result["anomalies"] == 7
    assert all(0 <= float(row["share_normal"]) <= 1 for row in rows if row["share_normal"])
    assert (tmp_path / "scores.png").read_bytes()[:4] == b"\x89PNG"


def test_the_same_settings_give_the_same_hash_also_after_a_kill(made, tmp_path):
    _, log, labels, document = made
    settings = federated_settings(None, MOMENT, given(labels))
    federation = material_of(str(log), settings, lambda material: prepared(material, settings))

    class Killed(Exception):
        pass

    def dies(server, clients, done):
        chosen, message = server.begin()
        for number in chosen:
            server.take(number, clients[number].answer(message))
        done(server.finish())
        server.begin()
        raise Killed

    with pytest.raises(Killed):
        run_rounds(federation, tmp_path, dies)
    server = run_rounds(federation, tmp_path, resume=True)
    assert server.hash == document["hash"]


def test_clients_have_all_sessions_once_and_by_template_other_ones():
    names = [f"s{number}" for number in range(400)]
    rows = [[3, 4, 5 + number % 4] for number in range(400)]
    table = pa.table({"session_id": names, "template_ids": pa.array(rows, pa.list_(pa.int32()))})
    for division in ("iid", "dirichlet"):
        settings = federated_settings(None, [f"federation.division={division}", "federation.alpha=0.1"]).federation
        parts = divided(table, settings)
        assert sorted(np.concatenate(parts).tolist()) == list(range(400)) and len(parts) == 50
        kinds = [
            len(np.unique(Sequences.from_arrow(table["template_ids"]).take(p).values)) for p in parts if len(p) > 5
        ]
        assert bool(np.mean(kinds) > 5.5) is (division == "iid")


def test_sketches_alone_make_a_bundle(made, tmp_path):
    _, log, labels, _ = made
    words = ["federation.model=count_vector", "federation.clients=6", "split.test=0.3"]
    document = federate(str(log), tmp_path / "bundle", federated_settings(None, words, given(labels)))
    assert document["clients"] == 6 and document["bytes"]["sketch_largest"] < 1_000 and not document["sketch_left_out"]
    found = detect(tmp_path / "bundle", str(log)).to_json()["alerts"]
    assert {alert["session_id"] for alert in found} == {f"req-{number:05d}" for number in range(170, 240, 10)}
    with pytest.raises(BundleError, match="made of sketches"):
        evaluate_rounds(tmp_path / "bundle", str(log), tmp_path / "out")


@pytest.mark.slow
def test_deeplog_sends_all_weights(made, tmp_path):
    _, log, labels, _ = made
    words = [*MOMENT, "federation.model=deeplog", "federation.lora=false", "detectors.deeplog.hidden=8"]
    settings = federated_settings(None, [*words, "detectors.deeplog.layers=1"], given(labels))
    document = federate(str(log), tmp_path / "bundle", settings)
    assert document["numbers"]["trained"] == document["numbers"]["network"]
    assert detect(tmp_path / "bundle", str(log)).to_json()["alerts"]
    with pytest.raises(ConfigError, match="set lora=false"):
        federated_settings(None, ["federation.model=deeplog"])


def test_wrong_settings_are_sentences(tmp_path):
    with pytest.raises(ConfigError, match=r"federation\.rank"):
        federated_settings(None, ["federation.rank=0"])
    with pytest.raises(ConfigError, match="did you mean 'rounds'"):
        federated_settings(None, ["federation.round=3"])
    with pytest.raises(BundleError, match="not a bundle"):
        evaluate_rounds(tmp_path, "x", tmp_path / "out")
