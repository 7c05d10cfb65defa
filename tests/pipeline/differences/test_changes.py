"""Changes are ranked: what is urgent first, then what is least like the good runs."""

from __future__ import annotations

from logradar.pipeline.diff import diff
from logradar.sources.opening.opening import InputSettings


def test_of_equally_urgent_new_lines_the_one_least_like_the_good_runs_comes_first(tmp_path):
    usual = [f"2026-03-02 08:00:{second:02} INFO open file number {second}" for second in range(50)]
    new = ["INFO open file again at once", "INFO replica elected by quorum", "ERROR open file number lost"]
    (tmp_path / "good.log").write_text("\n".join(usual) + "\n")
    bad = [*usual, *(f"2026-03-02 08:01:00 {line}" for line in new), "2026-03-02 08:01:01 INFO open file number 7"]
    (tmp_path / "bad.log").write_text("\n".join(bad) + "\n")
    found = diff([str(tmp_path / "good.log")], str(tmp_path / "bad.log"), InputSettings())["changes"]
    assert [change["line"] for change in found][:3] == [53, 52, 51]
