"""The emulated tenant: what it stores and what may be done to it, free of HTTP and of read-side quirks.

Bodies are stored exactly as they were sent (only a `name` left out of a replacement is filled in). Every
method takes a lock, so a test may change things behind the server's back while it answers.
"""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from reconciler.emulator import executions
from reconciler.emulator.bodies import checked_body, copy_json, triggers, webhook_policy
from reconciler.emulator.model import Execution, Record, State
from reconciler.emulator.planning import plan_steps
from reconciler.emulator.refusal import Refusal
from reconciler.values import JsonObject, as_object

if TYPE_CHECKING:
    from collections.abc import Callable

API_USER: Final = "api-user@example.com"
"""Who changes workflows through the API; `lastModifiedBy` finds it."""

_EXECUTIONS_KEPT: Final = 500


class StateFile(Protocol):
    """Where a store's state outlives the process."""

    def load(self) -> State:
        """Return the state as last saved; an empty one when there is none."""

    def save(self, state: State) -> None:
        """Keep `state`, all of it or nothing."""


class Store:
    """The workflows and executions of one tenant.

    Args:
        clock: Gives the present moment in epoch seconds.
        step_seconds: How long each step of a run takes.
        state_file: Where the state is loaded from, and saved to after each change; memory only when None.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        step_seconds: float = 0.2,
        state_file: StateFile | None = None,
    ) -> None:
        self._clock = clock
        self._step_seconds = step_seconds
        self._file = state_file
        self._lock = threading.RLock()
        self._state = state_file.load() if state_file else State()

    def now(self) -> float:
        """Return the present moment, as the store's clock has it."""
        return self._clock()

    # Reading

    def workflows(self) -> dict[int, JsonObject]:
        """Return a copy of every stored body by the workflow's ID."""
        return {record.id: as_object(copy_json(record.body)) for record in self.records()}

    def records(self) -> list[Record]:
        """Return every workflow, in the order of creation."""
        with self._lock:
            return list(self._state.records.values())

    def get(self, workflow_id: int) -> Record:
        """Return one workflow.

        Raises:
            Refusal: 404 when there is none of this ID.
        """
        with self._lock:
            record = self._state.records.get(workflow_id)
        if record is None:
            raise Refusal(404, f"workflow {workflow_id} not found")
        return record

    def status(self, record: Record) -> str:
        """Return the workflow's status: `Running`, `Paused`, `Draft` (no steps) or `Available`."""
        if self._is_running(record.id):
            return "Running"
        if record.paused:
            return "Paused"
        return "Available" if record.body.get("steps") else "Draft"

    def executions(self, workflow_id: int) -> list[Execution]:
        """Return the runs of a workflow, the newest first.

        Raises:
            Refusal: 404 when there is no such workflow.
        """
        self.get(workflow_id)
        with self._lock:
            return self._state.executions.get(workflow_id, [])[::-1]

    def last_execution(self, workflow_id: int) -> Execution | None:
        """Return the newest run of a workflow, if it ever ran."""
        with self._lock:
            runs = self._state.executions.get(workflow_id)
            return runs[-1] if runs else None

    def execution(self, execution_id: str, workflow_id: int | None = None) -> Execution:
        """Return one run, of `workflow_id` or of any workflow.

        Raises:
            Refusal: 404 when there is none of this ID.
        """
        with self._lock:
            state = self._state.executions
            lists = list(state.values()) if workflow_id is None else [state.get(workflow_id, [])]
            for run in (run for runs in lists for run in runs):
                if run.id == execution_id:
                    return run
        raise Refusal(404, f"execution {execution_id!r} not found")

    # Changing

    def create(self, body: JsonObject, *, by: str = API_USER, unique_names: bool = False) -> int:
        """Store a new workflow and return its ID.

        Raises:
            Refusal: 400 when the body is none, 409 when names are unique and this one is taken.
        """
        checked = checked_body(body)
        with self._lock:
            name = str(checked["name"])
            self._refuse_taken(name, None, unique_names=unique_names)
            now, workflow_id = self.now(), self._state.next_id
            self._state.next_id += 1
            self._state.records[workflow_id] = Record(
                id=workflow_id,
                name=name,
                body=checked,
                webhooks=_webhooks(checked, ()),
                created_at=now,
                updated_at=now,
                modified_by=by,
            )
            self._save()
        return workflow_id

    def replace(
        self, workflow_id: int, body: JsonObject, *, by: str = API_USER, unique_names: bool = False
    ) -> None:
        """Replace a workflow's whole body; a name left out stays, and so does being paused.

        Raises:
            Refusal: 400 when the body is none, 404 without such a workflow, 409 as for `create`.
        """
        with self._lock:
            record = self.get(workflow_id)
            checked = checked_body(body, name=record.name)
            name = str(checked["name"])
            self._refuse_taken(name, workflow_id, unique_names=unique_names)
            self._put(
                replace(
                    record,
                    name=name,
                    body=checked,
                    webhooks=_webhooks(checked, record.webhooks),
                    updated_at=self.now(),
                    modified_by=by,
                )
            )

    def delete(self, workflow_id: int) -> None:
        """Delete a workflow and its runs.

        Raises:
            Refusal: 404 when there is none of this ID, 409 while it runs.
        """
        with self._lock:
            self.get(workflow_id)
            if self._is_running(workflow_id):
                raise Refusal(409, f"workflow {workflow_id} is running and cannot be deleted")
            del self._state.records[workflow_id]
            self._state.executions.pop(workflow_id, None)
            self._save()

    def set_paused(self, workflow_id: int, *, paused: bool) -> None:
        """Pause or resume a workflow; doing it twice changes nothing.

        Raises:
            Refusal: 404 when there is none of this ID.
        """
        with self._lock:
            self._put(replace(self.get(workflow_id), paused=paused))

    def execute(self, workflow_id: int, request: JsonObject | None = None) -> Execution:
        """Start a run and return it.

        Raises:
            Refusal: 404 when there is no such workflow; 409 when it is paused, has no steps, or is running
                without `metadata.allowConcurrentExecution`; 400 or 422 when its steps cannot be run.
        """
        with self._lock:
            record = self.get(workflow_id)
            self._refuse_run(record)
            run = Execution(
                id=str(uuid.uuid4()),
                workflow_id=workflow_id,
                started_at=self.now(),
                steps=plan_steps(as_object(record.body.get("steps")), request or {}, self._step_seconds),
            )
            runs = self._state.executions.setdefault(workflow_id, [])
            runs.append(run)
            del runs[:-_EXECUTIONS_KEPT]
            self._save()
        return run

    def _refuse_run(self, record: Record) -> None:
        if record.paused:
            raise Refusal(409, f"workflow {record.id} is paused")
        if not record.body.get("steps"):
            raise Refusal(409, f"workflow {record.id} is a draft without steps")
        concurrent = as_object(record.body.get("metadata")).get("allowConcurrentExecution")
        if concurrent is not True and self._is_running(record.id):
            raise Refusal(409, f"workflow {record.id} is already running")

    def _refuse_taken(self, name: str, own_id: int | None, *, unique_names: bool) -> None:
        others = (record for record in self._state.records.values() if record.id != own_id)
        if unique_names and any(record.name == name for record in others):
            raise Refusal(409, f"a workflow named {name!r} exists already")

    def _is_running(self, workflow_id: int) -> bool:
        with self._lock:
            runs = self._state.executions.get(workflow_id, [])
        now = self.now()
        return any(executions.status(run, now) == executions.RUNNING for run in reversed(runs))

    def _put(self, record: Record) -> None:
        self._state.records[record.id] = record
        self._save()

    def _save(self) -> None:
        if self._file is not None:
            self._file.save(self._state)


def _webhooks(body: JsonObject, existing: tuple[str, ...]) -> tuple[str, ...]:
    """Return one UUID for each webhook trigger: kept only where the policy says `preserve`."""
    policies = [webhook_policy(trigger) for trigger in triggers(body) if trigger.get("webhook")]
    return tuple(
        existing[position] if policy == "preserve" and position < len(existing) else str(uuid.uuid4())
        for position, policy in enumerate(policies)
    )
