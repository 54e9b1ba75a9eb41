"""Schedules: when a cron expression starts a workflow, by the clock of a time zone.

One reading of cron expressions serves the checks of manifests, the next run that commands show, and the
forecast. Nothing here reads a file, asks the API or looks at the clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.lazy_face import lazy_face

if TYPE_CHECKING:
    from reconciler.schedules.cron import Cron, cron_error
    from reconciler.schedules.forecast import (
        ClockEffect,
        Forecast,
        HourLoad,
        Overlap,
        ScheduledWorkflow,
        TooManyRunsError,
        Triggers,
        WorkflowForecast,
        make_forecast,
        percentile_90,
    )
    from reconciler.schedules.learning import Basis, KnownRules, Observation, learn_rules
    from reconciler.schedules.runs import (
        DEFAULT_RULES,
        ClockChange,
        SchedulerRules,
        clock_changes,
        next_run,
        runs_between,
    )

__all__ = [
    "DEFAULT_RULES",
    "Basis",
    "ClockChange",
    "ClockEffect",
    "Cron",
    "Forecast",
    "HourLoad",
    "KnownRules",
    "Observation",
    "Overlap",
    "ScheduledWorkflow",
    "SchedulerRules",
    "TooManyRunsError",
    "Triggers",
    "WorkflowForecast",
    "clock_changes",
    "cron_error",
    "learn_rules",
    "make_forecast",
    "next_run",
    "percentile_90",
    "runs_between",
]

__getattr__ = lazy_face(  # so that `validate` does not load a forecast
    __name__,
    cron="Cron cron_error",
    forecast="ClockEffect Forecast HourLoad make_forecast Overlap percentile_90 ScheduledWorkflow "
    "TooManyRunsError Triggers WorkflowForecast",
    learning="Basis KnownRules learn_rules Observation",
    runs="ClockChange clock_changes DEFAULT_RULES next_run runs_between SchedulerRules",
)
