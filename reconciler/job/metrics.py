"""Metrics of a job in the Prometheus text format, and their push to a Pushgateway.

They are the documented ones and no others: no process or platform metrics, no workflow name in a label, and
the same series after every run. A number that a run could not determine is `NaN`. Only this module uses
`prometheus_client`, and imports it late, since that takes 60 ms.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler import __version__
from reconciler.apply import Status
from reconciler.client import WebhookSender
from reconciler.files import UnreadableError, read_bounded
from reconciler.job.outcome import PLANNED, Outcome
from reconciler.render import ACTIONS

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from prometheus_client.registry import CollectorRegistry

JOB: Final = "peak_reconciler"
"""The label `job` of the group on a Pushgateway; its only other label is `environment`, if one is chosen."""

PREFIX: Final = "peak_reconciler_"
_MOST_BYTES: Final = 1024 * 1024
"""Limit for reading an earlier metrics file."""

_LAST_SUCCESS: Final = f"{PREFIX}last_success_timestamp_seconds"
_STATUSES: Final = (*(status.value for status in Status), PLANNED)
_CHANGING: Final = tuple(name for name in ACTIONS if name != "unchanged")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMetrics:
    """The values behind the metrics.

    Args:
        environment: The configured environment, a label of every series; empty for no such label.
        outcome: The last run; `None` before the first one has ended.
        last_success: The end of the last successful run, in seconds since the epoch; `None` if unknown.
        runs: How many runs of this process succeeded and failed; `None` for a process of one run.
    """

    environment: str = ""
    outcome: Outcome | None = None
    last_success: float | None = None
    runs: tuple[int, int] | None = None

    def after(self, outcome: Outcome) -> JobMetrics:
        """Return the values after one more run."""
        runs = self.runs
        if runs is not None:
            runs = (runs[0] + outcome.succeeded, runs[1] + (not outcome.succeeded))
        succeeded = outcome.ended.timestamp() if outcome.succeeded else self.last_success
        return dataclasses.replace(self, outcome=outcome, last_success=succeeded, runs=runs)


@dataclass(frozen=True, slots=True, eq=False)
class _Collector:
    values: JobMetrics

    def collect(self) -> Iterator[Metric]:
        """Yield every metric family; called by the registry."""
        values = self.values
        yield self._gauge(
            "build_info", "The version of peak-reconciler that runs.", [(("version", __version__), 1)]
        )
        if values.last_success is not None:
            yield self._gauge(
                "last_success_timestamp_seconds", "When a run last succeeded.", values.last_success
            )
        if values.runs is not None:
            yield self._runs(*values.runs)
        if values.outcome is not None:
            yield from self._of_run(values.outcome)

    def _of_run(self, run: Outcome) -> Iterator[Metric]:
        drift = math.nan if run.drift is None else run.drift
        yield self._gauge("last_run_timestamp_seconds", "When the last run ended.", run.ended.timestamp())
        yield self._gauge("last_run_success", "Whether the last run succeeded.", run.succeeded)
        yield self._gauge("last_run_exit_code", "The exit code of the last run.", run.exit_code)
        yield self._gauge("last_run_duration_seconds", "How long the last run took.", run.seconds)
        yield self._gauge("drift_workflows", "Workflows that were not in sync when the plan was made.", drift)
        yield self._gauge("planned_workflows", "Workflows by action in the plan.", _planned(run))
        yield self._gauge("last_run_workflows", "Workflows by action and result.", _results(run))
        sent = run.traffic
        yield self._gauge("last_run_requests", "Requests to the API, retries included.", sent.requests)
        yield self._gauge("last_run_retries", "Requests that were retries.", sent.retries)
        yield self._gauge("last_run_throttled", "Answers with status 429, Too Many Requests.", sent.throttled)
        yield self._gauge(
            "last_run_wait_seconds", "Seconds that requests waited, summed over all threads.", sent.waited
        )

    def _gauge(self, name: str, text: str, found: float | Iterable[tuple[tuple[str, ...], float]]) -> Metric:
        """Return a family of one sample, or of one for each tuple of alternating label names and values."""
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - 60 ms

        samples = [((), float(found))] if isinstance(found, int | float) else [*found]
        common = self._common()
        family = GaugeMetricFamily(PREFIX + name, text, labels=[*common, *samples[0][0][::2]])
        for labels, value in samples:
            family.add_metric([*common.values(), *labels[1::2]], value)
        return family

    def _common(self) -> dict[str, str]:
        return {"environment": self.values.environment} if self.values.environment else {}

    def _runs(self, succeeded: int, failed: int) -> Metric:
        from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415

        common = self._common()
        labels = [*common, "result"]
        family = CounterMetricFamily(f"{PREFIX}runs", "Runs since the process started.", labels=labels)
        family.add_metric([*common.values(), "success"], succeeded)
        family.add_metric([*common.values(), "failure"], failed)
        return family


def _planned(run: Outcome) -> Iterator[tuple[tuple[str, ...], float]]:
    for name in ACTIONS:
        yield ("action", name), math.nan if run.planned is None else run.planned.get(name, 0)


def _results(run: Outcome) -> Iterator[tuple[tuple[str, ...], float]]:
    counts = run.by_action_and_status()
    for action in _CHANGING:
        for status in _STATUSES:
            count = math.nan if run.planned is None else counts.get((action, status), 0)
            yield ("action", action, "status", status), count


def _registry(values: JobMetrics) -> CollectorRegistry:
    from prometheus_client.registry import CollectorRegistry  # noqa: PLC0415 - 60 ms

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(values))
    return registry


def metrics_text(values: JobMetrics) -> str:
    """Return the metrics in the text format 0.0.4, without timestamps."""
    from prometheus_client.exposition import generate_latest  # noqa: PLC0415

    return generate_latest(_registry(values)).decode("utf-8")


def earlier_success(file: Path | None, environment: str) -> float | None:
    """Return the time of the last success from the metrics file of an earlier process, if it can be read."""
    if file is None:
        return None
    try:
        return read_last_success(read_bounded(file, _MOST_BYTES).decode("utf-8", "replace"), environment)
    except UnreadableError:
        return None


def read_last_success(text: str, environment: str) -> float | None:
    """Return the time of the last success from an earlier metrics file; `None` if it has none.

    Args:
        text: The content of the file, which may be anything.
        environment: The environment to look for.
    """
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415

    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == _LAST_SUCCESS and sample.labels.get("environment", "") == environment:
                    return sample.value if math.isfinite(sample.value) else None
    except (ValueError, KeyError, IndexError):  # not a metrics file, or a truncated one
        return None
    return None


def push(sender: WebhookSender, values: JobMetrics) -> None:
    """Push the metrics to a Pushgateway.

    They are added to their group, so what a failed run does not know, such as the last success, stays.

    Args:
        sender: Posts to the Pushgateway.
        values: The values of the metrics.

    Raises:
        ReconcilerError: The Pushgateway cannot be reached, or refuses.
    """
    from prometheus_client.exposition import pushadd_to_gateway  # noqa: PLC0415 - 60 ms

    def handler(
        url: str, method: str, timeout: float | None, headers: Sequence[tuple[str, str]], data: bytes
    ) -> Callable[[], None]:
        del method, timeout  # always POST, and the sender has its own timeouts
        return lambda: sender.post(data, dict(headers)["Content-Type"], url)

    group = {"environment": values.environment} if values.environment else {}
    pushadd_to_gateway(sender.url, JOB, _registry(values), group, handler=handler)
