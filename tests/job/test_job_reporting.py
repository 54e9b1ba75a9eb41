"""Which runs of a loop are reported."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from job_helpers import Receiver, outcome, planned, receiver, workflow_outcome

from reconciler.client import WebhookSender
from reconciler.job.context import Job, JobOptions
from reconciler.job.log import TextLog
from reconciler.job.loop import Reporter
from reconciler.job.metrics import read_last_success
from reconciler.job.signals import Signals
from reconciler.operations import ApplyOptions, Listener, RawOptions, ScopeOptions

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
    """Return the reporter."""
    with receiver() as running:
        yield running


def _reporter(hook: Receiver) -> Reporter:
    options = JobOptions(notify=WebhookSender("the webhook", hook.url), interval=60)
    job = Job(
        raw=RawOptions(),
        scope=ScopeOptions(),
        apply_options=ApplyOptions(),
        options=options,
        output=Listener(),
        place=Path(),
        log=TextLog({}, print, print),
        signals=Signals(),
    )
    return Reporter(job)


def test_a_lasting_failure_is_reported_once(hook: Receiver) -> None:
    """What fails as it failed before is not reported again; another failure is, and one that comes back."""
    reporter = _reporter(hook)
    for run in (FAILED, FAILED_AGAIN, FAILED, FAILED_ELSEWHERE, CLEAN, FAILED, INVALID, INVALID):
        reporter.report(run)
    told = [(item.json["exit_code"], [w["name"] for w in item.json["workflows"]]) for item in hook.received]
    assert told == [(1, ["flow"]), (1, ["other"]), (1, ["flow"]), (3, [])]


def test_a_change_is_reported_each_time(hook: Receiver) -> None:
    """Who changes a workflow by hand every hour is heard of every hour."""
    reporter = _reporter(hook)
    for run in (CHANGED, CHANGED, CLEAN, CHANGED):
        reporter.report(run)
    assert len(hook.received) == 3


def test_the_runs_of_a_loop_are_counted(hook: Receiver) -> None:
    """The metrics of the process have how many succeeded, and when one last did, whatever came after."""
    reporter = _reporter(hook)
    for run in (CLEAN, FAILED, INVALID):
        reporter.report(run)
    text = reporter.metrics()
    assert 'peak_reconciler_runs_total{result="success"} 1.0' in text
    assert 'peak_reconciler_runs_total{result="failure"} 2.0' in text
    assert read_last_success(text, "") == CLEAN.ended.timestamp()
