"""The secret of a request, however a client sends it."""

from __future__ import annotations

import base64

import pytest

from logradar.serving.ingest.presented_key import presented_key


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        ({}, None),
        ({"authorization": "Bearer s"}, "s"),
        ({"authorization": "bearer   s "}, "s"),
        ({"authorization": "Splunk s"}, "s"),
        ({"authorization": "Token s"}, "s"),
        ({"authorization": f"Basic {packed('loki:s')}"}, "s"),
        ({"authorization": f"Basic {packed('s:')}"}, "s"),
        ({"authorization": f"Basic {packed('x:a:b')}"}, "a:b"),
        ({"authorization": "Basic ???"}, None),
        ({"authorization": f"ApiKey {packed('id:s')}"}, "s"),
        ({"authorization": "ApiKey lr_s-1"}, "lr_s-1"),
        ({"authorization": "ApiKey c2VjcmV0"}, "c2VjcmV0"),
        ({"authorization": "Digest s"}, None),
        ({"authorization": "Bearer"}, None),
        ({"x-api-key": " s "}, "s"),
        ({"authorization": "Bearer s", "x-api-key": "t"}, "s"),
        ({"authorization": "", "x-api-key": ""}, None),
    ],
)
def test_secrets(headers, secret):
    assert presented_key(headers) == secret
