"""Schedules: when a cron expression starts a workflow, by the clock of a time zone.

One reading of cron expressions serves the checks of manifests, the next run that commands show, and the
forecast. Nothing here reads a file, asks the API or looks at the clock.
"""

from reconciler.schedules.cron import Cron, cron_error
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
    "ClockChange",
    "Cron",
    "SchedulerRules",
    "clock_changes",
    "cron_error",
    "next_run",
    "runs_between",
]
