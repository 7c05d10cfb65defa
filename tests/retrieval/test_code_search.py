"""Guesses: the function that is most like a text comes first, by words and, where a model is at hand, by meaning."""

from __future__ import annotations

import numpy as np
import pytest

from logradar.core.errors import ConfigError
from logradar.pipeline.code_explain import Helpers
from logradar.retrieval.code_search import CodeSearch
from logradar.retrieval.indexing import index_code
from logradar.retrieval.sentence_model import SentenceModel, packaged

pytest.importorskip("tree_sitter")
SOURCE = """\
def send_mail(receiver):
    log.info("mail to %s was sent", receiver)

def read_block(number):
    log.info("block %d was read from disk", number)

def close():
    pass
"""


@pytest.fixture
def index(tmp_path):
    (tmp_path / "a.py").write_text(SOURCE)
    return index_code(tmp_path)[0]


def named(index, found):
    return [index.functions[row]["name"] for row, _ in found]


def test_words_of_names_and_messages(index):
    search = CodeSearch(index)
    assert named(index, search.search("the disk block 7 is unreadable"))[0] == "read_block"
    assert named(index, search.search("sendMail failed")) == ["send_mail"]
    assert search.search("zzz") == [] and search.search("") == []


def test_meanings_are_joined_with_words(index):
    def meanings(texts):
        known = {"letter": [1, 0], "mail": [1, 0]}
        return np.array([next((v for w, v in known.items() if w in text), [0, 1]) for text in texts], np.float32)

    found = CodeSearch(index, meanings).search("a letter could not be delivered")
    assert named(index, found)[0] == "send_mail"


def test_a_folder_without_a_model_is_said(tmp_path):
    with pytest.raises(ConfigError, match="holds no sentence model"):
        Helpers(sentences=tmp_path).meanings()


def test_the_packaged_model_knows_what_words_mean(index):
    folder = packaged()
    if folder is None:
        pytest.skip("the package of the sentence model is not installed")
    model = SentenceModel(folder)
    vectors = model(["the hard drive is broken", "disk failure", "a letter to the customer"])
    assert vectors.shape == (3, 384) and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
