"""Applying a plan: one guarded and verified write after the other, with a report of the results.

It writes through the port (`reconciler.api`), never decides what is wanted (the plan did), and never prints:
progress goes to whoever listens, the outcome into a `Report`.
"""

from reconciler.apply.one_workflow import Applier
from reconciler.apply.report import Report, Result, Status
from reconciler.apply.run import Progress, apply_plan

__all__ = ["Applier", "Progress", "Report", "Result", "Status", "apply_plan"]
