"""Status: the sync state of each workflow, and how its last executions went. Sends no request but GET."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from reconciler.client import Workflow
from reconciler.concurrency import read_all
from reconciler.errors import ExitCode
from reconciler.executions import ExecutionFilter, ListedExecution, executions_or_error
from reconciler.operations.engine import Engine, open_engine
from reconciler.operations.listener import Listener
from reconciler.operations.settings import Settings
from reconciler.plan import Scope, Selection, Sync, WorkflowStatus, workflow_statuses
from reconciler.render import StatusView
from reconciler.secrecy import Redactor
from reconciler.timestamps import utc_now

HISTORY: Final = ExecutionFilter(count=10)
"""The executions of a workflow that its history shows."""

MOST_HISTORIES: Final = 200
"""The most workflows whose histories are read unless asked for: each takes a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusResult:
    """The status of each workflow.

    Args:
        workflows: The statuses, problems first.
        only: The words for the states of those to show; all without any.
        histories: The last executions of those to show by id, the latest first, as far as they were read.
        redactor: Removes known secrets from text about them.
    """

    workflows: tuple[WorkflowStatus, ...]
    only: frozenset[str] = frozenset()
    histories: Mapping[int, tuple[ListedExecution, ...]] = field(default_factory=dict)
    redactor: Redactor

    @property
    def view(self) -> StatusView:
        """The same, for the renderers."""
        return StatusView(
            statuses=self.workflows, only=self.only, histories=self.histories, redactor=self.redactor
        )

    @property
    def exit_code(self) -> ExitCode:
        """`BLOCKED` when a guard blocks one, `DIFFERENCES` when one is out of sync or missing, else `OK`."""
        states = {item.sync for item in self.workflows}
        if Sync.BLOCKED in states:
            return ExitCode.BLOCKED
        return ExitCode.DIFFERENCES if states & {Sync.DIFFERS, Sync.MISSING} else ExitCode.OK


def status(  # noqa: PLR0913 - all but two by name
    settings: Settings,
    listener: Listener | None = None,
    *,
    selection: Selection | None = None,
    show_unmanaged: bool = False,
    only: Collection[str] = (),
    history: bool | None = None,
    refresh: bool = False,
    env: Mapping[str, str] = os.environ,
) -> StatusResult:
    """Return the sync state and the last executions of each workflow. Sends no request but GET.

    Args:
        settings: The manifests and the tenant.
        listener: Receives findings, requests and progress.
        selection: The workflows to include; all by default.
        show_unmanaged: Whether to include live workflows that are neither in Git nor owned.
        only: The words for the states of those to show; only their histories are read.
        history: Whether to read the last executions of each, one request for each workflow that has some; by
            default where there are not too many.
        refresh: Whether to read all workflows again, also those that an earlier plan found in sync.
        env: Variables for `!env`, the address and the credential.

    Raises:
        InvalidInputError: A manifest is invalid, or there is no usable token.
        ReconcilerError: Something cannot be read.
    """
    settings.require_environment()
    settings.require_manifests()
    listener = listener or Listener()
    scope = Scope(selection=selection or Selection(), show_unmanaged=show_unmanaged, whole=settings.whole)
    with open_engine(
        settings,
        env,
        purpose="status",
        selection=scope.selection,
        listener=listener,
        cached=True,
        refresh=refresh,
        looks=True,
    ) as engine:
        statuses = workflow_statuses(*engine.plan_with_snapshot(scope), utc_now())
        asked = [item.id for item in statuses if item.id and item.executed and item.is_one_of(only)]
        if history is None and len(asked) > MOST_HISTORIES:
            listener.note(
                f"note: the last executions of {len(asked)} workflows are not read, one request each; "
                "to read them, pass --history, or choose fewer with --only or --target"
            )
            history = False
        return StatusResult(
            workflows=tuple(statuses),
            only=frozenset(only),
            histories={} if history is False else _histories(engine, asked, listener),
            redactor=engine.redactor,
        )


def _histories(
    engine: Engine, asked: Collection[int], listener: Listener
) -> dict[int, tuple[ListedExecution, ...]]:
    api = Workflow(engine.session.as_read_only())
    found = read_all(
        lambda identity: executions_or_error(api, identity, HISTORY),
        asked,
        engine.settings.concurrency,
        partial(listener.working, "reading executions"),
    )
    errors = [item for item in found.values() if isinstance(item, str)]
    if errors:
        whose = "a workflow" if len(errors) == 1 else f"{len(errors)} workflows"
        listener.warning(f"the last executions of {whose} cannot be read: {errors[0]}")
    return {identity: item for identity, item in found.items() if not isinstance(item, str)}
