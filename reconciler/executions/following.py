"""Follows a run until it has ended. It only reads: stopping to follow leaves the run going."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from reconciler.api import TenantRunner
from reconciler.errors import ReconcilerError
from reconciler.retrying import Timing
from reconciler.values import JsonObject, JsonValue, as_list, as_object

SUCCESS: Final = "Success"
_ENDED: Final = frozenset({SUCCESS, "Failed", "Stopped"})
_GOING_ON: Final = frozenset({"Running", "Stopping"})


class StillRunningError(ReconcilerError):
    """A run has not ended within the time it was given; it goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepState:
    """How far a step has come.

    Args:
        name: The step.
        status: Its status; empty when it is not told.
        started_at: When it began, as the server writes it.
        finished_at: When it ended.
    """

    name: str
    status: str
    started_at: str | None
    finished_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """How far a run has come.

    Args:
        status: Its status; empty when it is not told.
        finished_at: When it ended, as the server writes it.
        steps: Its steps, in the server's order.
    """

    status: str
    finished_at: str | None
    steps: tuple[StepState, ...]

    @property
    def ended(self) -> bool:
        """Whether it has ended: as documented, or with a status of its own and the time of its end."""
        return self.status in _ENDED or (self.finished_at is not None and self.status not in _GOING_ON)


def follow_run(api: TenantRunner, workflow_id: int, execution_id: str, timing: Timing) -> Iterator[RunState]:
    """Yield how far a run has come, again and again; the last one is that of its end.

    A reading that fails is tried again at the next look, `timing.tries` in a row: a run may take hours, and
    one that has just begun may not be told of yet.

    Args:
        api: The tenant.
        workflow_id: The workflow.
        execution_id: The run.
        timing: How often it is looked at, and how long.

    Raises:
        StillRunningError: It has not ended within `timing.wait_running` seconds.
        ReconcilerError: As the client.
    """
    end = timing.monotonic() + timing.wait_running
    failures = 0
    while True:
        try:
            state = run_state(api.get_execution_details(workflow_id, execution_id))
        except ReconcilerError:
            failures += 1
            if failures >= timing.tries:
                raise
        else:
            failures = 0
            yield state
            if state.ended:
                return
        left = end - timing.monotonic()
        if left <= 0:
            raise StillRunningError(f"the run has not ended after {timing.wait_running:.0f} s of waiting")
        timing.sleep(min(timing.poll, left))


def run_state(details: JsonObject) -> RunState:
    """Return how far a run has come, as `get_execution_details` answers it."""
    return RunState(
        status=_text(details.get("status")) or "",
        finished_at=_text(details.get("finishedAt")),
        steps=tuple(_step(as_object(step)) for step in as_list(details.get("steps"))),
    )


def _step(step: JsonObject) -> StepState:
    return StepState(
        name=_text(step.get("name")) or "",
        status=_text(step.get("status")) or "",
        started_at=_text(step.get("startedAt")),
        finished_at=_text(step.get("finishedAt")),
    )


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and value else None
