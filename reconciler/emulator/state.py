"""The emulator's state: stored workflows and executions as frozen values, their data file, and `HttpError`.

`tenant_store` decides what may change; `emulated_executions` computes how far an execution has come.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from reconciler.errors import InvalidInputError, ReconcilerError
from reconciler.files import write_atomically
from reconciler.values import JsonObject

_FORMAT: Final = "peak-reconciler-emulator/1"


class HttpError(ReconcilerError):
    """A request that the emulated API answers with an error status.

    Args:
        status: The HTTP status of the answer, 400 to 599.
        detail: The text that the answer has under `detail`.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One stored workflow: the body as sent, and what the platform adds to it.

    `body` is never changed in place; `webhooks` has one UUID for each webhook trigger, in their order.
    Moments are epoch seconds.
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
    """One step of an execution as planned at its start: its outcome, its times and its log lines.

    `outcome` is a final step status; `start` and `end` are seconds after the execution's start.
    """

    name: str
    kind: str
    outcome: str
    start: float
    end: float
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One execution of a workflow; its progress follows from the clock. `started_at` is epoch seconds."""

    id: str
    workflow_id: int
    started_at: float
    steps: tuple[PlannedStep, ...]


@dataclass(slots=True)
class State:
    """Everything that the emulator stores: records and executions by workflow ID, and the next free ID."""

    next_id: int = 1
    records: dict[int, Record] = field(default_factory=dict)
    executions: dict[int, list[Execution]] = field(default_factory=dict)


class DataFile:
    """A JSON file that holds the whole state and is replaced atomically after each change.

    Args:
        path: The file; created at the first change. A file that the emulator did not write is refused.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)

    def load(self) -> State:
        """Return the state in the file; an empty state when there is no file.

        Raises:
            InvalidInputError: When the file cannot be read, or is not the emulator's.
        """
        try:
            if self._path.exists() and not self._path.is_file():
                raise InvalidInputError(f"cannot read {self._path}: it is not a regular file")
            return _decode(json.loads(self._path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return State()
        except OSError as error:
            raise InvalidInputError(f"cannot read {self._path}: {error.strerror}") from error
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise InvalidInputError(f"{self._path} is not a data file of the emulator") from error

    def save(self, state: State) -> None:
        """Replace the file's content with `state`; a reader sees the old content or the new, never a mix.

        Raises:
            InvalidInputError: When the file cannot be written.
        """
        try:
            write_atomically(self._path, json.dumps(_encode(state)), private=True)
        except OSError as error:
            raise InvalidInputError(f"cannot write {self._path}: {error.strerror}") from error


def _encode(state: State) -> JsonObject:
    return {
        "format": _FORMAT,
        "nextId": state.next_id,
        "records": [asdict(record) for record in state.records.values()],
        "executions": [asdict(execution) for group in state.executions.values() for execution in group],
    }


def _decode(content: dict[str, Any]) -> State:
    if content["format"] != _FORMAT:
        raise ValueError(content["format"])
    state = State(next_id=int(content["nextId"]))
    for fields in content["records"]:
        record = Record(**{**fields, "webhooks": tuple(fields["webhooks"])})
        state.records[record.id] = record
    for fields in content["executions"]:
        steps = tuple(PlannedStep(**{**step, "lines": tuple(step["lines"])}) for step in fields["steps"])
        execution = Execution(**{**fields, "steps": steps})
        state.executions.setdefault(execution.workflow_id, []).append(execution)
    return state
