"""Delivery over real sockets to receivers that refuse, are slow, hang up or are gone, from a real store."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import pytest
from tests.serving.notifications.documents import check_event, check_message
from tests.serving.notifications.rows import (
    ROUTING_KEY,
    SIGNING,
    figures,
    hostile_row,
    made,
    row,
    settings,
    until,
    write,
)
from tests.serving.notifications.rude import rude
from tests.serving.notifications.server import Server, server_of

from logradar.core.errors import ConfigError
from logradar.serving.notifications.delivery import Delivery
from logradar.serving.notifications.plan import Planner
from logradar.serving.notifications.settings import NotificationSettings
from logradar.serving.store.database import now_us
from logradar.serving.store.store import Store

HOUR = 3_600_000_000


def hook(url: str, name: str = "hook", **more: Any) -> dict[str, Any]:
    return {"kind": "webhook", "name": name, "url": url, **more}


def delivery(of: NotificationSettings, store: Store, **more: Any) -> Delivery:
    return Delivery(made(of, W=SIGNING, P=ROUTING_KEY), store, poll=0.02, **more)


def planner(of: NotificationSettings) -> Planner:
    return Planner(of.receivers)


def sent(server: Server) -> list[tuple[str, str]]:
    """Change and number of the incident of each document that came."""
    return [(one["change"], one["incidents"][0]["incident_id"].lstrip("0")) for one in server.documents]


def ids(server: Server) -> list[str]:
    return [headers["webhook-id"] for headers, _ in server.requests]


def test_a_webhook_gets_signed_documents_in_order(store: Store) -> None:
    with server_of() as server:
        chosen = settings(hook(server.url, secret_env="W"))
        one = planner(chosen)
        with delivery(chosen, store) as sending:
            write(store, one, row(1), row(2))
            write(store, one, row(1, 1, severity="critical"))
            write(store, one, row(1, 1, severity="critical", status="resolved"))
            sending.wake()
            server.wait_for(4)
            until(lambda: figures(sending.figures())["hook"] == (0, 4, 0))
        assert sent(server) == [("opened", "1"), ("opened", "2"), ("raised", "1"), ("resolved", "1")]
        for headers, body in server.requests:
            signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
            right = base64.b64encode(hmac.new(SIGNING.encode(), signed, hashlib.sha256).digest()).decode()
            assert headers["webhook-signature"] == f"v1,{right}"
        assert [one["id"] for one in server.documents] == ids(server) and len(set(ids(server))) == 4


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 401, 403, 404, 302])
def test_what_is_not_accepted_is_sent_again_under_its_id(store: Store, status: int) -> None:
    """Even where the address is unknown or forbidden: a person mends that while the notification waits."""
    with server_of(lambda number, _: (status if number < 4 else 202, {"Location": "/x"})) as server:
        chosen = settings(hook(server.url))
        write(store, planner(chosen), row())
        with delivery(chosen, store) as sending:
            until(lambda: figures(sending.figures())["hook"] == (0, 1, 0))
            (found,) = sending.figures()
        assert len(server.requests) == 4 and len(set(ids(server))) == 1
        assert (found["failed_tries"], found["problem"], found["down_since"]) == (3, None, None)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_document_that_is_refused_is_given_up_and_counted(
    store: Store, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with server_of(lambda number, _: (status if number == 1 else 200, {})) as server:
        chosen = settings(hook(server.url))
        write(store, planner(chosen), row(1), row(2))
        with delivery(chosen, store) as sending:
            until(lambda: figures(sending.figures())["hook"] == (0, 1, 1))
        assert sent(server) == [("opened", "1"), ("opened", "2")]
    assert store.outbox_figures()[0].problem == f"refused with status {status}"
    said = capsys.readouterr().err
    assert said.count(f"fail: status {status}") == 1 and said.count("are accepted again") == 1


def test_retry_after_is_honoured(store: Store) -> None:
    with server_of(lambda number, _: (429 if number == 1 else 200, {"Retry-After": "1"})) as server:
        chosen = settings(hook(server.url))
        write(store, planner(chosen), row(1), row(2))
        with delivery(chosen, store) as sending:
            server.wait_for(1)
            begin = time.monotonic()
            server.wait_for(3)
            assert time.monotonic() - begin > 0.8
            until(lambda: figures(sending.figures())["hook"] == (0, 2, 0))


def test_order_is_kept_for_each_incident_while_others_go_on(store: Store) -> None:
    """The receiver fails on one incident: what follows of it waits, what is of others does not."""
    mended: list[bool] = []

    def answer(_: int, body: bytes) -> tuple[int, dict[str, str]]:
        bad = json.loads(body)["incidents"][0]["incident_id"].endswith("1")
        return (500 if bad and not mended else 200), {"Retry-After": "0"}

    with server_of(answer) as server:
        chosen = settings(hook(server.url))
        one = planner(chosen)
        write(store, one, row(1), row(2), row(3))
        write(store, one, row(1, 1, severity="critical"), row(2, 1, severity="critical"))
        with delivery(chosen, store) as sending:
            until(lambda: figures(sending.figures())["hook"] == (2, 3, 0))
            assert ("raised", "1") not in sent(server)
            mended.append(True)
            until(lambda: figures(sending.figures())["hook"] == (0, 5, 0))
        found = sent(server)
        assert found.index(("raised", "2")) < found.index(("raised", "1")) == len(found) - 1
        assert len(set(ids(server))) == 5


@pytest.mark.parametrize("manner", ["close", "reset", "silent", "garbage", "echo", "talkative"])
def test_a_receiver_without_manners_delays_nobody_and_loses_nothing(store: Store, manner: str) -> None:
    with rude(manner) as bad, server_of() as good:
        chosen = settings(hook(bad.url, "bad"), hook(good.url, "good"))
        write(store, planner(chosen), row(1), row(2))
        receivers = made(chosen)
        for one in receivers:
            object.__setattr__(one.address, "seconds", 600.0)  # the end does not wait for that
            object.__setattr__(one.address, "whole", 600.0)
        sending = Delivery(receivers, store, poll=0.02)
        sending.start()
        good.wait_for(2)
        until(lambda: bad.visits > 0)
        until(lambda: figures(sending.figures())["good"] == (0, 2, 0))
        assert sending.stop(60), "it breaks off what is under way"
        assert figures(sending.figures())["bad"] == (2, 0, 0)
    with server_of() as mended:
        chosen = settings(hook(mended.url, "bad"))
        with delivery(chosen, store) as sending:
            until(lambda: figures(sending.figures())["bad"] == (0, 2, 0))
        assert sorted(sent(mended)) == [("opened", "1"), ("opened", "2")]


def test_a_request_that_takes_too_long_is_broken_off() -> None:
    """The receiver sends a byte all the time, so that waiting for bytes never ends."""
    with rude("talkative") as bad:
        (one,) = made(settings(hook(bad.url)))
        object.__setattr__(one.address, "whole", 0.2)
        assert one.address.post(b"{}", "msg_1").problem == "no whole answer in 0.2 s"
        assert one.address.post(b"{}", "msg_1").problem == "no whole answer in 0.2 s"
        one.address.hang_up()
        assert one.address.post(b"{}", "msg_1").status is None


def test_nobody_listens_and_later_somebody_does(store: Store) -> None:
    with server_of() as server:
        url = server.url
    chosen = settings(hook(url))
    write(store, planner(chosen), row())
    with delivery(chosen, store) as sending:
        until(lambda: sending.figures()[0]["problem"] is not None)
        (found,) = sending.figures()
        assert found["down_since"] and "refused" in found["problem"] and found["waiting"] == 1


@pytest.mark.parametrize("host", ["169.254.169.254", "[::ffff:169.254.169.254]", "0.0.0.0"])
def test_addresses_where_clouds_keep_credentials_get_nothing(host: str) -> None:
    for one in (hook(f"http://{host}/latest"), {"kind": "alertmanager", "name": "hook", "url": f"http://{host}"}):
        (found,) = made(settings(one))
        assert "nothing is sent to it" in found.address.post(b"{}", "msg_1").problem


def test_redirects_are_not_followed(store: Store) -> None:
    with server_of() as other, server_of(lambda number, _: (307, {"Location": other.url})) as server:
        chosen = settings(hook(server.url))
        write(store, planner(chosen), row())
        with delivery(chosen, store):
            server.wait_for(2)
        assert other.requests == []


def test_what_is_too_old_is_given_up_without_being_sent(store: Store) -> None:
    with server_of() as server:
        chosen = settings(hook(server.url), give_up_hours=2)
        write(store, planner(chosen), row())
        with delivery(chosen, store, clock=lambda: now_us() + 3 * HOUR) as sending:
            until(lambda: figures(sending.figures())["hook"] == (0, 0, 1))
        assert server.requests == []
    assert store.outbox_figures()[0].problem == "not delivered within 2 hours"


def test_a_storm_is_one_summary(store: Store) -> None:
    with server_of() as server:
        chosen = settings(hook(server.url, most_per_minute=3))
        an_hour_ago = now_us() - HOUR
        one = planner(chosen)
        write(store, one, *(row(number) for number in range(1, 51)), now=an_hour_ago)
        write(store, one, row(50, status="resolved"), now=an_hour_ago + 1)
        with delivery(chosen, store) as sending:
            until(lambda: figures(sending.figures())["hook"] == (0, 51, 0))
            assert sending.figures()[0]["summaries"] == 1
        assert sent(server)[:3] == [("opened", "1"), ("opened", "2"), ("opened", "3")]
        (summary,) = server.documents[3:]
        assert summary["title"] == "Many incidents at once: 47 new and 1 over"
        assert [one["change"] for one in summary["incidents"]] == ["opened"] * 47 + ["resolved"]


def test_a_storm_waits_for_its_minute_and_so_does_what_follows_of_its_incidents(store: Store) -> None:
    with server_of() as server:
        chosen = settings(hook(server.url, most_per_minute=1))
        later = now_us() + HOUR
        one = planner(chosen)
        write(store, one, row(1), now=now_us())
        write(store, one, row(2), now=later)
        write(store, one, row(3), now=later)
        write(store, Planner(chosen.receivers), row(3, 1, severity="critical"), now=now_us())
        write(store, Planner(chosen.receivers), row(4), now=now_us())
        with delivery(chosen, store) as sending:
            until(lambda: figures(sending.figures())["hook"] == (3, 2, 0))
        assert sent(server) == [("opened", "1"), ("opened", "4")]


def test_the_end_is_sent_of_what_was_announced_only(store: Store) -> None:
    """One was urgent for a while: its end is sent though it is urgent no more. The other one never was."""
    with server_of() as server:
        chosen = settings(hook(server.url))
        one = planner(chosen)
        for rows in (
            [row(1), row(2, severity="low")],
            [row(1, 1, severity="low"), row(2, 1, severity="low")],
            [row(1, 1, severity="low", status="resolved"), row(2, 1, severity="low", status="resolved")],
        ):
            write(store, one, *rows)
        with delivery(chosen, store) as sending:
            until(lambda: figures(sending.figures())["hook"] == (0, 3, 0))
        assert sent(server) == [("opened", "1"), ("resolved", "1")]


def test_a_document_that_nobody_can_read_holds_up_nothing(store: Store) -> None:
    with server_of() as server:
        chosen = settings(hook(server.url))
        bad, good = (planner(chosen).plan({}, [row(n)], bundle="b", now=0)[0] for n in (1, 2))
        with store.writing() as transaction:
            transaction.notify([type(bad)(**{**vars(bad), "document": {"announced": True}}), good])
        with delivery(chosen, store) as sending:
            until(lambda: figures(sending.figures())["hook"] == (0, 1, 1))
        assert sent(server) == [("opened", "2")]


def test_a_store_that_refuses_to_note_makes_no_second_message(store: Store) -> None:
    """As a full disk does."""
    with server_of() as server:
        chosen = settings(hook(server.url))
        write(store, planner(chosen), row(1), row(2))
        with store.changing() as connection:
            connection.exec_driver_sql(
                "CREATE TRIGGER full BEFORE UPDATE ON outbox BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
        with delivery(chosen, store) as sending:
            server.wait_for(1)
            until(lambda: sending.figures()[0]["problem"] is not None)
            time.sleep(0.5)  # many rounds
            assert len(server.requests) == 1
            with store.changing() as connection:
                connection.exec_driver_sql("DROP TRIGGER full")
            until(lambda: figures(sending.figures())["hook"] == (0, 2, 0))
        assert sent(server) == [("opened", "1"), ("opened", "2")]


def test_documents_of_slack_and_pagerduty_are_right_on_the_wire(store: Store) -> None:
    """The server refuses what their documentation does not allow."""

    def check(_: int, body: bytes) -> tuple[int, dict[str, str]]:
        document = json.loads(body)
        try:
            check_message(document) if "blocks" in document else check_event(document, body)
        except AssertionError:
            return 400, {}
        return (202, {}) if "routing_key" in document else (200, {})

    with server_of(check) as server:
        chosen = settings(
            {"kind": "slack", "name": "slack", "secret_env": "S"},
            {"kind": "pagerduty", "name": "pager", "secret_env": "P", "url": server.url},
        )
        one = planner(chosen)
        write(store, one, hostile_row(1), row(2))
        write(store, one, hostile_row(1, 1, severity="critical"), row(2, 1, status="merged", merged_into="f" * 16))
        write(store, one, hostile_row(1, 1, severity="critical", status="resolved"))
        with Delivery(made(chosen, S=server.url, P=ROUTING_KEY), store, poll=0.02) as sending:
            until(lambda: figures(sending.figures()) == {"slack": (0, 5, 0), "pager": (0, 5, 0)})
        events = [one for one in server.documents if "routing_key" in one and one["dedup_key"].endswith("1")]
        assert [one["event_action"] for one in events] == ["trigger", "trigger", "resolve"]


def test_secrets_are_in_no_file_no_print_and_no_figure(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = "s3cr3tpath0123456789"
    with server_of(lambda number, _: (500, {})) as server, rude("echo") as bad:
        slack = server.url.replace("/hook", f"/{path}")
        chosen = settings(
            {"kind": "slack", "name": "slack", "secret_env": "S"},
            {"kind": "pagerduty", "name": "pager", "secret_env": "P", "url": server.url},
            hook(bad.url, secret_env="W"),
            {"kind": "slack", "name": "echo", "secret_env": "E"},
        )
        write(store, planner(chosen), row())
        echo = bad.url.replace("/hook", f"/{path}")
        with Delivery(made(chosen, S=slack, P=ROUTING_KEY, W=SIGNING, E=echo), store, poll=0.02) as sending:
            until(lambda: all(one["problem"] for one in sending.figures()))
            tests = [sending.test_message(name) for name in ("slack", "pager", "hook", "echo")]
            shown = f"{sending.figures()}{tests}{store.outbox_figures()}"
    captured = capsys.readouterr()
    files = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for secret in (path, ROUTING_KEY, SIGNING):
        assert secret not in shown + captured.out + captured.err and secret.encode() not in files
    assert "fail: status 500" in captured.err


def test_a_person_tries_out_a_receiver(store: Store) -> None:
    with server_of(lambda number, _: (200 if number == 1 else 404, {})) as server:
        sending = delivery(settings(hook(server.url)), store)
        accepted, said = sending.test_message("hook")
        assert accepted and said.startswith("hook (http://127.0.0.1:") and said.endswith("with status 200.")
        accepted, said = sending.test_message("hook")
        assert not accepted and "did not accept the test: status 404" in said
        assert server.documents[0]["change"] == "test"
        with pytest.raises(ConfigError, match="There is no receiver 'hok'; did you mean 'hook'"):
            sending.test_message("hok")
    assert store.outbox_figures() == []
