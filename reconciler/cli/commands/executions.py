"""`peak-reconciler executions`: the executions of a workflow."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

import click

from reconciler.cli.command_settings import connection_options
from reconciler.cli.help import command_of, option
from reconciler.cli.options import Number, format_option, id_option, name_argument
from reconciler.cli.terminal import TerminalListener, show
from reconciler.errors import ExitCode
from reconciler.operations import Settings, list_executions
from reconciler.render import executions_json, executions_text
from reconciler.text import clip, printable
from reconciler.timestamps import parse_timestamp, platform_timestamp, utc_now

_STATUSES: Final = ("Success", "Running", "Stopped", "Stopping", "Failed")
_AGE: Final = re.compile(r"([0-9]{1,5})([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _since(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Return the date or the age as a date that the platform takes."""
    if value is None:
        return None
    age = _AGE.fullmatch(value)
    try:
        if age is None:
            return platform_timestamp(parse_timestamp(value))
        return platform_timestamp(utc_now() - timedelta(**{_UNITS[age[2]]: int(age[1])}))
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"it must be a date such as 2026-01-31 or 2026-01-31T06:00:00Z, or an age such as 90m, 12h, 7d "
            f"or 4w, found '{clip(printable(value), 60)}'"
        ) from None


@command_of(
    "executions",
    examples=(
        ("executions daily-report --count 5", "List the latest executions"),
        ("executions daily-report --since 7d --status Failed", "List the failures of the last week"),
    ),
)
@name_argument
@id_option
@option(
    "--count",
    metavar="N",
    type=Number(1, 100_000, whole=True),
    default=20,
    help="List the latest N executions.",
    section="Selection",
)
@option(
    "--since",
    metavar="DATE|AGE",
    callback=_since,
    help="List only executions since a date, or within an age such as 7d.",
    section="Selection",
)
@option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(_STATUSES, case_sensitive=False),
    help="List only executions with this status; repeatable.",
    section="Selection",
)
@format_option()
@connection_options()
def command(  # noqa: PLR0913 - one for each option
    *,
    settings: Settings,
    name: str | None,
    workflow_id: int | None,
    count: int,
    since: str | None,
    statuses: tuple[str, ...],
    output_format: str,
) -> int:
    """List the executions of the workflow NAME, the latest first: id, status, start, end and duration.

    Only reads: no request but GET is sent.
    """
    listener = TerminalListener(verbose=settings.verbose)
    found = list_executions(
        settings, name, workflow_id, listener, count=count, since=since, statuses=statuses
    )
    rendered = executions_json if output_format == "json" else executions_text
    show(rendered(found.workflow, found.executions, found.redactor))
    return ExitCode.OK
