"""A changed prepared folder is an error and is not read; prepared again it is complete."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from logradar.core.errors import InputError
from logradar.core.quarantine import Quarantine
from logradar.model.settings import RunSettings, run_settings
from logradar.pipeline.preparation.write_day_files import UNFINISHED, write_days
from logradar.pipeline.prepare import prepare
from logradar.pipeline.train import train
from logradar.pipeline.validate import validate
from logradar.sources.opening.files import find
from logradar.sources.opening.opening import open_input
from logradar.sources.radar.generate import DayShape
from logradar.sources.radar.generate import write_days as generate


@pytest.fixture
def days(tmp_path: Path) -> Path:
    generate(tmp_path / "days", 3, 300_000, shape=DayShape(length=40))
    return tmp_path / "days"


@pytest.fixture
def shards(days: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Each day a shard of its own."""
    monkeypatch.setattr("logradar.sources.opening.opening.UNIT", 1)
    prepare(str(days), tmp_path / "p", RunSettings())
    found = sorted((tmp_path / "p" / "days").glob("*.parquet"))
    assert len(found) == 3
    return found


def test_a_shard_that_is_missing_is_told(shards: list[Path], tmp_path: Path) -> None:
    shards[1].unlink()
    for use in (lambda: validate(str(tmp_path / "p"), RunSettings()), lambda: find(str(tmp_path / "p"))):
        with pytest.raises(InputError, match=r"00001-00000.parquet' is missing.*prepare the input again"):
            use()


def test_a_shard_of_another_run_is_not_read(shards: list[Path], tmp_path: Path) -> None:
    shards[0].with_name("00009-00000.parquet").write_bytes(shards[0].read_bytes())
    assert find(str(tmp_path / "p")).files == shards


def test_every_flipped_byte_is_found_and_repaired(shards: list[Path], days: Path, tmp_path: Path) -> None:
    whole = shards[2].read_bytes()
    for place in range(100, len(whole), len(whole) // 7):
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        shards[2].write_bytes(damaged)
        with pytest.raises(InputError, match="prepare the input again"):
            validate(str(tmp_path / "p"), RunSettings())
    prepare(str(days), tmp_path / "p", RunSettings())
    assert shards[2].read_bytes() == whole


def test_a_damaged_manifest_is_told(shards: list[Path], tmp_path: Path) -> None:
    (tmp_path / "p" / "prepared.json").write_text("{")
    with pytest.raises(InputError, match=r"prepared.json' is damaged; prepare the input again"):
        find(str(tmp_path / "p"))


def test_day_files_beside_other_logs_are_told(days: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (days / "run.log").write_text("INFO hello\n" * 30)
    train(str(days), tmp_path / "b", run_settings(None, ["detector=new_template", "beside=[]"]))
    assert "3 day files are mixed with other logs ('run.log')" in capsys.readouterr().err


def test_two_files_of_a_day_are_told(days: Path) -> None:
    first = sorted(days.glob("*.json"))[0]
    first.with_name(f"again-{first.name}").write_bytes(first.read_bytes())
    with open_input(days) as opened:
        assert any("(2 files); sessions with equal numbers have the same key" in note for note in opened.notes)


def test_a_name_that_is_no_utf8_is_read_and_told(days: Path, tmp_path: Path) -> None:
    unusual = days / "odd\udcff-2024-01-09.json"
    unusual.write_bytes(sorted(days.glob("*.json"))[0].read_bytes())
    facts = prepare(str(unusual), tmp_path / "p", RunSettings())
    assert facts["sessions"] > 0
    log = tmp_path / "x\udcff.log"
    log.write_text("INFO hello\n" * 30)
    assert validate(str(log), RunSettings())["records"] == 30


def test_links_are_followed_once_and_what_cannot_be_read_is_counted(days: Path, tmp_path: Path) -> None:
    (days / "circle").symlink_to(days)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "app.log").write_text("INFO hello\n")
    (days / "linked").symlink_to(tmp_path / "more")
    (days / "nothing.json").symlink_to(tmp_path / "gone.json")
    quarantine = tmp_path / "bad.jsonl"
    with open_input(days, quarantine_path=quarantine) as opened:
        assert len(opened.files) == 4
        assert opened.quarantine.reasons == {"folder that cannot be read, or broken link": 1}
    assert "nothing.json" in quarantine.read_text()


@pytest.mark.parametrize("text", ['{"sessions":[%s]}', "garbage[%s]", "%s\n%s"])
def test_sessions_that_stand_wrongly_are_day_files_all_the_same(tmp_path: Path, text: str) -> None:
    session = '{"session_id":1,"event_sequence":[1,2]}'
    file = tmp_path / "day.json"
    file.write_text(text.replace("%s", session))
    facts = validate(str(file), RunSettings())
    assert (facts["source"], facts["sessions"]) == ("radar_json", text.count("%s"))
    assert facts["fault_kinds"]


def test_a_day_without_sessions_is_a_day_file(tmp_path: Path) -> None:
    (tmp_path / "day.json").write_text("[]\n")
    assert validate(str(tmp_path / "day.json"), RunSettings())["source"] == "radar_json"


def test_day_files_of_a_run_that_was_cut_off_are_written_anew(days: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_days(str(days), out, RunSettings())
    names = sorted(path.name for path in out.iterdir())
    (out / UNFINISHED).touch()
    (out / names[0]).write_text("[")
    write_days(str(days), out, RunSettings())
    assert sorted(path.name for path in out.iterdir()) == names
    assert (out / names[0]).read_bytes() == (days / names[0]).read_bytes()
    with pytest.raises(InputError, match="is not empty"):
        write_days(str(days), out, RunSettings())


def test_mended_lines_are_kept_not_lost(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"INFO hello\n" * 300 + b"INFO a\x01b\n" * 20 + b"INFO \xff\n" + b'{"half": \n')
    facts = validate(str(tmp_path / "a.log"), RunSettings())
    assert facts["quarantined"] >= 21
    assert facts["lost"] == 0 and all(kind["kept"] for kind in facts["fault_kinds"])


def test_a_quarantine_that_goes_is_not_promised(tmp_path: Path) -> None:
    for folder, promised in (("logradar-abc", False), ("out", True)):
        bad = Quarantine(Path(tempfile.gettempdir()) / folder / "quarantine.jsonl")
        bad.reasons["other"] = 1
        assert ("They are listed in" in bad.sentence()) == promised
