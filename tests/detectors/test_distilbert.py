"""The log language models: what words do, what a start brings, adapters, and labelled anomalies."""

import json
import random
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from tests.detectors.session_rows import sessions

from logradar.core.errors import BundleError, ConfigError, DataError
from logradar.core.session_set import SessionTable
from logradar.core.tables import SESSIONS
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector
from logradar.detectors.distilbert import Distilbert, DistilbertSettings
from logradar.detectors.distilbert_classifier import DistilbertClassifier, DistilbertClassifierSettings
from logradar.detectors.text.model import LanguageModel

TEXTS = {
    3: "request <NUM> received: GET /cart",
    4: "loading cart of user <NUM>",
    5: "cart loaded in <NUM> ms",
    6: "price computed for <NUM> items",
    7: "request <NUM> answered with status <NUM>",
    8: "payment <NUM> accepted",
}
MOMENT = {"epochs": 16, "epoch_steps": 20, "patience": 0}


def normal(count, seed):
    rng = random.Random(seed)
    return [[3, *([4, 5] * rng.choice([1, 1, 2])), *([6] * (rng.random() < 0.4)), 8, 7] for _ in range(count)]


def training(rows=300):
    found = TrainingSet.of_tables(sessions(normal(rows, 0)), sessions(normal(80, 1)))
    return replace(found, templates=lambda: TEXTS)


def with_texts(rows):
    """SESSIONS in which a text stands for an event with an unknown template."""
    table = sessions([[1 if isinstance(event, str) else event for event in row] for row in rows])
    texts = [[event if isinstance(event, str) else None for event in row] for row in rows]
    place = SESSIONS.get_field_index("texts")
    return table.set_column(place, SESSIONS.field(place), pa.array(texts, SESSIONS.field(place).type))


@pytest.fixture(scope="module")
def model():
    detector = Distilbert(DistilbertSettings(training=MOMENT), seed=3)
    detector.fit(training())
    return detector


def scores(detector, rows):
    return detector.score(with_texts(rows))["score"].to_numpy()


@pytest.mark.slow
@pytest.mark.learnt
def test_what_is_missing_or_strange_scores_above_what_is_normal(model):
    usual = np.quantile(model.validation_scores, 0.99)
    panic = "kernel panic: out of memory"
    strange = [[3, 4, 5, 9, 7], [3, 5, 4, 8, 7], [4, 5, 8, 7], [3, 4, 5, panic, 7]]
    assert (scores(model, strange) > usual).all()


@pytest.mark.slow
@pytest.mark.learnt
def test_a_new_message_is_judged_by_its_words(model):
    """Close in words to what is known is less surprising than what is alien, at the same place of the same session."""
    close, alien = "cart loaded in <NUM> seconds", "kernel panic: cannot allocate memory for thread"
    like, unlike = scores(model, [[3, 4, close, 8, 7], [3, 4, alien, 8, 7]])
    assert like < unlike
    reasons = model.explain(with_texts([[3, 4, alien, 8, 7]])).to_pylist()
    assert any("never seen in training" in one["reason"] and one["position"] == 2 for one in reasons)


def test_hostile_texts_are_words_like_any_other(model):
    texts = ["", " ", "[MASK] [SEP] [CLS]", "x" * 100_000, "\x00\ufffd\u202e", "<*>" * 500, "日志 сообщение 🙂"]
    found = scores(model, [[3, text, 7] for text in texts])
    assert np.isfinite(found).all() and len(found) == len(texts)


def test_a_start_brings_tokenizer_words_and_sessions_to_replay(model, tmp_path, capsys):
    model.save(tmp_path / "before")
    settings = DistilbertSettings(start=str(tmp_path / "before"), training={"epochs": 1, "epoch_steps": 2})
    other = Distilbert(settings, seed=3)
    other.fit(training(40))
    assert other.model.tokenizer.document == model.model.tokenizer.document
    said = capsys.readouterr().err
    assert "begins with what" in said and "earlier sessions are replayed, with 20% of the weight" in said
    assert len(other.rows) and len(other.earlier) == len(model.rows)


def test_a_start_that_cannot_be_read_is_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="no DistilBERT that can be read"):
        Distilbert(DistilbertSettings(start=str(tmp_path))).fit(training(30))


@pytest.mark.slow
def test_a_start_of_another_detector_is_a_sentence(tmp_path):
    from logradar.detectors.deeplog import DeepLog

    other = DeepLog(DeepLog.Settings(training={"epochs": 1, "epoch_steps": 1}))
    other.fit(training(30))
    other.save(tmp_path / "b")
    with pytest.raises(BundleError, match="does not read words"):
        Distilbert(DistilbertSettings(start=str(tmp_path / "b"))).fit(training(30))


def test_a_folder_of_transformers_is_a_start(model, tmp_path):
    model.model.write(tmp_path / "hub")
    read = LanguageModel.of_hub(str(tmp_path / "hub"), model.settings.normaliser, 40)
    assert read.sizes == model.model.sizes
    own, other = model.network().state_dict(), read.network().state_dict()
    assert own.keys() == other.keys()
    assert all(np.array_equal(own[name].numpy(), other[name].numpy()) for name in own)


