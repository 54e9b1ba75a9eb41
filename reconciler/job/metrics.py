"""Metrics of a job in the Prometheus text format: the home of `prometheus_client`, which is imported late.

A registry of our own, with nothing in it but what is documented: no process or platform metrics, no name of
a workflow in a label, and the same series at every run. Numbers that a run could not find out are `NaN`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler import __version__
from reconciler.apply import Status
from reconciler.job.outcome import PLANNED, Outcome
from reconciler.render import ACTIONS

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from prometheus_client.registry import CollectorRegistry

PREFIX: Final = "peak_reconciler_"
_LAST_SUCCESS: Final = f"{PREFIX}last_success_timestamp_seconds"
_STATUSES: Final = (*(status.value for status in Status), PLANNED)
_TOUCHING: Final = tuple(name for name in ACTIONS if name != "unchanged")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the metrics are made of.

    Args:
        environment: The configured environment, a label of every series; empty when none was chosen, and
            then no label.
        outcome: The last run; `None` before the first one has ended.
        last_success: When a run last succeeded, in seconds since the epoch; `None` when that is not known.
        runs: The runs of this process that succeeded and that failed; `None` for a process of one run.
    """

    environment: str = ""
    outcome: Outcome | None = None
    last_success: float | None = None
    runs: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Collector:
    measured: Measured

    def collect(self) -> Iterator[Metric]:
        """Yield every family; called by the registry."""
        measured = self.measured
        yield self._gauge("build_info", "The version that runs.", [(("version", __version__), 1)])
        if measured.last_success is not None:
            yield self._gauge(
                "last_success_timestamp_seconds", "When a run last succeeded.", measured.last_success
            )
        if measured.runs is not None:
            yield self._runs(*measured.runs)
        if measured.outcome is not None:
            yield from self._of_run(measured.outcome)

    def _of_run(self, run: Outcome) -> Iterator[Metric]:
        drift = math.nan if run.drift is None else run.drift
        yield self._gauge("last_run_timestamp_seconds", "When the last run ended.", run.ended.timestamp())
        yield self._gauge("last_run_success", "Whether the last run did what it was to do.", run.succeeded)
        yield self._gauge("last_run_exit_code", "The exit code of the last run.", run.exit_code)
        yield self._gauge("last_run_duration_seconds", "How long the last run took.", run.seconds)
        yield self._gauge("drift_workflows", "Workflows that were not as Git wants them.", drift)
        yield self._gauge("planned_workflows", "Workflows by what the plan said of them.", _planned(run))
        yield self._gauge("last_run_workflows", "Workflows by action and how far it got.", _got(run))
        sent = run.traffic
        yield self._gauge("last_run_requests", "Requests to the API, each try counted.", sent.requests)
        yield self._gauge("last_run_retries", "Requests that were tries after the first.", sent.retries)
        yield self._gauge("last_run_throttled", "Answers that asked for fewer requests.", sent.throttled)
        yield self._gauge("last_run_wait_seconds", "What requests waited, all threads added.", sent.waited)

    def _gauge(self, name: str, text: str, values: float | Iterable[tuple[tuple[str, ...], float]]) -> Metric:
        """Return a family: one sample, or one for each pair of alternating label names and values."""
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - 60 ms

        samples = [((), float(values))] if isinstance(values, int | float) else [*values]
        common = self._common()
        family = GaugeMetricFamily(PREFIX + name, text, labels=[*common, *samples[0][0][::2]])
        for labels, value in samples:
            family.add_metric([*common.values(), *labels[1::2]], value)
        return family

    def _common(self) -> dict[str, str]:
        return {"environment": self.measured.environment} if self.measured.environment else {}

    def _runs(self, succeeded: int, failed: int) -> Metric:
        from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415

        common = self._common()
        labels = [*common, "result"]
        family = CounterMetricFamily(f"{PREFIX}runs", "Runs since this process began.", labels=labels)
        family.add_metric([*common.values(), "success"], succeeded)
        family.add_metric([*common.values(), "failure"], failed)
        return family


def _planned(run: Outcome) -> Iterator[tuple[tuple[str, ...], float]]:
    for name in ACTIONS:
        yield ("action", name), math.nan if run.planned is None else run.planned.get(name, 0)


def _got(run: Outcome) -> Iterator[tuple[tuple[str, ...], float]]:
    counts = run.counted()
    for action in _TOUCHING:
        for status in _STATUSES:
            count = math.nan if run.planned is None else counts.get((action, status), 0)
            yield ("action", action, "status", status), count


def registry_of(measured: Measured) -> CollectorRegistry:
    """Return a registry with the documented metrics and no others."""
    from prometheus_client.registry import CollectorRegistry  # noqa: PLC0415 - 60 ms

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(measured))
    return registry


def exposition(measured: Measured) -> str:
    """Return the metrics in the text format 0.0.4, without timestamps."""
    from prometheus_client.exposition import generate_latest  # noqa: PLC0415

    return generate_latest(registry_of(measured)).decode("utf-8")


def last_success_in(text: str, environment: str) -> float | None:
    """Return when a run last succeeded, as an earlier exposition says; `None` when it does not.

    Args:
        text: What stands in the metrics file; anything.
        environment: Whose runs are meant.
    """
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415

    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == _LAST_SUCCESS and sample.labels.get("environment", "") == environment:
                    return sample.value if math.isfinite(sample.value) else None
    except (ValueError, KeyError, IndexError):  # a file of somebody else's, or one cut off
        return None
    return None
