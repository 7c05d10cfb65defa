"""Complete segments are copied once, and stay in the log until they are."""

from pathlib import Path

from logradar.serving.wal.frames import TICK, encode
from logradar.serving.wal.landing import Landing
from logradar.serving.wal.segments import Segments


def write(segments: Segments, frames: int) -> None:
    for number in range(frames):
        segments.write(encode(TICK, number))


def test_complete_segments_land_in_a_folder_of_their_log(tmp_path: Path) -> None:
    segments = Segments(tmp_path / "wal", size=50, landing=Landing(tmp_path / "landing", 3600))
    write(segments, 20)
    there = sorted((tmp_path / "wal").glob("*.wal"))
    landed = sorted((tmp_path / "landing" / segments.identity).iterdir())
    assert len(there) > 3 and [path.name for path in landed] == [path.name for path in there[:-1]]
    assert [path.read_bytes() for path in landed] == [path.read_bytes() for path in there[:-1]]
    segments.close()
    again = Segments(tmp_path / "wal", size=50, landing=Landing(tmp_path / "landing", 3600))
    assert len(again.forget(again.end)) == len(landed)


def test_a_segment_is_complete_after_a_while(tmp_path: Path) -> None:
    segments = Segments(tmp_path / "wal", landing=Landing(tmp_path / "landing", 0))
    write(segments, 3)
    segments.close()
    assert len(list((tmp_path / "landing" / segments.identity).iterdir())) == 2


def test_what_cannot_be_copied_is_kept_and_said(tmp_path: Path, capsys) -> None:
    (tmp_path / "landing").write_text("a file")
    segments = Segments(tmp_path / "wal", size=50, landing=Landing(tmp_path / "landing", 3600))
    write(segments, 20)
    assert segments.forget(segments.end) == []
    assert capsys.readouterr().err.count("cannot be copied") == 1
    (tmp_path / "landing").unlink()
    write(segments, 3)
    assert len(segments.forget(segments.end)) > 3
    segments.close()
