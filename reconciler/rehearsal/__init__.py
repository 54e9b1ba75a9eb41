"""Rehearsal of a plan: a copy of the tenant on an emulator, what may go wrong, and what an apply will do.

Secrets have stand-ins before anything reaches the emulator. It knows plans and workflows, and not how a plan
is applied: `operations` has that done, in processes of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.lazy_face import lazy_face

if TYPE_CHECKING:
    from reconciler.rehearsal.emulated_copy import EmulatedCopy, copied_workflows
    from reconciler.rehearsal.expected_duration import Pace, Part, expected_seconds
    from reconciler.rehearsal.faulty_runs import FAULTS, FaultyRun, draw_faults
    from reconciler.rehearsal.prediction import EndState, Prediction, Rehearsal, Rehearsed, Undone
    from reconciler.rehearsal.run_processes import RunProcesses
    from reconciler.rehearsal.stand_ins import StandIns

__all__ = [
    "FAULTS",
    "EmulatedCopy",
    "EndState",
    "FaultyRun",
    "Pace",
    "Part",
    "Prediction",
    "Rehearsal",
    "Rehearsed",
    "RunProcesses",
    "StandIns",
    "Undone",
    "copied_workflows",
    "draw_faults",
    "expected_seconds",
]

__getattr__ = lazy_face(
    __name__,
    emulated_copy="copied_workflows EmulatedCopy",
    expected_duration="expected_seconds Pace Part",
    faulty_runs="draw_faults FAULTS FaultyRun",
    prediction="EndState Prediction Rehearsal Rehearsed Undone",
    run_processes="RunProcesses",
    stand_ins="StandIns",
)
