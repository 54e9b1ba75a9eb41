"""Rehearsal of a plan: a copy of the tenant on an emulator, what may go wrong, and what an apply will do.

Secrets get dummy values before anything reaches the emulator. The package knows plans and workflows, and not
how a plan is applied: `operations` does that, in processes of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.lazy_face import lazy_face

if TYPE_CHECKING:
    from reconciler.rehearsal.dummy_secrets import DummySecrets
    from reconciler.rehearsal.emulated_copy import CanonicalForms, EmulatedCopy, copied_workflows
    from reconciler.rehearsal.expected_duration import RequestPace, WorkPart, expected_seconds
    from reconciler.rehearsal.faulty_runs import FAULTS, FaultyRun, draw_faults
    from reconciler.rehearsal.prediction import EndState, Prediction, Rehearsal, Rehearsed, Undone
    from reconciler.rehearsal.run_processes import RunProcesses

__all__ = [
    "FAULTS",
    "CanonicalForms",
    "DummySecrets",
    "EmulatedCopy",
    "EndState",
    "FaultyRun",
    "Prediction",
    "Rehearsal",
    "Rehearsed",
    "RequestPace",
    "RunProcesses",
    "Undone",
    "WorkPart",
    "copied_workflows",
    "draw_faults",
    "expected_seconds",
]

__getattr__ = lazy_face(
    __name__,
    emulated_copy="CanonicalForms copied_workflows EmulatedCopy",
    expected_duration="expected_seconds RequestPace WorkPart",
    faulty_runs="draw_faults FAULTS FaultyRun",
    prediction="EndState Prediction Rehearsal Rehearsed Undone",
    run_processes="RunProcesses",
    dummy_secrets="DummySecrets",
)
