"""What the emulator remembers: stored workflows and their executions, as frozen values.

No behaviour: `store` says what may change, `executions` computes how far a run has come.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One stored workflow: the body as it was sent, and what the platform adds to it.

    `body` is never changed in place; `webhooks` has one UUID for each webhook trigger, in their order.
    """

    id: int
    name: str
    body: JsonObject
    webhooks: tuple[str, ...]
    created_at: float
    updated_at: float
    modified_by: str
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """What will become of one step of a run: its outcome, when it starts and ends, and what it logs.

    `outcome` is a final step status; `start` and `end` are seconds after the run's start.
    """

    name: str
    kind: str
    outcome: str
    start: float
    end: float
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One run of a workflow; how far it has come follows from the clock."""

    id: str
    workflow_id: int
    started_at: float
    steps: tuple[PlannedStep, ...]


@dataclass(slots=True)
class State:
    """Everything that the emulator remembers, and all that its data file holds."""

    next_id: int = 1
    records: dict[int, Record] = field(default_factory=dict)
    executions: dict[int, list[Execution]] = field(default_factory=dict)
