"""Settings of notifications: errors are sentences, and none of them repeats a secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from tests.serving.notifications.rows import ROUTING_KEY, SIGNING, made, row, settings

from logradar.core.config import load_config, validated
from logradar.core.errors import ConfigError
from logradar.serving.notifications.settings import NotificationSettings

SECRET = "SECRETX0123456789"
URL = f"https://hooks.slack.com/services/T0/B0/{SECRET}"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "slack", "url": URL}, "the address of a Slack webhook is its secret"),
        ({"kind": "slack", "webhook_url": URL}, "a secret never stands in the file"),
        ({"kind": "pagerduty", "routing_key": SECRET}, "name that with secret_env"),
        ({"kind": "webhook", "url": "https://x.example/", "secret": SECRET}, "a secret never stands in the file"),
        ({"kind": "pagerduty", "secret_env": SECRET + "-x"}, "it names a variable"),
        ({"kind": "pagerduty", "secret_env": {"a": SECRET}}, "valid string"),
        ({"kind": "pagerduty", "secret_envv": SECRET}, "did you mean 'secret_env'"),
        ({"kind": "pagerduty"}, "a receiver of kind pagerduty needs it"),
        ({"kind": "webhook"}, "needs an address"),
        ({"kind": "alertmanager"}, "needs an address"),
        ({"kind": "webhook", "url": f"https://user:{SECRET}@x.example/"}, "holds a login"),
        ({"kind": "webhook", "url": f"ftp://{SECRET}"}, "begins with http"),
        ({"kind": "webhook", "url": f"https://x .example/{SECRET}"}, "spaces"),
        ({"kind": "webhook", "url": [SECRET]}, "valid string"),
        ({"kind": "pagerduty", "url": f"http://x.example/{SECRET}", "secret_env": "A"}, "in plain text; use https"),
        ({"kind": "teams"}, "'alertmanager', 'pagerduty', 'slack' or 'webhook'"),
        ({"kind": "webhook", "url": "https://x.example/", "min_severity": "huge"}, "'low', 'medium', 'high'"),
        ({"kind": "webhook", "url": "https://x.example/", "resend_seconds": 5}, "of kind alertmanager"),
        ({"kind": "webhook", "name": "A B", "url": "https://x.example/"}, "is 'A B'"),
        (SECRET, "valid dictionary"),
    ],
)
def test_a_mistake_is_a_sentence_without_the_secret(given: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        settings({"name": "one", **given} if isinstance(given, dict) else given)  # type: ignore[arg-type]
    assert "SECRETX" not in str(caught.value) and str(caught.value).startswith("One setting is wrong: '")


def test_names_are_unique_and_the_dashboard_has_an_address() -> None:
    one = {"kind": "webhook", "name": "one", "url": "https://x.example/"}
    with pytest.raises(ConfigError, match="two receivers have the name one"):
        settings(one, one)
    with pytest.raises(ConfigError, match=r"external_url.* begins with http"):
        settings(external_url="logs.example.com")


@pytest.mark.parametrize(
    ("given", "value", "said"),
    [
        ({"kind": "slack"}, None, "the variable TOKEN is not set or empty; it holds the secret of 'one'"),
        ({"kind": "slack"}, SECRET, "TOKEN holds no webhook URL: a URL begins with"),
        (
            {"kind": "slack"},
            f"http://hooks.example.com/{SECRET}",
            "TOKEN holds no webhook URL: the URL begins with http:",
        ),
        ({"kind": "pagerduty"}, SECRET, "TOKEN holds 17 characters; an integration key"),
        ({"kind": "webhook", "url": "https://x.example/"}, "short", "TOKEN has 5 bytes; a secret needs 16"),
        ({"kind": "webhook", "url": "https://x.example/"}, f"whsec_!{SECRET}", "base64"),
    ],
)
def test_a_secret_that_cannot_be_used_is_a_sentence(given: dict, value: str | None, said: str) -> None:
    environment = {"TOKEN": value} if value else {}
    with pytest.raises(ConfigError) as caught:
        made(settings({"name": "one", "secret_env": "TOKEN", **given}), **environment)
    assert said in str(caught.value) and SECRET not in str(caught.value)


def test_no_secret_is_in_what_is_printed_of_a_receiver() -> None:
    chosen = settings(
        {"kind": "slack", "name": "s", "secret_env": "S"},
        {"kind": "pagerduty", "name": "p", "secret_env": "P"},
        {"kind": "webhook", "name": "w", "url": "https://x.example/a", "secret_env": "W"},
        {"kind": "alertmanager", "name": "a", "url": "https://x.example", "secret_env": "A"},
    )
    found = made(chosen, S=URL, P=ROUTING_KEY, W=SIGNING, A=f"me:{SECRET}")
    printed = repr([(one, one.address, vars(one.settings)) for one in found])
    assert all(secret not in printed for secret in (SECRET, ROUTING_KEY, SIGNING))
    assert [one.address.path for one in found][1:] == ["/v2/enqueue", "/a", "/api/v2/alerts"]


def test_the_settings_of_the_documentation_can_be_copied() -> None:
    page = (Path(__file__).parents[3] / "docs" / "notifications.md").read_text()
    block = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert block is not None
    copied = validated(NotificationSettings, yaml.safe_load(block[1])["notifications"], "notifications")
    found = made(copied, PAGERDUTY_KEY=ROUTING_KEY, SLACK_WEBHOOK=URL, TICKETS_SECRET=SIGNING)
    assert [one.settings.kind for one in found] == ["alertmanager", "pagerduty", "slack", "webhook"]


def test_a_file_loads(tmp_path: Path) -> None:
    file = tmp_path / "notifications.yaml"
    file.write_text(
        "receivers:\n- {kind: slack, name: team, secret_env: SLACK, min_severity: high, services: ['cart*']}\n"
        "external_url: https://logs.example.com\n"
    )
    (one,) = load_config(NotificationSettings, file).receivers
    assert one.redact and one.send_resolved and one.services == ("cart*",)


def test_a_receiver_wants_what_is_urgent_enough_and_of_its_services() -> None:
    def one(**more: object):
        return settings({"kind": "webhook", "name": "one", "url": "https://x.example/", **more}).receivers[0]

    assert one().wants(row(severity="medium")) and not one().wants(row(severity="low")) and not one().wants(None)
    assert one(services=["pay*"]).wants(row()) and not one(services=["Pay*", "search"]).wants(row())
    assert one().wants(row(services=[])) and not one(services=["a*"]).wants(row(services=[]))
