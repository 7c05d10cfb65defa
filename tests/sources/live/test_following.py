"""A file that is followed gives the lines that were written to it, each once, whatever becomes of the file."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from logradar.core.errors import InputError
from logradar.sources.live.following import LAST_LINES, Followed
from logradar.sources.live.growing import Growing
from logradar.sources.opening.opening import InputSettings

Act = Callable[[], object]


class Ending(Followed):
    """A file that is followed through some acts, each done once all before it was read; then it ends."""

    def __init__(self, path: Path, acts: list[Act], **options: object) -> None:
        super().__init__(path, **options)
        self.acts = list(acts)
        self.over = False

    def ready(self, seconds: float | None) -> bool:
        if super().ready(seconds):
            return True
        if seconds == 0:
            return False
        if not self.acts:
            self.over = True
            return True
        self.acts.pop(0)()
        return self.ready(seconds)

    def read(self, size: int) -> bytes:
        return b"" if self.over else super().read(size)


def line(number: int) -> str:
    return f"2026-03-02 10:{number // 60:02}:{number % 60:02},000 INFO shop - request={number} was served"


def lines(*numbers: int) -> str:
    return "".join(f"{line(number)}\n" for number in numbers)


def write(path: Path, text: str) -> Path:
    with path.open("a") as file:
        file.write(text)
    return path


def bodies(growing: Growing) -> list[tuple[int, str]]:
    """Line numbers and the end of the texts of all records."""
    records = [row for table in growing.records(InputSettings()) for row in table.to_pylist()]
    assert {row["source"] for row in records} <= {"app.log"}
    return [(row["line"], row["body"].partition("request=")[2]) for row in records]


def served(*numbers: int) -> list[str]:
    return [f"{number} was served" for number in numbers]


def test_a_file_that_is_renamed_is_read_to_its_end_and_the_new_one_from_its_start(tmp_path: Path) -> None:
    log = write(tmp_path / "app.log", lines(*range(70)))
    old = tmp_path / "app.log.1"
    feed = Ending(
        log,
        [
            lambda: write(log, lines(70, 71)),
            lambda: (log.rename(old), write(old, lines(72))),  # its writer has not noticed yet
            lambda: write(log, lines(73, 74)),
            lambda: (log.rename(tmp_path / "app.log.2"), write(log, lines(75))),
        ],
        whole=True,
    )
    found = bodies(Growing.file(feed))
    assert [body for _, body in found] == served(*range(76))
    assert [number for number, _ in found] == [*range(1, 74), 1, 2, 1]


def test_a_file_that_is_copied_and_emptied_is_read_from_its_start(tmp_path: Path) -> None:
    log = write(tmp_path / "app.log", lines(*range(70)))

    def emptied(text: str) -> None:
        shutil.copy(log, tmp_path / "app.log.1")
        with log.open("r+") as file:
            file.truncate(0)
            file.write(text)

    longer = lines(*range(71, 160))  # as long as it was before: its size alone does not tell
    feed = Ending(
        log, [lambda: emptied(lines(70)), lambda: emptied(longer), lambda: write(log, lines(160))], whole=True
    )
    found = bodies(Growing.file(feed))
    assert [body for _, body in found] == served(*range(161))
    assert [number for number, _ in found] == [*range(1, 71), 1, *range(1, 91)]


def test_lines_that_come_in_pieces_are_whole_and_the_end_of_a_file_ends_a_line(tmp_path: Path) -> None:
    log = write(tmp_path / "app.log", lines(*range(70)) + line(70)[:30])
    feed = Ending(
        log,
        [
            lambda: write(log, line(70)[30:]),
            lambda: (log.rename(tmp_path / "app.log.1"), write(log, lines(71))),
        ],
        whole=True,
    )
    assert [body for _, body in bodies(Growing.file(feed))] == served(*range(72))


@pytest.mark.parametrize("end", ["\n", ""])
def test_it_begins_with_the_last_lines_and_knows_their_numbers(
    tmp_path: Path, end: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log = write(tmp_path / "app.log", lines(*range(99)) + line(99) + end)
    feed = Ending(log, [])
    found = bodies(Growing.file(feed))
    assert found == list(zip(range(91, 101), served(*range(90, 100)), strict=True)) and LAST_LINES == 10
    assert "became only" not in capsys.readouterr().err
    assert bodies(Growing.file(Ending(write(tmp_path / "app.log.0", ""), []))) == []


def test_the_next_call_goes_on_where_this_one_ended(tmp_path: Path) -> None:
    log = write(tmp_path / "app.log", lines(*range(80)) + line(80)[:40])
    first = Growing.file(Ending(log, [], whole=True), whole_lines=True)
    assert [body for _, body in bodies(first)] == served(*range(80))
    place = first.place()["followed"]
    log.rename(tmp_path / "app.log.1")
    write(tmp_path / "app.log.1", line(80)[40:] + "\n" + lines(81))
    write(log, lines(82))
    second = Growing.file(Ending(log, [], known=place), whole_lines=True)
    assert bodies(second) == [(81, "80 was served"), (82, "81 was served"), (1, "82 was served")]
    place = second.place()["followed"]
    third = Growing.file(Ending(log, [lambda: write(log, lines(83))], known=place), whole_lines=True)
    assert bodies(third) == [(2, "83 was served")]


def test_another_file_in_its_place_is_read_from_its_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = write(tmp_path / "app.log", lines(*range(70)))
    place = Followed(log, whole=True).position
    log.unlink()
    write(tmp_path / "app.log", lines(*range(100, 170)))
    for known in ({**place, "at": 500}, {"node": "x"}, {**place, "at": -3}):
        found = bodies(Growing.file(Ending(log, [], known=known)))
        assert [body for _, body in found] == served(*range(100, 170))
    assert "is another file than the one that the state has read" in capsys.readouterr().err


def test_what_cannot_be_followed_is_one_sentence(tmp_path: Path) -> None:
    for path, said in ((tmp_path / "none.log", "There is no file"), (tmp_path, "is no file that can be followed")):
        with pytest.raises(InputError, match=said):
            Followed(path)


def test_a_writer_and_a_rotation_at_any_moment_lose_and_repeat_nothing(tmp_path: Path) -> None:
    """A thread writes and renames while the file is read; it renames no file that is not begun yet."""
    log = write(tmp_path / "app.log", "")
    begun, done = threading.Event(), threading.Event()

    class Watched(Ending):
        def ready(self, seconds: float | None) -> bool:
            self.acts = [] if done.is_set() else [lambda: None]
            return super().ready(seconds)

        def read(self, size: int) -> bytes:
            data = super().read(size)
            if self.new_file:
                begun.set()
            return data

    def work() -> None:
        for number in range(3_000):
            write(log, lines(number))
            if number % 700 == 350:
                if number > 350:
                    begun.wait(60)
                begun.clear()
                log.rename(tmp_path / f"app.log.{number}")
        done.set()

    feed = Watched(log, [], whole=True)
    threading.Thread(target=work, daemon=True).start()
    assert [body for _, body in bodies(Growing.file(feed))] == served(*range(3_000))
