"""Notifications and metrics of the runs of a loop."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from job_helpers import Receiver, outcome, planned, receiver, workflow_outcome

from reconciler.cli.apply_options import ApplyOptions, RawApplyOptions
from reconciler.cli.job_options import JobOptions
from reconciler.cli.scope_options import RawScopeOptions
from reconciler.client import RetryPolicy
from reconciler.client.webhook_sender import WebhookSender
from reconciler.job.context import Job
from reconciler.job.log import TextLog
from reconciler.job.metrics import read_last_success
from reconciler.job.outcome import OutcomeKind
from reconciler.job.reporting import Reporter
from reconciler.job.signals import Signals
from reconciler.operations.settings import Typed

if TYPE_CHECKING:
    from collections.abc import Iterator

CLEAN = outcome()
CHANGED = outcome(planned=planned(update=1), workflows=(workflow_outcome(),))
FAILED = outcome(
    exit_code=1, planned=planned(update=1), workflows=(workflow_outcome(status="failed", error="in 1 s"),)
)
FAILED_AGAIN = dataclasses.replace(
    FAILED, run_id="another", workflows=(workflow_outcome(status="failed", error="in 2 s"),)
)
FAILED_ELSEWHERE = dataclasses.replace(FAILED, workflows=(workflow_outcome("other", status="failed"),))
INVALID = outcome(exit_code=3, planned=None, error="the manifests are invalid")


@pytest.fixture
def hook() -> Iterator[Receiver]:
    """Return the receiver of notifications."""
    with receiver() as running:
        yield running


def _reporter(hook: Receiver) -> Reporter:
    options = JobOptions(
        dry_run=False,
        metrics_file=None,
        gateway=None,
        notify=WebhookSender("the webhook", hook.url),
        notify_format="generic",
        notify_on=frozenset(OutcomeKind),
        lock_file=None,
        lease=300,
        interval=60,
        jitter=0,
        listen=None,
    )
    job = Job(
        typed=Typed(),
        asked=RawScopeOptions(
            prune=False, allow_deletes=None, allow_protected=(), targets=(), exclude=(), shard=None
        ),
        manner=RawApplyOptions(
            manner=ApplyOptions(timing=RetryPolicy(), backup_dir=None), keeps_backups=False
        ),
        options=options,
        place=Path(),
        log=TextLog({}),
        signals=Signals(),
    )
    return Reporter(job)


def test_a_lasting_failure_is_notified_once(hook: Receiver) -> None:
    """The same failure is not notified again; another one is, and one that comes back."""
    reporter = _reporter(hook)
    for run in (FAILED, FAILED_AGAIN, FAILED, FAILED_ELSEWHERE, CLEAN, FAILED, INVALID, INVALID):
        reporter.tell(run)
    notified = [
        (item.json["exit_code"], [w["name"] for w in item.json["workflows"]]) for item in hook.received
    ]
    assert notified == [(1, ["flow"]), (1, ["other"]), (1, ["flow"]), (3, [])]


def test_a_change_is_notified_each_time(hook: Receiver) -> None:
    """A change by hand every hour is notified every hour."""
    reporter = _reporter(hook)
    for run in (CHANGED, CHANGED, CLEAN, CHANGED):
        reporter.tell(run)
    assert len(hook.received) == 3


def test_the_runs_of_a_loop_are_counted(hook: Receiver) -> None:
    """The metrics count the successful runs, and keep the time of the last one after failures."""
    reporter = _reporter(hook)
    for run in (CLEAN, FAILED, INVALID):
        reporter.tell(run)
    text = reporter.metrics()
    assert 'peak_reconciler_runs_total{result="success"} 1.0' in text
    assert 'peak_reconciler_runs_total{result="failure"} 2.0' in text
    assert read_last_success(text, "") == CLEAN.ended.timestamp()
