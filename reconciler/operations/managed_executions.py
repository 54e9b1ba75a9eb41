"""Executions of all managed workflows: those with a manifest, and those that this repository owns."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Final

from reconciler.client import Workflow
from reconciler.errors import UsageError
from reconciler.executions import ExecutionFilter, FoundExecutions, search_executions
from reconciler.operations.engine import load_valid, open_session
from reconciler.operations.listener import Listener
from reconciler.operations.settings import Settings
from reconciler.plan import Selection, list_managed
from reconciler.secrecy import Redactor

_READING: Final = "reading executions"


def find_executions(  # noqa: PLR0913 - all but two by name
    settings: Settings,
    wanted: ExecutionFilter,
    listener: Listener | None = None,
    *,
    selection: Selection | None = None,
    show_unmanaged: bool = False,
    env: Mapping[str, str] = os.environ,
) -> FoundExecutions:
    """Return the executions of all managed workflows that the filter takes. Sends no request but GET.

    Args:
        settings: The manifests and the tenant.
        wanted: The executions to find; its count is for each workflow.
        listener: Receives findings, requests and progress.
        selection: The workflows to include; all by default.
        show_unmanaged: Whether to include live workflows that are neither in Git nor owned; then no manifest
            is needed.
        env: Variables for `!env`, the address and the credential.

    Raises:
        UsageError: There are no manifests, or the selection names no workflow.
        InvalidInputError: A manifest is invalid, or there is no usable token.
        ReconcilerError: As the client.
    """
    settings.require_environment()
    if not (settings.paths or show_unmanaged):
        raise UsageError(
            "no manifests: nothing says which workflows are managed",
            hint="Name the manifests in reconciler.yaml: manifests: [workflows]. "
            "To search all workflows of the tenant, pass --show-unmanaged.",
        )
    listener = listener or Listener()
    loaded = load_valid(settings, env, listener, names_only=True) if settings.paths else None
    secrets = Redactor.of(loaded.secrets if loaded else ())
    with open_session(settings, env, secrets.secrets, purpose="executions", listener=listener) as session:
        api = Workflow(session.as_read_only())
        managed, others = list_managed(
            api,
            loaded.manifests if loaded else (),
            settings.owner,
            concurrency=settings.concurrency,
            on_progress=listener.working,
        )
        known = [*managed, *(others if show_unmanaged else ())]
        names = {
            *(item.name for item in known),
            *(item.name for item in (loaded.manifests if loaded else ())),
        }
        chosen = (selection or Selection()).resolved(names)
        searched = [item for item in known if chosen.takes(item.name)]
        found = search_executions(
            api,
            searched,
            wanted,
            concurrency=settings.concurrency,
            on_read=partial(listener.working, _READING),
        )
        return FoundExecutions(
            workflows=found,
            searched=len(searched),
            wanted=wanted,
            redactor=secrets.joined(session.redactor()),
        )
