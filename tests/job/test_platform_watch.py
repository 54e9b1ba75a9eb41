"""The notification of a probe: of a platform that has changed, and of a probe that failed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from job_helpers import Receiver, receiver

from reconciler.client import WebhookSender
from reconciler.client.retrying import RetryPolicy
from reconciler.errors import BlockedError
from reconciler.job import FORMATS, probe_and_notify
from reconciler.operations import Settings
from reconciler.schema import validate
from reconciler.tenant_profile import Probed, TenantProfile

CHANGES: Final = ("token-masked: the platform does this no more", "<!channel> names-lower: does this now")
ENV: Final = {"PEAK_API_URL": "https://tenant.example.com"}


def _notified(hook: Receiver, result: Probed, form: str = "generic") -> list[str]:
    """Return the warnings of a probe with this result."""
    warnings: list[str] = []
    sender = WebhookSender("the webhook", hook.url, policy=RetryPolicy(tries=1, retry_for=0.0))
    answer = probe_and_notify(lambda: result, Settings(), ENV, sender, form, warn=warnings.append)
    assert answer is result
    return warnings


def test_a_changed_platform_is_notified() -> None:
    """The message names each change, and the tenant."""
    result = Probed(profile=TenantProfile(), changes=CHANGES, file=Path("tenant-profile.yaml"))
    with receiver() as hook:
        assert not _notified(hook, result)
    (message,) = (item.json for item in hook.received)
    assert not [*validate(message, "notification")]
    assert (message["kinds"], message["exit_code"]) == (["platform"], 2)
    assert message["title"] == "Peak reconciler found that the platform has changed"
    assert message["text"].splitlines() == [*CHANGES]
    assert message["tenant"] == ENV["PEAK_API_URL"]


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_each_format_names_the_changes(form: str) -> None:
    """Slack and Teams get them as text that mentions nobody."""
    with receiver() as hook:
        _notified(hook, Probed(profile=TenantProfile(), changes=CHANGES), form)
    (body,) = (item.body.decode() for item in hook.received)
    assert CHANGES[0] in body
    assert form != "slack" or "<!channel>" not in body


@pytest.mark.parametrize(
    "result",
    [
        Probed(profile=TenantProfile()),
        Probed(profile=TenantProfile(), changes=CHANGES, written=True),
        Probed(profile=None, cleaned=2),
    ],
    ids=["unchanged", "updated", "cleaned"],
)
def test_what_is_no_news_is_not_notified(result: Probed) -> None:
    """Nothing is sent of a platform as its profile says, of changes that are accepted, or of a clean-up."""
    with receiver() as hook:
        assert not _notified(hook, result)
    assert not hook.received


def test_a_failed_probe_is_notified() -> None:
    """The error is in the message, and is raised."""

    def fails() -> Probed:
        raise BlockedError("names that begin with zz-probe are taken")

    with receiver() as hook, pytest.raises(BlockedError):
        probe_and_notify(
            fails, Settings(), ENV, WebhookSender("the webhook", hook.url), "generic", warn=print
        )
    (message,) = (item.json for item in hook.received)
    assert (message["kinds"], message["exit_code"]) == (["failure"], 4)
    assert "zz-probe are taken" in message["error"]


def test_a_notification_that_is_not_delivered() -> None:
    """It is a warning that does not quote the address."""
    with receiver(400) as hook:
        (warning,) = _notified(hook, Probed(profile=TenantProfile(), changes=CHANGES))
    assert warning == "the notification was not delivered: the webhook answered with status 400"
