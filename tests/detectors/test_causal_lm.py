"""The causal language model: order, ends and words count; a Llama from elsewhere gets the vocabulary of the log."""

import json

import numpy as np
import pytest
from tests.detectors.test_distilbert import training, with_texts

from logradar.core.errors import BundleError, ConfigError
from logradar.detectors.base import Detector
from logradar.detectors.causal_lm import CausalLm, CausalLmSettings
from logradar.detectors.text.causal_model import CausalModel
from logradar.detectors.text.model import shapes_in

SMALL = {"hidden": 32, "layers": 1, "heads": 2, "intermediate": 48}


@pytest.fixture(scope="module")
def model():
    settings = CausalLmSettings(**SMALL, training={"epochs": 8, "epoch_steps": 20, "patience": 0})
    detector = CausalLm(settings, seed=3)
    detector.fit(training())
    return detector


def scores(detector, rows):
    return detector.score(with_texts(rows))["score"].to_numpy()


@pytest.mark.learnt
def test_order_end_and_words_count(model):
    usual = np.quantile(model.validation_scores, 0.99)
    swapped, cut, panic = [3, 5, 4, 8, 7], [3, 4, 5], [3, 4, 5, "kernel panic: out of memory", 8, 7]
    found = scores(model, [swapped, cut, panic])
    assert (found > usual).all()
    reasons = model.explain(with_texts([cut])).to_pylist()
    assert "the session ends here" in reasons[0]["reason"] and reasons[0]["position"] == 2


def test_hostile_texts_are_words_like_any_other(model):
    texts = ["", " ", "[MASK] [SEP] [CLS]", "x" * 100_000, "\x00\ufffd\u202e", "<*>" * 500, "日志 🙂"]
    assert np.isfinite(scores(model, [[3, text, 7] for text in texts])).all()


def test_a_long_session_is_read_in_overlapping_rows(model):
    long = [3, *([4, 5] * 300), 8, 7]
    found = model.score(with_texts([long, long[:-1]]))
    assert [len(events) for events in found["event_scores"].to_pylist()] == [len(long), len(long) - 1]
    assert np.isfinite(found["score"].to_numpy()).all()


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    """A tiny Llama with a tokenizer of another kind, as `transformers` writes them."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(["the cart is loaded", "a payment"], trainer)
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
    )
    folder = tmp_path_factory.mktemp("llama")
    LlamaForCausalLM(config).save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)
    return folder


def test_a_llama_keeps_its_blocks_and_gets_the_words_of_the_log(llama):
    from transformers import AutoTokenizer, LlamaForCausalLM

    made = CausalModel.of_llama(str(llama), ["payment <NUM> accepted", "cart loaded"], CausalLmSettings())
    theirs, words = LlamaForCausalLM.from_pretrained(llama), AutoTokenizer.from_pretrained(llama)
    own = made.network().state_dict()
    for name, value in theirs.model.state_dict().items():
        if "embed" not in name:
            assert np.array_equal(own[f"llama.{name}"].numpy(), value.numpy())
    place = made.tokenizer.words.index("payment")
    pieces = words.encode(" payment", add_special_tokens=False)
    expected = theirs.model.embed_tokens.weight.detach()[pieces].mean(0)
    np.testing.assert_allclose(own["llama.embed_tokens.weight"][place].numpy(), expected.numpy(), rtol=1e-5)
    assert made.sizes.num_key_value_heads == 2


@pytest.mark.slow
def test_a_training_begins_with_it(llama, tmp_path):
    settings = CausalLmSettings(start=str(llama), training={"epochs": 1, "epoch_steps": 2})
    detector = CausalLm(settings)
    detector.fit(training(40))
    detector.save(tmp_path)
    assert np.array_equal(scores(Detector.load(tmp_path), [[3, 4, 5, 8, 7]]), scores(detector, [[3, 4, 5, 8, 7]]))


def test_what_is_no_llama_is_a_sentence(llama, tmp_path):
    with pytest.raises(ConfigError, match="no causal language model that can be read"):
        CausalModel.of_llama(str(tmp_path), ["a"], CausalLmSettings())
    config = json.loads((llama / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "model_type": "gpt2"}))
    with pytest.raises(ConfigError, match="it is a gpt2"):
        CausalModel.of_llama(str(tmp_path), ["a"], CausalLmSettings())


@pytest.mark.parametrize(
    "change",
    [{"num_hidden_layers": 3}, {"hidden_size": 64}, {"intermediate_size": 2}, {"num_attention_heads": 3}, {"x": 1}],
)
def test_forged_sizes_are_refused(model, tmp_path, change):
    model.save(tmp_path)
    state = json.loads((tmp_path / "detector.json").read_text())
    state["state"]["sizes"] |= change
    (tmp_path / "detector.json").write_text(json.dumps(state))
    with pytest.raises(BundleError, match="cannot be read"):
        Detector.load(tmp_path)
    assert "llama.embed_tokens.weight" in shapes_in(model.model.weights)
