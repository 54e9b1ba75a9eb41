"""`peak-reconciler status`: whether each workflow is as Git wants it, and how its last run went."""

from __future__ import annotations

import click

from reconciler.cli.shared_options import format_option, tenant_options
from reconciler.cli.terminal import show
from reconciler.exits import ExitCode
from reconciler.operations.engine import open_engine
from reconciler.operations.settings import Settings
from reconciler.plan import Scope, Sync, make_plan, workflow_statuses
from reconciler.render import status_json, status_text


@click.command(name="status")
@tenant_options
@format_option
@click.option("--show-unmanaged", is_flag=True, help="Tell also of live workflows that no manifest means.")
@click.option(
    "--detailed-exitcode", is_flag=True, help="Exit with 2 when a workflow differs or is missing, 0 when not."
)
def command(*, settings: Settings, output_format: str, show_unmanaged: bool, detailed_exitcode: bool) -> int:
    """Tell of each workflow that the manifests in PATH mean how it stands, in one line.

    Whether it is as Git wants it (synced, differs, missing, or blocked by a guard), its live status, and how
    its last run went, and when that began. What differs is what plan shows.

    Without PATH, for the manifests that reconciler.yaml names. Only reads: no request but GET is sent. Exits
    with 3 when a manifest is invalid, and with 4 when a guard blocks a workflow.
    """
    scope = Scope(show_unmanaged=show_unmanaged)
    with open_engine(settings) as engine:
        snapshot = engine.snapshot(scope)
        found = workflow_statuses(make_plan(snapshot, engine.options, scope), snapshot)
        rendered = status_json if output_format == "json" else status_text
        show(rendered(found, engine.redactor))
    states = {item.sync for item in found}
    if Sync.BLOCKED in states:
        return ExitCode.BLOCKED
    differing = bool(states & {Sync.DIFFERS, Sync.MISSING})
    return ExitCode.DIFFERENCES if detailed_exitcode and differing else ExitCode.OK
