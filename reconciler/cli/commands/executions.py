"""`peak-reconciler executions`: the executions of one workflow or of all managed ones, and one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import click

from reconciler.cli.apply_options import target_option
from reconciler.cli.command_settings import managed_options
from reconciler.cli.following_executions import ExecutionListener, execution_command, step_option
from reconciler.cli.help import command_of, option
from reconciler.cli.options import (
    Number,
    execution_argument,
    format_option,
    id_option,
    named_execution,
    quoted,
    show_unmanaged_option,
    utc_option,
    words_option,
)
from reconciler.cli.terminal import TerminalListener, show
from reconciler.cli.terminal_features import text_display
from reconciler.errors import ExitCode, UsageError
from reconciler.executions import ExecutionFilter, SearchedWorkflow
from reconciler.operations import Settings, find_executions, list_executions, show_execution
from reconciler.plan import Selection
from reconciler.render import (
    execution_json,
    execution_text,
    executions_json,
    executions_lines,
    executions_text,
    found_json,
    found_lines,
    found_text,
)
from reconciler.timestamps import parse_timestamp, utc_now

_STATUSES: Final = {
    "success": "Success",
    "running": "Running",
    "stopped": "Stopped",
    "stopping": "Stopping",
    "failed": "Failed",
}
"""The statuses of the platform by the words for them."""

_AGE: Final = re.compile(r"([0-9]{1,5})([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_COUNT: Final = 20
_COUNT_OF_EACH: Final = 1_000
_SINCE_OF_ALL: Final = timedelta(hours=24)


def _since(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    """Return the time that a date or an age names."""
    if value is None:
        return None
    age = _AGE.fullmatch(value)
    try:
        if age is None:
            return parse_timestamp(value)
        return utc_now() - timedelta(**{_UNITS[age[2]]: int(age[1])})
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"it must be a date such as 2026-01-31 or 2026-01-31T06:00:00Z, or an age such as 90m, 12h, 7d "
            f"or 4w, found {quoted(value)}"
        ) from None


@command_of(
    "executions",
    examples=(
        ("executions --all --since 12h --status failed", "Show what failed last night, and in which step"),
        ("executions daily-report --since 7d --status failed", "List the failures of the last week"),
        ("executions daily-report --follow", "Follow the latest execution until it has ended"),
    ),
)
@execution_argument
@id_option
@option(
    "--all",
    "every",
    is_flag=True,
    help="Search all managed workflows: those with a manifest, and those that carry the ownership tag.",
    section="Selection",
)
@target_option
@option(
    "--since",
    metavar="DATE|AGE",
    callback=_since,
    help="Leave out executions that ended before a date, or before an age such as 90m, 12h or 7d. "
    "[default with --all: 24h]",
    section="Selection",
)
@words_option(
    "--status",
    "status",
    _STATUSES,
    multiple=True,
    metavar="STATUSES",
    help=f"List only executions with these statuses, separated by commas: {', '.join(_STATUSES)}.",
    section="Selection",
)
@option(
    "--count",
    metavar="N",
    type=Number(1, 100_000, whole=True),
    help=f"List the latest N executions, with --all of each workflow. [default: {_COUNT}; with --all: "
    f"{_COUNT_OF_EACH}]",
    section="Selection",
)
@show_unmanaged_option
@option(
    "--follow",
    is_flag=True,
    help="Follow EXECUTION, else the latest one, until it has ended; exit with 0 only for Success.",
)
@format_option(
    "text", "json", "ndjson", help="Print the result in this format; ndjson has a line for each execution."
)
@utc_option
@managed_options
def command(  # noqa: PLR0913 - one for each option
    *,
    settings: Settings,
    words: tuple[str, ...],
    workflow_id: int | None,
    every: bool,
    targets: tuple[str, ...],
    since: datetime | None,
    status: frozenset[str],
    count: int | None,
    show_unmanaged: bool,
    follow: bool,
    output_format: str,
    utc: bool,
) -> int:
    """List the executions of the workflow NAME, of all managed workflows, or the steps of EXECUTION.

    The latest first, with the status, the start, the end and the duration. With --all, a line for each
    workflow, failures first, with the step that failed and the command that shows its log.

    Only reads: no request but GET is sent.
    """
    statuses = tuple(name for word, name in _STATUSES.items() if word in status)
    filtering = {"--since": since, "--status": statuses, "--count": count}
    searching = {"--target": targets, "--show-unmanaged": show_unmanaged}
    if every:
        _refuse({"NAME": words, "--id": workflow_id, "--follow": follow}, "with --all")
        wanted = ExecutionFilter(
            since=since or utc_now() - _SINCE_OF_ALL, statuses=statuses, count=count or _COUNT_OF_EACH
        )
        return _search(settings, wanted, targets, output_format, show_unmanaged=show_unmanaged, utc=utc)
    _refuse(searching, "without --all")
    if not words and workflow_id is None:
        raise UsageError(
            "name one workflow: by its NAME, or by --id N",
            hint="To search all managed workflows, pass --all.",
        )
    name, execution = named_execution(words, by_id=workflow_id is not None)
    if follow or execution is not None:
        _refuse({**filtering, "--format ndjson": output_format == "ndjson"}, "with one execution")
        return _show_one(settings, name, workflow_id, execution, output_format, follow=follow, utc=utc)
    wanted = ExecutionFilter(since=since, statuses=statuses, count=count or _COUNT)
    listener = TerminalListener(verbose=settings.verbose)
    found = list_executions(settings, name, workflow_id, listener, wanted=wanted)
    parts = (found.workflow, found.executions, found.redactor)
    if output_format == "ndjson":
        _show_lines(executions_lines(*parts))
    else:
        show(
            executions_json(*parts)
            if output_format == "json"
            else executions_text(*parts, text_display(utc=utc))
        )
    return ExitCode.OK


def _refuse(options: Mapping[str, object], where: str) -> None:
    """Refuse options that do nothing.

    Raises:
        UsageError: One of them is given.
    """
    given = [name for name, value in options.items() if value]
    if given:
        raise UsageError(f"{given[0]} cannot be used {where}")


def _search(  # noqa: PLR0913 - the last two by name
    settings: Settings,
    wanted: ExecutionFilter,
    targets: tuple[str, ...],
    output_format: str,
    *,
    show_unmanaged: bool,
    utc: bool,
) -> int:
    listener = TerminalListener(verbose=settings.verbose)
    found = find_executions(
        settings, wanted, listener, selection=Selection(targets=targets), show_unmanaged=show_unmanaged
    )
    if output_format == "ndjson":
        _show_lines(found_lines(found))
    elif output_format == "json":
        show(found_json(found))
    else:
        show(found_text(found, text_display(utc=utc), partial(_log_command, settings)))
    return found.exit_code


def _log_command(settings: Settings, item: SearchedWorkflow) -> str:
    """Return the command that shows the log of the last failure of a workflow."""
    failed, steps = item.latest_failed, item.failed_steps or ()
    return execution_command(
        "logs",
        item.workflow.name,
        item.workflow.id,
        failed.id if failed else None,
        *(step_option(steps[0]) if len(steps) == 1 else ()),
        environment=_environment(settings),
    )


def _show_one(  # noqa: PLR0913 - the last two by name
    settings: Settings,
    name: str | None,
    workflow_id: int | None,
    execution: str | None,
    output_format: str,
    *,
    follow: bool,
    utc: bool,
) -> int:
    as_json = output_format == "json"
    listener = ExecutionListener(
        as_json=as_json,
        verbose=settings.verbose,
        follow=True,
        utc=utc,
        announce=False,
        environment=_environment(settings),
    )
    try:
        result = show_execution(settings, name, workflow_id, execution, listener, follow=follow)
    finally:
        listener.end()
        listener.show_json()
    if follow:
        listener.show_end(result)
        return ExitCode.FAILED if result.failed else ExitCode.OK
    parts = (result.workflow, result.started, result.state)
    if as_json:
        show(execution_json(*parts, result.redactor))
    elif result.state is not None:
        show(
            execution_text(
                result.workflow, result.started, result.state, result.redactor, text_display(utc=utc)
            )
        )
    return ExitCode.OK


def _environment(settings: Settings) -> str:
    return settings.environment.name if settings.environment else ""


def _show_lines(lines: Iterable[str]) -> None:
    for line in lines:
        show(line)
