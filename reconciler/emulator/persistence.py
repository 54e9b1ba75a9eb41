"""The emulator's data file: its whole state as JSON, replaced in one step after each change.

It knows nothing of HTTP and decides nothing about workflows. A file that it did not write is refused, never
overwritten.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.emulator.model import Execution, PlannedStep, Record, State
from reconciler.errors import InvalidInputError

if TYPE_CHECKING:
    from reconciler.values import JsonObject

_FORMAT: Final = "peak-reconciler-emulator/1"


class JsonFile:
    """Keeps a store's state in a file.

    Args:
        path: The file; made at the first change where there is none.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)

    def load(self) -> State:
        """Return the state in the file; an empty one when there is no file.

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
        """Replace the file's content by `state`: a reader sees all of the old or all of the new.

        Raises:
            InvalidInputError: When the file cannot be written.
        """
        try:
            handle, scratch = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as stream:
                    json.dump(_encode(state), stream)
                Path(scratch).replace(self._path)
            except BaseException:
                Path(scratch).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise InvalidInputError(f"cannot write {self._path}: {error.strerror}") from error


def _encode(state: State) -> JsonObject:
    return {
        "format": _FORMAT,
        "nextId": state.next_id,
        "records": [asdict(record) for record in state.records.values()],
        "executions": [asdict(run) for runs in state.executions.values() for run in runs],
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
        run = Execution(**{**fields, "steps": steps})
        state.executions.setdefault(run.workflow_id, []).append(run)
    return state
