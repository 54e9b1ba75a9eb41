"""Status: the sync state and the last execution of each workflow."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.exit_codes import ExitCode
from reconciler.operations.engine import open_engine
from reconciler.operations.listener import Listener
from reconciler.operations.settings import Settings
from reconciler.plan import Scope, Sync, WorkflowStatus, make_plan, workflow_statuses
from reconciler.secrecy import Redactor


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusResult:
    """The status of each workflow.

    Args:
        workflows: The statuses, by name.
        redactor: Removes known secrets from text about them.
    """

    workflows: tuple[WorkflowStatus, ...]
    redactor: Redactor

    @property
    def exit_code(self) -> ExitCode:
        """`BLOCKED` when a guard blocks one, `DIFFERENCES` when one is out of sync or missing, else `OK`."""
        states = {item.sync for item in self.workflows}
        if Sync.BLOCKED in states:
            return ExitCode.BLOCKED
        return ExitCode.DIFFERENCES if states & {Sync.DIFFERS, Sync.MISSING} else ExitCode.OK


def status(
    settings: Settings,
    listener: Listener | None = None,
    *,
    show_unmanaged: bool = False,
    env: Mapping[str, str] = os.environ,
) -> StatusResult:
    """Return the sync state and the last execution of each workflow. Sends no request but GET.

    Args:
        settings: The manifests and the tenant.
        listener: Receives findings and requests.
        show_unmanaged: Whether to include live workflows that are neither in Git nor owned.
        env: Variables for `!env`, the address and the credential.

    Raises:
        InvalidInputError: A manifest is invalid, or there is no usable token.
        ReconcilerError: Something cannot be read.
    """
    settings.require_manifests()
    scope = Scope(show_unmanaged=show_unmanaged)
    with open_engine(settings, env, purpose="status", listener=listener) as engine:
        snapshot = engine.snapshot(scope)
        statuses = workflow_statuses(make_plan(snapshot, engine.options, scope), snapshot)
        return StatusResult(workflows=tuple(statuses), redactor=engine.redactor)
