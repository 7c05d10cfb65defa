"""Nezha's CSV of microservice lines (Train-Ticket, Online Boutique): labels by time and service of the faults."""

from __future__ import annotations

import json
from collections import Counter

import polars as pl
import pytest
from published import whole
from reading_lines import read, write

from logradar.core.errors import InputError
from logradar.core.quarantine import Quarantine
from logradar.sources.datasets.nezha import HEADER
from logradar.sources.onlineboutique import Onlineboutique
from logradar.sources.opening.opening import open_input
from logradar.sources.trainticket import Trainticket

POD = "-5c66d57d58-6mp2b"


def row(time, service="ts-food-service", trace="a1", text="done", window="08_43", said=None):
    said = said or f"16:42:09.486 INFO  t.c.Food#115 TraceID: {trace} SpanID: 57 [{text}]"
    log = json.dumps({"log": said + "\n", "stream": "stdout"}, separators=(",", ":")).replace('"', '""')
    return f'{window},2023-01-29T{time}Z,167498172948716053,1.2.3.4,{service}{POD},server,{trace},57,"{log}"\n'


def faults(folder, *entries):
    listed = [
        {"inject_time": f"2023-01-29 {time}", "inject_pod": service + POD, "inject_type": kind}
        for time, service, kind in entries
    ]
    (folder / "fault_list.json").write_text(json.dumps({"08": listed}))


def test_a_line_in_all_its_parts(tmp_path):
    file = write(tmp_path / "a.csv", f"{HEADER}\n" + row("08:42:09.487160534", text='it\'s "so"'))
    record = read(file, source=Trainticket, session_key=Trainticket.session_key).row(0, named=True)
    assert record["body"] == '[it\'s "so"]'
    assert (record["service"], record["component"], record["level"]) == ("ts-food-service", "t.c.Food#115", 9)
    assert record["timestamp"].isoformat() == "2023-01-29T08:42:09.487160+00:00"
    assert (record["session_key"], record["line"], record["label"]) == ("a1", 2, None)


def test_labels_by_service_and_time(tmp_path):
    faults(tmp_path, ("08:43:00", "ts-food-service", "return"), ("08:50:00", "ts-seat-service", "exception"))
    text = HEADER + "\n"
    text += row("08:42:59.9", trace="a0")  # before it
    text += row("08:43:00.0", trace="a1")
    text += row("08:43:01.0", trace="a2", service="ts-seat-service")  # another service
    text += row("08:45:29.9", trace="a3") + row("08:45:30.0", trace="a4")  # 150 s later
    text += row("08:50:01.0", trace="a5", service="ts-seat-service")
    kinds: dict[str, str] = {}
    frame = read(
        write(tmp_path / "a.csv", text),
        source=Trainticket,
        session_key=Trainticket.session_key,
        on_fault_kinds=kinds.update,
    )
    assert frame["label"].to_list() == [False, True, False, True, False, True]
    assert kinds == {"a1": "return", "a3": "return", "a5": "exception"}


def test_labels_by_the_statement_before_the_fault(tmp_path):
    faults(tmp_path, ("08:43:00", "ts-food-service", "return"), ("08:43:00", "ts-seat-service", "cpu_contention"))
    causes = {
        "ts-food-service": {"return": "t.c.Food#115_t.c.Food#118"},
        "ts-seat-service": {"cpu_contention": "Cpu(%)"},
    }
    write(tmp_path / "root_cause_ts.json", json.dumps(causes))
    other = "16:43:01.0 INFO  t.c.Food#9 TraceID: a2 SpanID: 57 [done]"
    text = HEADER + "\n" + row("08:43:01.0") + row("08:43:02.0", trace="a2", said=other)
    text += row("08:43:03.0", trace="a3", service="ts-seat-service")
    frame = read(write(tmp_path / "a.csv", text), source=Trainticket)
    assert frame["label"].to_list() == [True, False, True]


def test_damaged_causes_are_a_sentence(tmp_path):
    faults(tmp_path, ("08:43:00", "ts-food-service", "return"))
    write(tmp_path / "root_cause_ts.json", '["x"]')
    with pytest.raises(InputError, match=r"causes .* cannot be read"):
        read(write(tmp_path / "a.csv", HEADER + "\n" + row("08:42:09.5")), source=Trainticket)


def test_lines_of_overlapping_windows_are_taken_once(tmp_path):
    bad = Quarantine()
    text = HEADER + "\n" + row("08:42:09.5") + row("08:42:09.5", window="08_44") + row("08:42:09.6", window="08_44")
    frame = read(write(tmp_path / "a.csv", text), source=Trainticket, quarantine=bad)
    assert frame["line"].to_list() == [2, 4]
    assert dict(bad.reasons) == {"line that is in several windows, used once": 1}


