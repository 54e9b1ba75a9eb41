"""`peak-reconciler status`: the sync state and the last execution of each workflow."""

from __future__ import annotations

from reconciler.cli.help import command_of, option
from reconciler.cli.options import comparing_options, format_option
from reconciler.cli.terminal import TerminalListener, show
from reconciler.errors import ExitCode
from reconciler.operations import Settings, status
from reconciler.render import status_json, status_text


@command_of("status")
@format_option()
@option(
    "--show-unmanaged",
    is_flag=True,
    help="List live workflows that are neither in Git nor owned.",
    section="Output",
)
@option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 2 when a workflow is out of sync or missing, with 0 when not.",
    section="Output",
)
@comparing_options
def command(*, settings: Settings, output_format: str, show_unmanaged: bool, detailed_exitcode: bool) -> int:
    """Show the sync state and the last execution of each workflow, one line each.

    For the manifests in PATH, else for those that reconciler.yaml names: in sync, out of sync, missing, or
    blocked by a guard; the live status; the last execution and its start. plan shows what differs.

    Only reads: no request but GET is sent. Exits with 3 when a manifest is invalid, and with 4 when a guard
    blocks a workflow.
    """
    found = status(settings, TerminalListener(verbose=settings.verbose), show_unmanaged=show_unmanaged)
    rendered = status_json if output_format == "json" else status_text
    show(rendered(found.workflows, found.redactor))
    code = found.exit_code
    return ExitCode.OK if code is ExitCode.DIFFERENCES and not detailed_exitcode else code
