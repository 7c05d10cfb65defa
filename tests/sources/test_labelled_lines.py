"""Raw lines with labels in other files: OpenStack by instance, Train-Ticket by trace."""

from __future__ import annotations

from collections import Counter

import polars as pl
from published import whole
from reading_lines import read, write

from logradar.core.quarantine import Quarantine
from logradar.sources.opening.opening import InputSettings, open_input
from logradar.sources.openstack_lines import KEY, OpenstackLines
from logradar.sources.trainticket_deeptralog import TrainticketDeeptralog

ONE, TWO, THREE = (f"afcf8235-2a42-4a95-8f6c-ee9c70d41f0{n}" for n in range(3))
SW = "2021-08-07 19:10:41.655 [SW_CTX:[ts-{}-service,6a8b@10.2,{},a61c.0,0]] [http-1] INFO  f.m.C -Query {}\n"
SPANS = "StartTime,EndTime,URL,SpanType,Service,SpanId,TraceId,Peer,ParentSpan,Component,IsError\n"


def span(trace, url="/a"):
    return f"1,2,{url},Entry,ts-a-service,{trace}.0,{trace},peer,-1,SpringMVC,True\n"


def test_instances_have_the_labels_of_the_lists(tmp_path):
    for name, key in (("train", ONE), ("test_normal", ONE), ("test_abnormal", TWO)):
        write(tmp_path / f"openstack_{name}.csv.gz", f"{key},1 2\n")
    line = "INFO nova.compute.claims [req-d69a3cb3-66dd-4109-bb97-418a7773c6a0] [instance: {}] Claim successful\n"
    text = line.format(ONE) + "INFO os_vif [req-d69a3cb3] Plugged\n" + line.format(TWO) + line.format(THREE)
    file = write(tmp_path / "nova.log", text)
    bad = Quarantine()
    frame = read(file, source=OpenstackLines, session_key=KEY, quarantine=bad)
    assert frame["session_key"].to_list() == [ONE, TWO, THREE]
    assert frame["label"].to_list() == [False, True, None]
    assert frame["record_id"].to_list() == [0, 1, 2]
    assert dict(bad.reasons) == {"line without an instance, left out": 1}


def test_the_mixed_log_of_kalaki(data_dir):
    opened, frame = whole("openstack_lines", data_dir)
    sessions = frame.group_by("session_key").agg(pl.col("label").any())
    assert (len(sessions), sessions["label"].sum(), frame["label"].null_count()) == (1_162, 180, 0)
    odd = sessions.filter("label")["session_key"].to_list()
    assert Counter(opened.kinds[key] for key in odd) == {"destroyed_at_once": 78, "other": 54, "dhcp_off": 48}


def test_the_log_of_one_fault(data_dir):
    opened = open_input(
        data_dir / "openstack_kalaki/openstack-nova-dhcpoff.log.xz", InputSettings(source="openstack_lines")
    )
    frame = pl.concat([pl.from_arrow(batch) for batch in opened.batches(None)])
    assert opened.source == "openstack_lines"
    assert (frame["session_key"].n_unique(), frame["label"].all()) == (199, True)


def test_traces_have_the_labels_of_the_spans(tmp_path):
    write(tmp_path / "F08-01_SUCCESS_spans.csv", SPANS + span("a1.6.1") + span("a1.6.2"))
    write(tmp_path / "F08-01_ERROR_spans.csv", SPANS + span("a1.6.2", "/x?a=1,2,3") + "cut,line\n")
    text = "".join(SW.format("a", f"a1.6.{n}", n) for n in (3, 2, 1))
    told: dict[str, str] = {}
    file = write(tmp_path / "F08-01.log", text)
    frame = read(
        file, source=TrainticketDeeptralog, session_key=TrainticketDeeptralog.session_key, on_fault_kinds=told.update
    )
    assert frame["session_key"].to_list() == ["a1.6.3", "a1.6.2", "a1.6.1"]
    assert frame["label"].to_list() == [None, True, False]
    assert told == {"a1.6.2": "F08"}
    assert set(frame["service"]) == {"ts-a-service"}


def test_without_spans_there_are_no_labels(tmp_path):
    file = write(tmp_path / "F08-01.log", SW.format("a", "a1.6.1", 1))
    frame = read(file, source=TrainticketDeeptralog, session_key=TrainticketDeeptralog.session_key)
    assert frame["label"].to_list() == [None]


def test_deeptralog_as_published(data_dir):
    opened, frame = whole("trainticket_deeptralog", data_dir)
    sessions = frame.group_by("session_key").agg(pl.col("label").any())
    assert (len(frame), len(sessions), sessions["label"].sum()) == (45_057, 5_258, 2_756)
    assert set(opened.kinds.values()) == {"F05", "F08"}
    only = frame.filter(pl.col("source").str.ends_with("F08-05.log.xz"))
    both = only.group_by("session_key").agg(pl.col("label").any())
    assert (len(both), both["label"].sum()) == (750, 250)
