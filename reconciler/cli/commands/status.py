"""`peak-reconciler status`: the sync state and the last execution of each workflow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.cli.apply_options import target_option
from reconciler.cli.command_settings import Environments, comparing_options
from reconciler.cli.help import command_of, option
from reconciler.cli.options import format_option, output_option, words_option
from reconciler.cli.terminal import TerminalListener, read_outputs
from reconciler.environments import EnvironmentResult, worst_exit_code
from reconciler.errors import ExitCode, UsageError
from reconciler.operations import StatusResult, status
from reconciler.plan import Selection
from reconciler.render import (
    FAILED,
    STATES,
    environments_json,
    environments_text,
    status_document,
    status_html,
    status_json,
    status_text,
    statuses_total,
)
from reconciler.values import JsonObject

_FORMATS: Final = ("text", "json", "html")
_WORDS: Final = (*STATES, FAILED)


@command_of(
    "status",
    examples=(
        ("status", "Show all workflows, problems first"),
        ("status --only out-of-sync,failed", "Show what needs attention"),
        ("status --output html=status.html", "Write a page to keep"),
    ),
)
@target_option
@words_option(
    "--only",
    "state",
    _WORDS,
    metavar="STATES",
    help=f"Show only workflows in these states, separated by commas: {', '.join(_WORDS)}; "
    "failed means its last execution.",
    section="Selection",
)
@format_option(*_FORMATS)
@output_option
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
def command(  # noqa: PLR0913 - one for each option
    *,
    environments: Environments,
    targets: tuple[str, ...],
    only: frozenset[str],
    output_format: str,
    outputs: tuple[str, ...],
    show_unmanaged: bool,
    detailed_exitcode: bool,
) -> int:
    """Show the sync state and the last execution of each workflow, one line each, problems first.

    For the manifests in PATH, else for those that reconciler.yaml names: in sync, out of sync, missing, or
    blocked by a guard; the live status; the last execution and its start. plan shows what differs.

    Only reads: no request but GET is sent. Exits with 3 when a manifest is invalid, and with 4 when a guard
    blocks a workflow.
    """
    deliveries = read_outputs(outputs, _FORMATS, output_format)
    selection = Selection(targets=targets)
    listener = TerminalListener(verbose=environments.verbose)

    def code_of(found: StatusResult) -> ExitCode:
        code = found.exit_code
        return ExitCode.OK if code is ExitCode.DIFFERENCES and not detailed_exitcode else code

    results = environments.run(
        lambda settings: status(settings, listener, selection=selection, show_unmanaged=show_unmanaged),
        code_of=code_of,
    )
    shown = _Statuses(results=results, only=only)
    deliveries.deliver(shown.of_several if environments.several else shown.of_one)
    return worst_exit_code(results)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Statuses:
    """The statuses of a run, and which of them are shown."""

    results: Sequence[EnvironmentResult[StatusResult]]
    only: frozenset[str]

    def of_one(self, name: str) -> str:
        """Return the statuses of the only environment, or of none, in a format."""
        (found,) = (result.value for result in self.results if result.value is not None)
        render = {"json": status_json, "html": status_html}.get(name, status_text)
        return render(found.workflows, found.redactor, self.only)

    def of_several(self, name: str) -> str:
        """Return the statuses of all environments in a format."""
        if name == "html":
            raise UsageError(
                "a page shows the status of one environment", hint="Name one with --environment."
            )
        if name == "json":
            return environments_json(self.results, "status", self._document)
        return environments_text(self.results, self._text, _total)

    def _document(self, found: StatusResult) -> JsonObject:
        return status_document(found.workflows, found.redactor, self.only)

    def _text(self, found: StatusResult) -> str:
        return status_text(found.workflows, found.redactor, self.only)


def _total(found: Sequence[StatusResult]) -> str:
    return statuses_total([workflow for result in found for workflow in result.workflows])
