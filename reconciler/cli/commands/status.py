"""`peak-reconciler status`: the sync state and the last execution of each workflow."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.cli.help import command_of, option
from reconciler.cli.options import Environments, comparing_options, format_option
from reconciler.cli.terminal import TerminalListener, show
from reconciler.environments import EnvironmentResult, worst_exit_code
from reconciler.errors import ExitCode
from reconciler.operations import StatusResult, status
from reconciler.render import (
    environments_json,
    environments_text,
    status_document,
    status_json,
    status_text,
    statuses_total,
)


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
def command(
    *, environments: Environments, output_format: str, show_unmanaged: bool, detailed_exitcode: bool
) -> int:
    """Show the sync state and the last execution of each workflow, one line each.

    For the manifests in PATH, else for those that reconciler.yaml names: in sync, out of sync, missing, or
    blocked by a guard; the live status; the last execution and its start. plan shows what differs.

    Only reads: no request but GET is sent. Exits with 3 when a manifest is invalid, and with 4 when a guard
    blocks a workflow.
    """
    listener = TerminalListener(verbose=environments.verbose)

    def code_of(found: StatusResult) -> ExitCode:
        code = found.exit_code
        return ExitCode.OK if code is ExitCode.DIFFERENCES and not detailed_exitcode else code

    results = environments.run(
        lambda settings: status(settings, listener, show_unmanaged=show_unmanaged), code_of=code_of
    )
    show(_rendered(results, several=environments.several, as_json=output_format == "json"))
    return worst_exit_code(results)


def _rendered(results: Sequence[EnvironmentResult[StatusResult]], *, several: bool, as_json: bool) -> str:
    if several and as_json:
        return environments_json(
            results, "status", lambda found: status_document(found.workflows, found.redactor)
        )
    if several:
        return environments_text(results, _text, _total)
    (found,) = (result.value for result in results if result.value is not None)
    return status_json(found.workflows, found.redactor) if as_json else _text(found)


def _text(found: StatusResult) -> str:
    return status_text(found.workflows, found.redactor)


def _total(found: Sequence[StatusResult]) -> str:
    return statuses_total([workflow for result in found for workflow in result.workflows])
