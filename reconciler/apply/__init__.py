"""Applying a plan: one guarded and verified write after the other, with a report of the results.

It writes through the port (`reconciler.api`), never decides what is wanted (the plan did), and never prints:
progress goes to whoever listens, the outcome into a `Report`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.lazy_face import lazy_face

if TYPE_CHECKING:
    from reconciler.apply.one_workflow import Applier
    from reconciler.apply.report import Report, Result, Status
    from reconciler.apply.run import Progress, apply_plan, workers_for

__all__ = ["Applier", "Progress", "Report", "Result", "Status", "apply_plan", "workers_for"]

__getattr__ = lazy_face(  # so that `plan` loads nothing that writes
    __name__,
    one_workflow="Applier",
    report="Report Result Status",
    run="Progress apply_plan workers_for",
)
