"""The metrics of a job: names, numbers, and what is kept from an earlier run."""

from __future__ import annotations

import math

import pytest
from job_helpers import START, outcome, planned, receiver, workflow_outcome
from prometheus_client.parser import text_string_to_metric_families

from reconciler import __version__
from reconciler.client.calls import Traffic
from reconciler.client.webhook_sender import WebhookSender
from reconciler.job.metrics import JobMetrics, metrics_text, push, read_last_success

NAMES = {
    "peak_reconciler_build_info",
    "peak_reconciler_last_success_timestamp_seconds",
    "peak_reconciler_runs_total",
    "peak_reconciler_last_run_timestamp_seconds",
    "peak_reconciler_last_run_success",
    "peak_reconciler_last_run_exit_code",
    "peak_reconciler_last_run_duration_seconds",
    "peak_reconciler_drift_workflows",
    "peak_reconciler_planned_workflows",
    "peak_reconciler_last_run_workflows",
    "peak_reconciler_last_run_requests",
    "peak_reconciler_last_run_retries",
    "peak_reconciler_last_run_throttled",
    "peak_reconciler_last_run_wait_seconds",
}


def _samples(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(f"{key}={value}" for key, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _measured(**changes: object) -> JobMetrics:
    run = outcome(
        exit_code=1,
        planned=planned(create=1, update=2, unchanged=5),
        workflows=(
            workflow_outcome("a"),
            workflow_outcome("b", status="failed"),
            workflow_outcome("c", "create"),
        ),
        traffic=Traffic(requests=40, retries=3, throttled=2, waited=1.5),
    )
    return JobMetrics(
        **{"environment": "prod", "outcome": run, "last_success": 1e9, "runs": (4, 1), **changes}
    )  # type: ignore[arg-type]


def test_every_documented_number_is_there_and_right() -> None:
    """The names are those that are documented, and the numbers those of the run."""
    samples = _samples(metrics_text(_measured()))
    assert {key[0] for key in samples} == NAMES
    prod = "environment=prod"

    def value(name: str, *labels: str) -> float:
        return samples[(f"peak_reconciler_{name}", *sorted([*labels, prod]))]

    assert value("build_info", f"version={__version__}") == 1
    assert value("last_run_timestamp_seconds") == pytest.approx(START.timestamp() + 2.5)
    assert value("last_run_duration_seconds") == pytest.approx(2.5)
    assert value("last_run_success") == 0
    assert value("last_run_exit_code") == 1
    assert value("last_success_timestamp_seconds") == 1e9
    assert value("runs_total", "result=success") == 4
    assert value("runs_total", "result=failure") == 1
    assert value("drift_workflows") == 3
    assert value("planned_workflows", "action=update") == 2
    assert value("planned_workflows", "action=delete") == 0
    assert value("last_run_workflows", "action=update", "status=failed") == 1
    assert value("last_run_workflows", "action=create", "status=done") == 1
    assert value("last_run_requests") == 40
    assert value("last_run_retries") == 3
    assert value("last_run_throttled") == 2
    assert value("last_run_wait_seconds") == 1.5


def test_the_series_are_the_same_whatever_the_workflows_are() -> None:
    """A thousand workflows make not one series more, and no name of a workflow is in a label."""
    few = _samples(metrics_text(_measured()))
    many = outcome(workflows=tuple(workflow_outcome(f"flow-{i}", status="failed") for i in range(1000)))
    text = metrics_text(_measured(outcome=many))
    assert _samples(text).keys() == few.keys()
    assert "flow-" not in text


def test_what_a_run_could_not_find_out_is_not_a_number() -> None:
    """Without a plan, drift is unknown: not zero, which would say that all is well."""
    samples = _samples(metrics_text(_measured(outcome=outcome(planned=None, exit_code=3))))
    assert math.isnan(samples["peak_reconciler_drift_workflows", "environment=prod"])
    assert math.isnan(samples["peak_reconciler_planned_workflows", "action=create", "environment=prod"])


def test_the_text_suits_the_textfile_collector() -> None:
    """No sample has a timestamp, which node-exporter refuses, and no metrics of the process are mixed in."""
    text = metrics_text(_measured(environment=""))
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(len(line.rpartition("}")[2].split()) <= 2 for line in samples)
    assert "python_" not in text
    assert "process_" not in text
    assert "environment" not in text


def test_the_last_success_is_found_again() -> None:
    """What one run wrote, the next one reads, each environment its own."""
    text = metrics_text(_measured())
    assert read_last_success(text, "prod") == 1e9
    assert read_last_success(text, "dev") is None
    assert read_last_success(metrics_text(_measured(environment="")), "") == 1e9


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0",
        "peak_reconciler_last_success_timestamp_seconds",
        "a{b=",
        "<html>",
        'x{y="',
        "{}",
        "a 1 2 3 4",
    ],
)
def test_a_file_that_says_something_else_says_nothing(text: str) -> None:
    """Whatever the file held before does not end the run."""
    assert read_last_success(text, "") is None


def test_a_last_success_that_is_no_moment_is_none() -> None:
    """NaN in the file is not passed on."""
    assert read_last_success("peak_reconciler_last_success_timestamp_seconds NaN\n", "") is None


def test_a_push_adds_to_the_group_of_the_environment() -> None:
    """The Pushgateway gets the same text by POST, under a key that does not grow with runs or hosts."""
    with receiver(202, 200) as gateway:
        poster = WebhookSender("the Pushgateway", gateway.url, public=True)
        push(poster, _measured())
        push(poster, _measured(environment=""))
    first, second = gateway.received
    assert (first.method, first.path) == ("POST", "/metrics/job/peak_reconciler/environment/prod")
    assert second.path == "/metrics/job/peak_reconciler"
    assert first.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert first.body.decode() == metrics_text(_measured())
