"""Tokenizer: texts become numbers of words and parts of words, by `tokenizers` (byte-pair encoding)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from logradar.core.sequences import Sequences
from logradar.core.tables import PADDING
from logradar.detectors.text.normaliser import SPECIAL, VALUE, NormaliserSettings, normalised

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FILE: Final = "tokenizer.json"
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

        try:
            self._tokenizer: Tokenizer = Tokenizer.from_str(document)
        except Exception as error:  # its classes of errors share no base but this
            raise ValueError(f"it is no tokenizer: {' '.join(str(error).split())[:200]}") from None
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.document, self.normaliser, self.most = document, normaliser, most
        numbers = [self._tokenizer.token_to_id(token) for token in SPECIAL]
        if None in numbers:
            raise ValueError(f"the tokenizer has no token {SPECIAL[numbers.index(None)]}")
        self.marks = Marks(*(int(number) for number in numbers if number is not None))
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


def document_of(folder: Path) -> str:
    """The document in a folder. Raises `ValueError` where it is not JSON, and `OSError`."""
    text = (folder / FILE).read_text(encoding="utf-8")
    json.loads(text)
    return text
