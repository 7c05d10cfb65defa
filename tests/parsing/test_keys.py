"""Session keys in bodies: masked wherever they stand as a word, and left where the masks take them as a whole."""

from __future__ import annotations

import pyarrow as pa
import pytest

from logradar.parsing.keys import KeyMask
from logradar.parsing.masking import MaskingRule, MaskingSettings


def masked(body: str, key: str | None, masking: MaskingSettings | None = None) -> str:
    found = KeyMask(masking or MaskingSettings()).masked(pa.array(["", body]), pa.array([None, key], pa.string()))
    assert found[0].as_py() == ""
    return found[1].as_py()


@pytest.mark.parametrize(
    ("body", "key", "wanted"),
    [
        ("jobId=J12 started", "J12", "jobId=<KEY> started"),
        ("J12: moved (J12) to /tmp/J12.log", "J12", "<KEY>: moved (<KEY>) to /tmp/<KEY>.log"),
        ("J123 and xJ12 and J12", "J12", "J123 and xJ12 and <KEY>"),
        ("id=a_J12_b", "J12", "id=a_<KEY>_b"),
        ("order A-7/x", "A-7/x", "order <KEY>"),
        ("user=bob: bob's bob", "bob", "user=<KEY>: bob's bob"),  # a name may be a word of the language
        ("trace 4bf92f3577b34da6", "4bf92f3577b34da6", "trace 4bf92f3577b34da6"),  # the masks take it
        ("retry 5 of 5", "5", "retry 5 of 5"),
        ("blk_17 is lost", "blk_17", "blk_17 is lost"),
        ("nothing here", "J12", "nothing here"),
        ("schlüssel=ü7 ü7ü", "ü7", "schlüssel=<KEY> <KEY>ü"),
        ("nothing", None, "nothing"),
        ("nothing", "", "nothing"),
    ],
)
def test_keys(body, key, wanted):
    assert masked(body, key) == wanted


def test_what_the_masks_take_depends_on_the_masks():
    own = MaskingRule(name="job", regex="J7[0-9]+", token="<JOB>")
    settings = MaskingSettings(extra=(own,))
    assert not settings.digit_blind
    assert masked("job J75", "J75", settings) == "job J75"
    assert masked("job J85", "J85", settings) == "job <KEY>"


def test_records_of_one_batch_do_not_depend_on_each_other():
    keys = ["J12", "99", None, "x9y", "J13", "bob"]
    bodies = [f"a={key} of {key}, J12 and x9y" for key in keys]
    together = KeyMask(MaskingSettings()).masked(pa.array(bodies), pa.array(keys))
    assert together.to_pylist() == [masked(body, key) for body, key in zip(bodies, keys, strict=True)]
