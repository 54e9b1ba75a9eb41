"""Posting to a webhook or a Pushgateway, over loopback."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from job_helpers import POLICY_WITHOUT_SLEEP, receiver

from reconciler.client.webhook_sender import WebhookSender
from reconciler.errors import InvalidInputError, ReconcilerError

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "T0SECRET/hook-canary-4711"


def _poster(url: str, **options: bool) -> WebhookSender:
    return WebhookSender("the webhook", f"{url}/services/{SECRET}", policy=POLICY_WITHOUT_SLEEP, **options)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_post_is_repeated_until_it_is_taken(status: int) -> None:
    """Pushed back, or answered with an error of the server, a message is sent again."""
    with receiver(status, status) as hook:
        _poster(hook.url).post(b'{"a": 1}')
    assert [item.json for item in hook.received] == [{"a": 1}] * 3


@pytest.mark.parametrize("status", [302, 400, 404, 410])
def test_a_refusal_is_reported_once_and_without_the_address(status: int) -> None:
    """What will not be taken is not sent again, redirects are not followed, and no error quotes the URL."""
    with receiver(status) as hook, pytest.raises(ReconcilerError) as caught:
        _poster(hook.url).post(b"{}")
    assert caught.value.message == f"the webhook answered with status {status}"
    assert len(hook.received) == 1
    assert caught.value.__cause__ is None


def test_giving_up_is_reported_without_the_address() -> None:
    """Nobody listens there: an error that names what it was for, not where."""
    with receiver() as hook:
        url = hook.url
    with pytest.raises(ReconcilerError, match="the webhook: no connection could be made") as caught:
        _poster(url).post(b"{}")
    assert "canary" not in str(caught.value)
    assert url not in str(caught.value)


def test_the_tokens_of_the_environment_stay_at_home(tmp_path: Path) -> None:
    """A post carries no credentials: neither the API's token nor what ~/.netrc has for that host."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password netrc-canary\n", encoding="utf-8")
    env = {"PEAK_AUTH_TOKEN": "token-canary", "NETRC": str(netrc)}
    with receiver() as hook, mock.patch.dict(os.environ, env):
        _poster(hook.url).post(b"{}")
    assert "Authorization" not in hook.received[0].headers
    assert "canary" not in str(hook.received[0].headers)


def test_user_and_password_of_the_address_become_basic_authentication() -> None:
    """https://user:password@host works, and the request's address has neither."""
    with receiver() as hook:
        url = hook.url.replace("//", "//ann:p%40ss@")
        WebhookSender("the Pushgateway", url, public=True).post(b"x", "text/plain")
    (got,) = hook.received
    assert base64.b64decode(got.headers["Authorization"].split()[1]) == b"ann:p@ss"
    assert got.headers["Content-Type"] == "text/plain"
    assert "ann" not in got.path


def test_proxies_are_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies beyond a proxy is posted through it, as the API's requests are."""
    with receiver() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        WebhookSender("the Pushgateway", "http://pushgateway.invalid:9091/x", public=True).post(b"{}")
    assert proxy.received[0].path == "http://pushgateway.invalid:9091/x"


@pytest.mark.parametrize(
    ("url", "public", "fine"),
    [
        ("https://hooks.example.com/x?y=z", False, True),
        ("http://hooks.example.com/x", False, False),
        ("http://pushgateway.monitoring:9091", True, True),
        ("http://ann:secret@pushgateway.monitoring:9091", True, False),
        ("http://localhost:9091", False, True),
        ("ftp://hooks.example.com/x", True, False),
        ("hooks.example.com", True, False),
        ("https://hooks.example.com/x y", False, False),
        ("https://hooks.example.com:99999/", False, False),
        ("https:///x", False, False),
        ("", False, False),
    ],
)
def test_an_address_must_keep_its_secret(url: str, public: bool, fine: bool) -> None:
    """https, or http to loopback; only what is public anyway may go over http. The error quotes nothing."""
    if fine:
        assert WebhookSender("the webhook", url, public=public)
        return
    with pytest.raises(InvalidInputError) as caught:
        WebhookSender("the webhook", url, public=public)
    assert not url or url not in caught.value.message
    assert "secret" not in caught.value.message
