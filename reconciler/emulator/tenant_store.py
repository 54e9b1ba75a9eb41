"""The store of the emulated tenant: its workflows and executions, and the rules for changing them.

No HTTP, no read-side quirks. Bodies are stored exactly as sent (only a `name` left out of a replacement is
filled in). Every method takes a lock, so a test may change the store while the server answers.
"""

from __future__ import annotations

import math
import threading
import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from reconciler.emulator import emulated_executions
from reconciler.emulator.accepted_bodies import check_body, copy_json, effective_triggers, webhook_policy
from reconciler.emulator.emulated_executions import plan_steps
from reconciler.emulator.state import Execution, HttpError, Record, State
from reconciler.values import JsonObject, as_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconciler.emulator.state import DataFile

API_USER: Final = "api-user@example.com"
"""The user of every change through the API, which `lastModifiedBy` finds."""

_EXECUTIONS_KEPT: Final = 500
_PAST_KEPT: Final = 60.0
"""How long an old version of a workflow is kept for a reader that lags, in seconds."""


class TenantStore:
    """The workflows and executions of one tenant.

    Args:
        clock: Returns the current time in epoch seconds.
        step_seconds: The duration of each step of an execution.
        data_file: Where the state is loaded from, and saved to after each change; memory only when None.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        step_seconds: float = 0.2,
        data_file: DataFile | None = None,
    ) -> None:
        self._clock = clock
        self._step_seconds = step_seconds
        self._file = data_file
        self._lock = threading.RLock()
        self._state = data_file.load() if data_file else State()
        self._past: dict[int, list[tuple[float, Record | None]]] = {}

    def now(self) -> float:
        """Return the current time of the store's clock in epoch seconds."""
        return self._clock()

    # Reading

    def workflows(self) -> dict[int, JsonObject]:
        """Return a copy of every stored body by workflow ID."""
        return {record.id: as_object(copy_json(record.body)) for record in self.records()}

    def records(self, age: float = 0.0) -> list[Record]:
        """Return every workflow as it was `age` seconds ago, in the order of creation."""
        with self._lock:
            if not age:
                return list(self._state.records.values())
            ids = sorted({*self._state.records, *self._past})
            found = [self._at(workflow_id, age) for workflow_id in ids]
        return [record for record in found if record is not None]

    def get(self, workflow_id: int, age: float = 0.0) -> Record:
        """Return one workflow as it was `age` seconds ago.

        Raises:
            HttpError: 404 when no workflow had this ID.
        """
        with self._lock:
            record = self._at(workflow_id, age)
        if record is None:
            raise HttpError(404, f"workflow {workflow_id} not found")
        return record

    def status(self, record: Record) -> str:
        """Return the workflow's status: `Running`, `Paused`, `Draft` (no steps) or `Available`."""
        if self._is_running(record.id):
            return "Running"
        if record.paused:
            return "Paused"
        return "Available" if record.body.get("steps") else "Draft"

    def executions(self, workflow_id: int) -> list[Execution]:
        """Return the executions of a workflow, newest first.

        Raises:
            HttpError: 404 when no workflow has this ID.
        """
        self.get(workflow_id)
        with self._lock:
            return self._state.executions.get(workflow_id, [])[::-1]

    def last_execution(self, workflow_id: int) -> Execution | None:
        """Return the newest execution of a workflow; None when there is none."""
        with self._lock:
            executions = self._state.executions.get(workflow_id)
            return executions[-1] if executions else None

    def execution(self, execution_id: str, workflow_id: int | None = None) -> Execution:
        """Return one execution, of `workflow_id` or of any workflow.

        Raises:
            HttpError: 404 when no execution has this ID.
        """
        with self._lock:
            state = self._state.executions
            groups = list(state.values()) if workflow_id is None else [state.get(workflow_id, [])]
            for execution in (execution for group in groups for execution in group):
                if execution.id == execution_id:
                    return execution
        raise HttpError(404, f"execution {execution_id!r} not found")

    # Changing

    def restore(self, records: Iterable[Record]) -> None:
        """Take over workflows with their IDs, as they are elsewhere; later ones get higher IDs."""
        with self._lock:
            for record in records:
                self._state.records[record.id] = record
                self._state.next_id = max(self._state.next_id, record.id + 1)
            self._save()

    def create(self, body: JsonObject, *, by: str = API_USER, unique_names: bool = False) -> int:
        """Store a new workflow and return its ID.

        Raises:
            HttpError: 400 when the body is invalid, 409 when `unique_names` and the name is taken.
        """
        checked = check_body(body)
        with self._lock:
            name = str(checked["name"])
            self._refuse_taken(name, None, unique_names=unique_names)
            now, workflow_id = self.now(), self._state.next_id
            self._state.next_id += 1
            self._put(
                Record(
                    id=workflow_id,
                    name=name,
                    body=checked,
                    webhooks=_webhooks(checked, ()),
                    created_at=now,
                    updated_at=now,
                    modified_by=by,
                )
            )
        return workflow_id

    def replace(
        self, workflow_id: int, body: JsonObject, *, by: str = API_USER, unique_names: bool = False
    ) -> None:
        """Replace a workflow's whole body; keep its paused state, and its name when the body has none.

        Raises:
            HttpError: 400 and 409 as for `create`, 404 when no workflow has this ID.
        """
        with self._lock:
            record = self.get(workflow_id)
            checked = check_body(body, name=record.name)
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
        """Delete a workflow and its executions.

        Raises:
            HttpError: 404 when no workflow has this ID, 409 while it runs.
        """
        with self._lock:
            self.get(workflow_id)
            if self._is_running(workflow_id):
                raise HttpError(409, f"workflow {workflow_id} is running and cannot be deleted")
            self._keep_past(workflow_id, None)
            del self._state.records[workflow_id]
            self._state.executions.pop(workflow_id, None)
            self._save()

    def set_paused(self, workflow_id: int, *, paused: bool) -> None:
        """Pause or resume a workflow; idempotent.

        Raises:
            HttpError: 404 when no workflow has this ID.
        """
        with self._lock:
            self._put(replace(self.get(workflow_id), paused=paused))

    def execute(
        self, workflow_id: int, request: JsonObject | None = None, *, at: float | None = None
    ) -> Execution:
        """Start an execution and return it.

        Args:
            workflow_id: The workflow.
            request: The body of the request, see `plan_steps`.
            at: When it starts, in epoch seconds; now by default.

        Raises:
            HttpError: 404 when no workflow has this ID; 409 when it is paused, has no steps, or is running
                without `metadata.allowConcurrentExecution`; 400 or 422 when its steps cannot be run.
        """
        with self._lock:
            record, start = self.get(workflow_id), self.now() if at is None else at
            self._refuse_execution(record, start)
            execution = Execution(
                id=str(uuid.uuid4()),
                workflow_id=workflow_id,
                started_at=start,
                steps=plan_steps(as_object(record.body.get("steps")), request or {}, self._step_seconds),
            )
            executions = self._state.executions.setdefault(workflow_id, [])
            executions.append(execution)
            del executions[:-_EXECUTIONS_KEPT]
            self._save()
        return execution

    def _refuse_execution(self, record: Record, now: float) -> None:
        if record.paused:
            raise HttpError(409, f"workflow {record.id} is paused")
        if not record.body.get("steps"):
            raise HttpError(409, f"workflow {record.id} is a draft without steps")
        concurrent = as_object(record.body.get("metadata")).get("allowConcurrentExecution")
        if concurrent is not True and self._is_running(record.id, now):
            raise HttpError(409, f"workflow {record.id} is already running")

    def _refuse_taken(self, name: str, own_id: int | None, *, unique_names: bool) -> None:
        others = (record for record in self._state.records.values() if record.id != own_id)
        if unique_names and any(record.name == name for record in others):
            raise HttpError(409, f"a workflow named {name!r} exists already")

    def _is_running(self, workflow_id: int, at: float | None = None) -> bool:
        with self._lock:
            executions = self._state.executions.get(workflow_id, [])
        now = self.now() if at is None else at
        return any(
            emulated_executions.status(execution, now) == emulated_executions.RUNNING
            for execution in reversed(executions)
        )

    def _put(self, record: Record) -> None:
        self._keep_past(record.id, record)
        self._state.records[record.id] = record
        self._save()

    def _keep_past(self, workflow_id: int, record: Record | None) -> None:
        """Keep the change of a workflow to `record`, None for its deletion, as long as a lag may ask for."""
        now, before = self.now(), self._state.records.get(workflow_id)
        past = self._past.setdefault(workflow_id, [(-math.inf, before)])
        while len(past) > 1 and past[1][0] < now - _PAST_KEPT:
            del past[0]
        past.append((now, record))

    def _at(self, workflow_id: int, age: float) -> Record | None:
        """Return a workflow as it was `age` seconds ago; None when it was not there."""
        if not age or workflow_id not in self._past:
            return self._state.records.get(workflow_id)
        moment = self.now() - age
        return next((record for since, record in reversed(self._past[workflow_id]) if since <= moment), None)

    def _save(self) -> None:
        if self._file is not None:
            self._file.save(self._state)


def _webhooks(body: JsonObject, existing: tuple[str, ...]) -> tuple[str, ...]:
    """Return one UUID for each webhook trigger: an existing one only where the policy is `preserve`."""
    policies = [webhook_policy(trigger) for trigger in effective_triggers(body) if trigger.get("webhook")]
    return tuple(
        existing[position] if policy == "preserve" and position < len(existing) else str(uuid.uuid4())
        for position, policy in enumerate(policies)
    )
