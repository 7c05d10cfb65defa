"""Tokenizer: texts become numbers of words and parts of words, by `tokenizers` (byte-pair encoding)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from logradar.core.documents import parsed
from logradar.core.sequences import Sequences
from logradar.core.tables import PADDING
from logradar.detectors.text.normaliser import SPECIAL, VALUE, NormaliserSettings, normalised

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FILE: Final = "tokenizer.json"
_MODELS: Final = frozenset({"BPE", "WordPiece"})
_STEPS: Final = frozenset({"BertNormalizer", "BertPreTokenizer", "Metaspace"})
_LETTERS: Final = [chr(number) for number in range(33, 127)]  # so that any word of plain letters can be written
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Marks:
    """Numbers of the special tokens: of what a row is filled with, of what is not known, hidden, begins and ends."""

    padding: int
    unknown: int
    mask: int
    begin: int
    end: int


class TextTokenizer:
    """Cuts normalised texts into words and parts of words; ``most`` tokens of a text count.

    Raises `ValueError` for a document that is no tokenizer with the five special tokens of BERT.
    """

    def __init__(self, document: str, normaliser: NormaliserSettings, most: int) -> None:
        from tokenizers import Tokenizer

        _require_plain(document)
        try:
            self._tokenizer: Tokenizer = Tokenizer.from_str(document)
            self._tokenizer.encode_batch([VALUE + " a"], add_special_tokens=False)
        except Exception as error:  # its classes of errors share no base but this
            raise ValueError(f"it is no tokenizer: {' '.join(str(error).split())[:200]}") from None
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.document, self.normaliser, self.most = document, normaliser, most
        numbers = [self._tokenizer.token_to_id(token) for token in SPECIAL]
        if None in numbers:
            raise ValueError(f"the tokenizer has no token {SPECIAL[numbers.index(None)]}")
        self.marks = Marks(*(int(number) for number in numbers if number is not None))
        self.highest = max(self._tokenizer.get_vocab(with_added_tokens=True).values())
        if len({number for number in numbers if number is not None}) < len(SPECIAL):
            raise ValueError("two special tokens of the tokenizer have the same number")
        if self.marks.padding != PADDING:
            raise ValueError(f"the token [PAD] has the number {self.marks.padding}, and not {PADDING}")

    @classmethod
    def learn(cls, texts: Iterable[str], size: int, normaliser: NormaliserSettings, most: int) -> TextTokenizer:
        """A tokenizer with up to ``size`` tokens, for texts such as these. The same texts give the same bytes.

        Byte-pair encoding (Sennrich et al., ACL 2016).
        """
        from tokenizers import Tokenizer, models, pre_tokenizers, trainers

        # Not WordPiece: how its trainer of `tokenizers` decides between equal pairs changes from run to run.
        tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Metaspace()]
        )
        trainer = trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=[*SPECIAL, VALUE],
            initial_alphabet=_LETTERS,
            show_progress=False,
            min_frequency=1,
        )
        distinct = sorted({normalised(text, normaliser) for text in texts})
        tokenizer.train_from_iterator((text.replace(VALUE, " ") for text in distinct), trainer)
        return cls(tokenizer.to_str(), normaliser, most)

    def __len__(self) -> int:
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    @cached_property
    def words(self) -> list[str]:
        """The text of each token, without the signs that say whether it begins a word."""
        names = [self._tokenizer.id_to_token(number) or "" for number in range(len(self))]
        return [name.removeprefix("##").replace("▁", "") for name in names]

    def encode(self, texts: Sequence[str | None]) -> Sequences:
        """Each text as a row of tokens, at least one; None, and a text without any, is one unknown token."""
        lines = ["" if text is None else normalised(text, self.normaliser) for text in texts]
        if self._tokenizer.token_to_id(VALUE) is None:  # one that was not learnt here
            lines = [line.replace(VALUE, "*") for line in lines]
        encoded = self._tokenizer.encode_batch(lines, add_special_tokens=False)
        return Sequences.from_lists([one.ids[: self.most] or [self.marks.unknown] for one in encoded])

    def save(self, folder: Path) -> None:
        """Write ``tokenizer.json``, which `tokenizers` and `transformers` read."""
        (folder / FILE).write_text(self.document, encoding="utf-8")


def _require_plain(document: str) -> None:
    """`ValueError` for a tokenizer that does more than cut words: what it does to a text could be without bounds."""
    value = parsed(document.encode(), FILE)
    if not isinstance(value, dict) or not isinstance(value.get("model"), dict):
        raise ValueError("it is no tokenizer: it has no model")
    steps = [value.get("normalizer"), *_steps(value.get("pre_tokenizer"))]
    kinds = {step.get("type") if isinstance(step, dict) else None for step in steps if step is not None}
    if not kinds <= _STEPS or value["model"].get("type") not in _MODELS:
        raise ValueError(f"the tokenizer is of another kind than {', '.join(sorted(_MODELS))}")
    vocabulary = value["model"].get("vocab")
    if not isinstance(vocabulary, dict) or value["model"].get("unk_token") not in vocabulary:
        raise ValueError("the tokenizer has no token for what it does not know")


def _steps(value: object) -> list[object]:
    if isinstance(value, dict) and value.get("type") == "Sequence":
        found = value.get("pretokenizers")
        return list(found) if isinstance(found, list) else [value]
    return [value]


def document_of(folder: Path) -> str:
    """The document in a folder. Raises `ValueError` where it is no text, and `OSError`."""
    return (folder / FILE).read_text(encoding="utf-8")
