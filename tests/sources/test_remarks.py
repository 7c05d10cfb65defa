"""What is said about an input that was read doubtfully."""

from __future__ import annotations

import io
import os
from datetime import datetime

import pytest
from reading_lines import write

from logradar.sources.live.growing import Growing
from logradar.sources.opening.opening import InputSettings, open_input


def remarks(path, **settings):
    with open_input(path, InputSettings(session_key="", **settings)) as opened:
        assert sum(batch.num_rows for batch in opened.batches(None))
        assert all(remark in opened.notes for remark in opened.remarks)
        again = list(opened.remarks)
        list(opened.batches(None))
        assert opened.remarks == again  # said once, however often it is read
        return opened.remarks


GOOD = [f"2024-05-03 10:{n // 60:02}:{n % 60:02},123 INFO shop.cart: order {n}" for n in range(100)]


def test_nothing_is_said_of_a_log_that_is_read_well(tmp_path):
    assert remarks(write(tmp_path / "a.log", "\n".join(GOOD))) == []


def test_times_and_levels_that_are_not_known(tmp_path):
    file = write(tmp_path / "a.log", "\n".join(f"order {n} was taken" for n in range(100)))
    assert remarks(file) == [
        f"Of all records of '{file}' no time is known.",
        f"Of all records no level is known: see '{file}'.",
    ]
    (tmp_path / "mixed").mkdir()
    write(tmp_path / "mixed" / "a.log", "\n".join(GOOD[:30]))
    plain = [f"May  3 11:00:{n % 60:02} host app: order {n}" for n in range(70)]
    mixed = write(tmp_path / "mixed" / "b.log", "\n".join(plain))
    (said,) = remarks(tmp_path / "mixed")
    assert said == f"Of 70 % of the records no level is known: see '{mixed}'."


def test_one_file_without_times_is_named(tmp_path):
    write(tmp_path / "a.log", "\n".join(GOOD))
    bad = write(tmp_path / "b.log", "\n".join(f"order {n} was taken" for n in range(20)))
    assert remarks(tmp_path) == [f"Of all records of '{bad}' no time is known."]


def test_few_records_of_many_lines(tmp_path):
    file = write(tmp_path / "a.log", GOOD[0] + "\n" + "\n".join(f"   part {n}" for n in range(99)) + "\n")
    (said,) = remarks(file)
    assert said.startswith(f"100 lines of '{file}' became only 1 record, because")


@pytest.mark.parametrize(("modified", "said"), [("2024-05-01T00:00:00", True), ("2024-05-03T04:00:00", False)])
def test_times_after_the_last_modification(tmp_path, modified, said):
    file = write(tmp_path / "a.log", "\n".join(GOOD))
    moment = datetime.fromisoformat(modified + "+00:00").timestamp()
    os.utime(file, (moment, moment))
    found = remarks(file)
    assert len(found) == said
    assert all("go on until 2024-05-03 10:01, after its last modification on 2024-05-01 00:00" in one for one in found)


def test_a_header_that_fits_while_no_time_can_be_read(tmp_path):
    file = write(
        tmp_path / "a.log", "\n".join(f"2024-15-43 10:00:00,123 INFO shop.cart: order {n}" for n in range(100))
    )
    assert remarks(file)[0] == (
        "The lines of 'a.log' fit the format python_name, but times such as '2024-15-43 10:00:00,123' cannot be read."
    )


def test_lines_that_arrive_get_remarks_at_the_end(capsys):
    text = "".join(f"order {n} was taken\n" for n in range(50)).encode()
    growing = Growing(io.BufferedReader(io.BytesIO(text)))
    assert sum(batch.num_rows for batch in growing.records(InputSettings(session_key=""))) == 50
    assert "Of all records of 'stdin' no time is known." in capsys.readouterr().err


def test_an_open_order_of_lines_that_arrive_is_said(capsys):
    text = "".join(f"03/05/2024 10:00:0{n} INFO run\n" for n in range(9)).encode()
    growing = Growing(io.BufferedReader(io.BytesIO(text)))
    list(growing.records(InputSettings(session_key="")))
    assert "are read as month/day/year" in capsys.readouterr().err
