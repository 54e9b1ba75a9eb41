"""The scheduled job: runs, once or in a loop, with a log, metrics, notifications, a lock and probes.

A run ends in one value, its `Outcome`, from which logs, metrics and notifications are made.
"""