def test_rows_of_another_form_are_quarantined(tmp_path):
    bad = Quarantine()
    good = row("08:42:09.5")
    text = HEADER + "\n" + good[:40] + "\n\n" + good + row("08:42:09.6").replace("01-29", "13-29") + "a,b,c\n"
    assert len(read(write(tmp_path / "a.csv", text), source=Trainticket, quarantine=bad)) == 1
    assert dict(bad.reasons) == {"row that is not a log line of a microservice": 3}


def test_json_messages(tmp_path):
    said = '{"severity":"info","message":"TraceID: a1 SpanID: 57 got \\"it\\"","v":1}'
    file = write(tmp_path / "a.csv", HEADER + "\n" + row("08:42:09.5", "cartservice", said=said))
    frame = read(file, source=Onlineboutique)
    assert (frame["body"][0], frame["level"][0], frame["service"][0]) == ('got "it"', 9, "cartservice")


@pytest.mark.parametrize("text", ["{", "[1]", '{"08": [{"inject_pod": "x"}]}', '{"08": [{"inject_time": "soon"}]}'])
def test_a_damaged_list_of_faults_is_a_sentence(tmp_path, text):
    write(tmp_path / "fault_list.json", text)
    with pytest.raises(InputError, match=r"list of faults .* cannot be read"):
        read(write(tmp_path / "a.csv", HEADER + "\n" + row("08:42:09.5")), source=Trainticket)


def test_the_normal_minute(data_dir):
    file = data_dir / "trainticket_nezha/normal_2023-01-29.csv.xz"
    opened = open_input(file)
    frame = pl.concat([pl.from_arrow(batch) for batch in opened.batches(None)])
    assert opened.source == "trainticket"
    assert (len(frame), frame["session_key"].n_unique(), frame["service"].n_unique()) == (2_489, 71, 22)
    assert not frame["label"].any()
    assert Counter(frame["level"].to_list()) == {9: 2_350, 13: 112, 17: 27}


def test_three_minutes_of_online_boutique(data_dir):
    opened, frame = whole("onlineboutique", data_dir)
    assert (len(frame), frame["session_key"].n_unique(), frame["service"].n_unique()) == (19_319, 389, 10)
    assert set(opened.kinds.values()) == {"cpu_contention"}
    assert not frame["body"].str.contains("TraceID").any()


@pytest.mark.slow
def test_all_faults_of_trainticket(data_dir):
    opened, frame = whole("trainticket", data_dir)
    assert (len(frame), frame["session_key"].n_unique()) == (171_131, 4_551)
    assert Counter(opened.kinds.values()) == {"return": 205, "exception": 243, "cpu_contention": 27}
    assert dict(opened.quarantine.reasons) == {"line that is in several windows, used once": 4_080}


@pytest.mark.parametrize(
    ("said", "body", "level"),
    [
        ('{"severity":"error","message":"gone","cause":{"message":""}}', "gone", 17),
        ('{"cause":{"message":"", "severity":"info"},"severity":"error","message":"gone"}', "gone", 17),
        ('{"severity":"error","message":""}', '{"severity":"error","message":""}', 17),
        ('16:42:09.486 ERROR t.c.Food#115 failed {"status":0,"message":""}', 'failed {"status":0,"message":""}', 17),
    ],
)
def test_the_message_of_a_line_is_its_own_and_never_one_inside(tmp_path, said, body, level):
    record = read(write(tmp_path / "a.csv", HEADER + "\n" + row("08:42:09.4", said=said)), source=Trainticket).row(
        0, named=True
    )
    assert (record["body"], record["level"]) == (body, level)


def test_a_folder_of_tables_is_read_with_its_lists(tmp_path):
    faults(tmp_path, ("08:43:00", "ts-food-service", "return"))
    (tmp_path / "root_cause_ts.json").write_text("{}")
    write(tmp_path / "faulty.csv", HEADER + "\n" + row("08:43:01.0", trace="a1") + row("08:59:00.0", trace="a2"))
    write(tmp_path / "other.csv", "a,b\n1,2\n")
    with open_input(tmp_path) as opened:
        labels = [label for batch in opened.batches(None) for label in batch["label"].to_pylist()]
        assert [file.name for file in opened.files] == ["faulty.csv"]
        assert opened.source == "trainticket"
        assert any("'other.csv'" in note for note in opened.notes)
    assert labels == [True, False]


@pytest.mark.parametrize(
    ("folder", "source"), [("trainticket_nezha", "trainticket"), ("onlineboutique_nezha", "onlineboutique")]
)
def test_the_folder_of_the_data_set(data_dir, folder, source):
    with open_input(data_dir / folder) as opened:
        assert opened.source == source
        assert all(file.name.endswith(".csv.xz") for file in opened.files)
