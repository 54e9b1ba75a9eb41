"""Lookup of one live workflow by its name or id, and of one of its executions."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from reconciler.api import TenantReader
from reconciler.client import AmbiguousNameError, Workflow
from reconciler.errors import ReconcilerError, UsageError
from reconciler.executions import ExecutionState, execution_state
from reconciler.plan import describe, list_tenant
from reconciler.render import some_names
from reconciler.text import clip, printable
from reconciler.workflow import Live


def one_named(name: str | None, workflow_id: int | None) -> None:
    """Check that one workflow is named: by name or by id, not both.

    Raises:
        UsageError: It is not.
    """
    if (name is None) is (workflow_id is None):
        raise UsageError("name one workflow: by its NAME, or by --id N")


def live_workflow(
    api: TenantReader, name: str | None, workflow_id: int | None, reassurance: str = ""
) -> Live:
    """Return the live workflow of an id, else of an exact name.

    Args:
        api: The tenant.
        name: Its name; `None` when the id is given.
        workflow_id: Its id.
        reassurance: Last sentence of the error's hint, such as "Nothing was started."

    Raises:
        AmbiguousNameError: Several have this name.
        ReconcilerError: There is none; or as the client.
    """
    if workflow_id is not None or name is None:
        return describe(api, workflow_id or 0)
    found = list_tenant(api, name)
    if len(found) > 1:
        ids = ", ".join(str(item.id) for item in found)
        raise AmbiguousNameError(
            f"there are {len(found)} live workflows named {clip(printable(name), 100)!r}: ids {ids}",
            hint=_hint("Choose one with --id N.", reassurance),
        )
    if not found:
        names = {item.name for item in list_tenant(api)}
        raise unknown(f"there is no workflow named {clip(printable(name), 100)!r}", name, names, reassurance)
    return describe(api, found[0].id)


def unknown(message: str, name: str, known: Iterable[str], reassurance: str = "") -> ReconcilerError:
    """Return the error for an unknown name, with the most similar known ones as its hint.

    Args:
        message: What was found.
        name: The unknown name.
        known: The names that exist.
        reassurance: Last sentence of the hint.
    """
    near = difflib.get_close_matches(name, sorted(known))
    return ReconcilerError(
        message, hint=_hint(f"Did you mean {some_names(near)}?" if near else "", reassurance)
    )


def _hint(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def live_execution(
    api: Workflow, name: str | None, workflow_id: int | None, execution: str | None
) -> tuple[Live, str, ExecutionState]:
    """Return a live workflow, the id of one of its executions, and the state of that.

    Args:
        api: The tenant.
        name: The name of the workflow; `None` when its id is given.
        workflow_id: Its id.
        execution: The id of the execution; `None` for the latest one.

    Raises:
        ReconcilerError: There is no such workflow or execution; or as the client.
    """
    workflow = live_workflow(api, name, workflow_id)
    identity = execution or _latest_execution(api, workflow)
    return workflow, identity, execution_state(api.get_execution_details(workflow.id, identity))


def _latest_execution(api: Workflow, workflow: Live) -> str:
    latest = next(api.list_executions(workflow.id, page_size=1, count=1), {})
    identity = latest.get("executionId")
    if not isinstance(identity, str) or not identity:
        raise ReconcilerError(f"the workflow {clip(printable(workflow.name), 100)!r} has no executions yet")
    return identity
