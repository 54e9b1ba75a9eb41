"""What came of starting a run, as JSON, and the lines that tell how it goes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.executions.following import RunState, StepState
from reconciler.executions.starting import Started
from reconciler.text import Redactor, clip, printable
from reconciler.values import JsonObject
from reconciler.workflow import Live

FORMAT_VERSION: Final = 1
_MOST_NAMES: Final = 5


def run_json(workflow: Live, started: Started, state: RunState | None, redactor: Redactor) -> str:
    """Return one JSON object about a run that was started, without any secret.

    Args:
        workflow: What runs.
        started: The run.
        state: How far it was seen to come; `None` when nobody looked.
        redactor: What removes known secrets.
    """
    document: JsonObject = {
        "format_version": FORMAT_VERSION,
        "workflow": {"id": workflow.id, "name": workflow.name},
        "execution_id": started.id,
        "status": None if state is None else state.status,
        "steps": None if state is None else [_step(step) for step in state.steps],
        "notes": [*started.notes],
    }
    return json.dumps(redactor.value(document), indent=2, ensure_ascii=True)


def changed_lines(before: RunState | None, state: RunState) -> Iterator[str]:
    """Yield a line for each step whose status is another one than `before`."""
    known = {} if before is None else {step.name: step.status for step in before.steps}
    for step in state.steps:
        if step.status != known.get(step.name):
            yield printable(f"{clip(step.name)}: {clip(step.status)}")


def outcome_line(workflow: Live, started: Started, state: RunState) -> str:
    """Return the line that says how a run ended, and which steps failed."""
    failed = [f"{step.name}" for step in state.steps if step.status == "Failed"]
    told = f"; failed: {some_names(failed)}" if failed else ""
    return printable(f"{workflow.name}: the run {started.id} ended: {clip(state.status) or 'unknown'}{told}")


def some_names(names: Iterable[str]) -> str:
    """Return the first few of `names`, for a message."""
    listed = [clip(printable(name), 60) for name in names]
    return ", ".join(listed[:_MOST_NAMES]) + (", …" if len(listed) > _MOST_NAMES else "")


def _step(step: StepState) -> JsonObject:
    return {
        "name": step.name,
        "status": step.status,
        "started_at": step.started_at,
        "finished_at": step.finished_at,
    }
