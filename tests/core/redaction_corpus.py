"""The corpus of redaction: made-up strings with what must be masked, and how well a redactor does on them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("redaction_corpus.txt")
_MARK = re.compile(r"\[\[([A-Z-]+):(.*?)\]\]", re.DOTALL)
_TOKEN = re.compile(r"<(?:EMAIL|TOKEN|SECRET|COOKIE|KEY|PRIVATE-KEY|IP|CARD|IBAN|PHONE|CREDENTIALS)>")


@dataclass(frozen=True)
class Case:
    """A ``text`` with ``secrets``, each a token and what it stands for, and the text that is ``expected``."""

    text: str
    secrets: tuple[tuple[str, str], ...]
    expected: str


def cases() -> list[Case]:
    """All strings of the corpus."""
    found = []
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        line = line.replace("~", "").replace("⏎", "\n")
        secrets = tuple((f"<{one[1]}>", one[2]) for one in _MARK.finditer(line))
        found.append(Case(_MARK.sub(r"\2", line), secrets, _MARK.sub(r"<\1>", line)))
    return found


@dataclass
class Measured:
    """``right`` of ``wanted`` secrets are masked; ``made`` is the number of masks. ``wrong`` lists what differs."""

    wanted: int
    right: int
    made: int
    strings: int
    positive: int
    wrong: list[tuple[str, str]]

    @property
    def precision(self) -> float:
        return self.right / self.made

    @property
    def recall(self) -> float:
        return self.right / self.wanted


def measure(redact: Callable[[str], str]) -> Measured:
    """A secret is found where its token is there and the secret is not; all other masks are wrong."""
    wanted = right = made = 0
    wrong = []
    every = cases()
    for case in every:
        result = redact(case.text)
        there = Counter(_TOKEN.findall(result))
        needed = Counter(token for token, secret in case.secrets if secret not in result)
        wanted += len(case.secrets)
        made += sum(there.values())
        right += sum((there & needed).values())
        if result != case.expected:
            wrong.append((case.expected, result))
    return Measured(wanted, right, made, len(every), sum(bool(case.secrets) for case in every), wrong)
