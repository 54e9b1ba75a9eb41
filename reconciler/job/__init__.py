"""The scheduled job: runs, once or in a loop, with a log, metrics, notifications, a lock and probes.

A run ends in one value, its `Outcome`, from which logs, metrics and notifications are made.
"""

from reconciler.job.context import Job, JobOptions, starting_place
from reconciler.job.log import JsonLog, TextLog, wants_json
from reconciler.job.loop import run_job
from reconciler.job.notifications import FORMATS
from reconciler.job.outcome import OutcomeKind
from reconciler.job.platform_watch import probe_and_notify
from reconciler.job.probes import read_address
from reconciler.job.signals import Signals

__all__ = [
    "FORMATS",
    "Job",
    "JobOptions",
    "JsonLog",
    "OutcomeKind",
    "Signals",
    "TextLog",
    "probe_and_notify",
    "read_address",
    "run_job",
    "starting_place",
    "wants_json",
]
