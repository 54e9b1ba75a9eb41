"""Commands that only read send nothing but GET; every test of the suite is watched for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
from flow_helpers import LIST, Git, body, run

if TYPE_CHECKING:
    from read_only import RequestWatch


def test_reading_commands_are_seen(git: Git, watch: RequestWatch) -> None:
    """The watch knows a command by what it says of itself: plan and validate are counted, apply is not."""
    git.write(body())
    assert run(git, "plan").returncode == 0
    planned = watch.reads
    assert planned == len(git.server.requests) > 0
    assert run(git, "validate", "--online").returncode == 0
    checked = watch.reads
    assert checked == len(git.server.requests) > planned
    assert run(git, "apply", "--auto-approve").returncode == 0
    assert watch.reads == checked


def test_a_plan_that_wrote_would_be_caught(git: Git, watch: RequestWatch) -> None:
    """Were a plan to send anything else, whatever test it happens in would fail."""
    agent = {"User-Agent": "peak-reconciler/0.1.0 (plan)", "Authorization": "any"}
    requests.post(git.server.url + LIST, headers=agent, json=body(), timeout=10)
    assert watch.writes == [f"plan: POST {LIST}"]
    watch.writes.clear()
