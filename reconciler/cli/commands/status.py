"""`peak-reconciler status`: the sync state and the last execution of each workflow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.cli.apply_options import refresh_option, target_option
from reconciler.cli.command_settings import Environments, comparing_options
from reconciler.cli.help import command_of, option
from reconciler.cli.options import (
    Number,
    format_option,
    output_option,
    show_unmanaged_option,
    utc_option,
    words_option,
)
from reconciler.cli.status_watch import watch_status
from reconciler.cli.terminal import Outputs, TerminalListener, read_outputs
from reconciler.cli.terminal_features import text_display
from reconciler.environments import EnvironmentResult, worst_exit_code
from reconciler.errors import ExitCode, UsageError
from reconciler.operations import Listener, Settings, StatusResult, status
from reconciler.plan import LAST_FAILED, STATES, Selection
from reconciler.render import (
    LIMIT,
    Display,
    ReportPage,
    environments_json,
    environments_markdown,
    environments_page,
    environments_text,
    html_report,
    markdown_report,
    status_document,
    status_json,
    status_page,
    status_text,
    statuses_total,
)
from reconciler.text import TextOrPieces
from reconciler.values import JsonObject

_FORMATS: Final = ("text", "json", "markdown", "html")
_BLANK: Final = ReportPage(kind="status", title="Status", summary="")
_WORDS: Final = (*STATES, LAST_FAILED)


@command_of(
    "status",
    examples=(
        ("status", "Show all workflows, problems first"),
        ("status --only out-of-sync,failed", "Show what needs attention"),
        ("status --watch --interval 60", "Show it again every minute, until Ctrl-C"),
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
@output_option()
@utc_option
@show_unmanaged_option
@option(
    "--history/--no-history",
    default=None,
    show_default="for up to 200 workflows",
    help="Show how the last ten executions of each workflow went, and how long the last one took: one more "
    "request for each.",
    section="Output",
)
@option(
    "--watch",
    is_flag=True,
    help="Show the status until Ctrl-C: redrawn on a terminal, elsewhere a line for each change.",
    section="Output",
)
@option(
    "--interval",
    metavar="SECONDS",
    type=Number(1, 86_400),
    default=30,
    help="With --watch: read the tenant every SECONDS.",
    section="Output",
)
@option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 2 when a workflow is out of sync or missing, with 0 when not.",
    section="Output",
)
@comparing_options
@refresh_option
def command(  # noqa: PLR0913 - one for each option
    *,
    environments: Environments,
    targets: tuple[str, ...],
    only: frozenset[str],
    output_format: str,
    outputs: tuple[str, ...],
    utc: bool,
    show_unmanaged: bool,
    history: bool | None,
    watch: bool,
    interval: float,
    detailed_exitcode: bool,
    refresh: bool,
) -> int:
    """Show the sync state and the last executions of each workflow, one line each, problems first.

    For the manifests in PATH, else for those that reconciler.yaml names: in sync, out of sync, missing, or
    blocked by a guard; how the last executions went; the next run, if a trigger has one; the live status; the
    owner. plan shows what differs.

    Only reads: no request but GET is sent. Exits with 3 when a manifest is invalid, and with 4 when a guard
    blocks a workflow.
    """
    deliveries = read_outputs(outputs, _FORMATS, output_format)
    selection = Selection(targets=targets)
    terminal = TerminalListener(verbose=environments.verbose)

    def read(settings: Settings, listener: Listener = terminal) -> StatusResult:
        return status(
            settings,
            listener,
            selection=selection,
            show_unmanaged=show_unmanaged,
            only=only,
            history=history,
            refresh=refresh,
        )

    if watch:
        settings = _watched(environments, deliveries)
        return watch_status(
            lambda listener: read(settings, listener).view,
            terminal,
            interval,
            as_json=output_format == "json",
            utc=utc,
        )

    def code_of(found: StatusResult) -> ExitCode:
        code = found.exit_code
        return ExitCode.OK if code is ExitCode.DIFFERENCES and not detailed_exitcode else code

    results = environments.run(read, code_of=code_of)
    shown = _Statuses(results=results, utc=utc)
    deliveries.deliver(shown.of_several if environments.several else shown.of_one)
    return worst_exit_code(results)


def _watched(environments: Environments, deliveries: Outputs) -> Settings:
    """Return the settings of the one environment to watch.

    Raises:
        UsageError: There are several, or the result goes into a file or a page.
    """
    if environments.several:
        raise UsageError("--watch shows one environment", hint="Name one with --environment.")
    if deliveries.files or deliveries.printed in {"html", "markdown"}:
        raise UsageError("--watch prints text or JSON, and writes no file")
    (settings,) = environments.settings.values()
    return settings


@dataclass(frozen=True, slots=True, kw_only=True)
class _Statuses:
    """The statuses of a run, and how their times are shown on a terminal."""

    results: Sequence[EnvironmentResult[StatusResult]]
    utc: bool

    def of_one(self, name: str) -> TextOrPieces:
        """Return the statuses of the only environment, or of none, in a format."""
        ((found, environment),) = (
            (result.value, result.environment) for result in self.results if result.value is not None
        )
        match name:
            case "json":
                return status_json(found.view)
            case "markdown":
                return markdown_report(status_page(found.view, environment))
            case "html":
                return html_report(status_page(found.view, environment))
            case _:
                return status_text(found.view, self._display)

    def of_several(self, name: str) -> TextOrPieces:
        """Return the statuses of all environments in a format."""
        match name:
            case "json":
                return environments_json(self.results, "status", _document)
            case "markdown":
                return environments_markdown(self.results, "status", _page, _total, LIMIT)
            case "html":
                return html_report(environments_page(self.results, _page, _total, _BLANK))
            case _:
                return environments_text(
                    self.results, lambda found: status_text(found.view, self._display), _total
                )

    @property
    def _display(self) -> Display:
        return text_display(utc=self.utc)


def _page(found: StatusResult, environment: str) -> ReportPage:
    return status_page(found.view, environment)


def _document(found: StatusResult) -> JsonObject:
    return status_document(found.view)


def _total(found: Sequence[StatusResult]) -> str:
    return statuses_total([workflow for result in found for workflow in result.workflows])