def test_adapters_train_a_small_share_and_leave_a_plain_network(model, tmp_path, capsys):
    model.save(tmp_path / "before")
    settings = DistilbertSettings(start=str(tmp_path / "before"), lora=4, training={"epochs": 2, "epoch_steps": 5})
    other = Distilbert(settings, seed=3)
    other.fit(training(60))
    assert "adapters of rank 4 are trained" in capsys.readouterr().err
    before, after = model.network().state_dict(), other.network().state_dict()
    assert before.keys() == after.keys()
    changed = {name for name in before if not np.array_equal(before[name].numpy(), after[name].numpy())}
    assert changed and all("q_lin.weight" in name or "v_lin.weight" in name for name in changed)


def test_a_classifier_without_labelled_anomalies_is_a_sentence():
    with pytest.raises(DataError, match="labelled anomalous, and the training part has none"):
        DistilbertClassifier().fit(training(30))


@pytest.mark.slow
@pytest.mark.learnt
def test_a_classifier_knows_the_anomalies_that_it_was_shown(tmp_path):
    text = "payment <NUM> failed: ledger does not answer"
    shown, others = ([[text if event == 8 else event for event in row] for row in normal(12, seed)] for seed in (7, 8))
    detector = DistilbertClassifier(DistilbertClassifierSettings(training=MOMENT), seed=1)
    detector.fit(replace(training(200), marked=SessionTable(with_texts(shown))))
    usual = detector.validation_scores.max()
    assert (scores(detector, others) > usual).all()
    found = detector.explain(with_texts(others[:1])).to_pylist()
    assert "like events of labelled anomalies" in found[0]["reason"]
    detector.save(tmp_path / "b")
    again = Detector.load(tmp_path / "b")
    table = sessions(normal(20, 5))
    assert again.score(table).equals(detector.score(table))


def test_what_began_elsewhere_reads_in_the_same_way_when_it_is_loaded(model, tmp_path):
    """Tokenizer and normalisation are those of the start, whatever the settings of the new training say."""
    model.save(tmp_path / "before")
    settings = DistilbertSettings(
        start=str(tmp_path / "before"),
        words=2,
        normaliser={"punctuation": True},
        updates=0,
        training={"epochs": 1, "epoch_steps": 2},
    )
    other = Distilbert(settings, seed=3)
    other.fit(training(40))
    other.save(tmp_path / "after")
    table = with_texts([*normal(20, 9), [3, "disk: full!", 7]])
    assert Detector.load(tmp_path / "after").score(table).equals(other.score(table))


def test_the_reason_for_a_gap_is_that_of_its_own_session(model):
    rows = [[4, 5, 8, 7], [3, 4, 5, 8, 7], [8, 7], [3, 7]]
    together = model.explain(sessions(rows)).to_pylist()
    for number, row in enumerate(rows):
        alone = [one["reason"] for one in model.explain(sessions([row])).to_pylist()]
        assert [one["reason"] for one in together if one["session_id"] == f"s{number}"] == alone


def test_adapters_without_a_start_are_a_sentence():
    with pytest.raises(ConfigError, match="adapters beside weights that have learnt nothing"):
        Distilbert(DistilbertSettings(lora=4)).fit(training(30))


def test_a_bert_is_no_start(tmp_path):
    from transformers import BertConfig, BertForMaskedLM

    BertForMaskedLM(
        BertConfig(vocab_size=50, hidden_size=8, num_hidden_layers=1, num_attention_heads=1)
    ).save_pretrained(tmp_path / "bert")
    with pytest.raises(ConfigError, match="it is a bert"):
        LanguageModel.of_hub(str(tmp_path / "bert"), DistilbertSettings().normaliser, 40)


def test_a_mistyped_folder_is_not_looked_for_elsewhere():
    with pytest.raises(ConfigError, match="There is no folder"):
        LanguageModel.of_hub("./runs/nothing/here", DistilbertSettings().normaliser, 40)


FORGED = {
    "two marks with one number": lambda d: (
        d["added_tokens"][2].update(id=3) or d["model"]["vocab"].update({"[MASK]": 3})
    ),
    "a number beyond the network": lambda d: d["model"]["vocab"].update({"zebra": 1_000_000}),
    "a normaliser": lambda d: d.update(normalizer={"type": "Replace", "pattern": {"String": "e"}, "content": "e" * 40}),
    "another kind of model": lambda d: d["model"].update(type="WordLevel"),
    "no unknown token": lambda d: d["model"].update(unk_token="[NONE]"),
}


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED)
def test_a_forged_tokenizer_is_refused(model, tmp_path, change):
    model.save(tmp_path / "b")
    file = tmp_path / "b" / "tokenizer.json"
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))
    with pytest.raises(BundleError, match="cannot be read"):
        Detector.load(tmp_path / "b")


@pytest.mark.parametrize("cut", [0, 7, 100, -1])
def test_weights_that_are_not_whole_are_refused(model, tmp_path, cut):
    model.save(tmp_path / "b")
    file = tmp_path / "b" / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(BundleError, match="cannot be read"):
        Detector.load(tmp_path / "b")


@pytest.mark.parametrize("sizes", [{"dim": 32}, {"n_layers": 1}, {"n_heads": 3}, {"max_position_embeddings": 8192}])
def test_sizes_that_are_not_those_of_the_weights_are_refused(model, tmp_path, sizes):
    model.save(tmp_path / "b")
    file = tmp_path / "b" / "detector.json"
    document = json.loads(file.read_text())
    document["state"]["sizes"] |= sizes
    file.write_text(json.dumps(document))
    with pytest.raises(BundleError, match="cannot be read"):
        Detector.load(tmp_path / "b")
