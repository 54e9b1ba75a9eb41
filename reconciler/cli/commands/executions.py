"""`peak-reconciler executions`: the runs of a workflow."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import islice
from typing import Final

import click

from reconciler.cli.shared_options import Number, connection_options, format_option, id_option, name_argument
from reconciler.cli.terminal import show
from reconciler.client import Workflow
from reconciler.exits import ExitCode
from reconciler.operations.engine import open_session
from reconciler.operations.resolving import live_workflow, one_named
from reconciler.operations.settings import Settings
from reconciler.render import executions_json, executions_text
from reconciler.text import clip, printable
from reconciler.timestamps import parse_timestamp, platform_timestamp, utc_now

_STATUSES: Final = ("Success", "Running", "Stopped", "Stopping", "Failed")
_AGE: Final = re.compile(r"([0-9]{1,5})([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PAGE_SIZE: Final = 100


def _since(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Return the date that is meant, as the platform takes it."""
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


@click.command(name="executions")
@name_argument
@id_option
@connection_options
@click.option(
    "--count",
    metavar="N",
    type=Number(1, 100_000, whole=True),
    default=20,
    show_default=True,
    help="How many runs at most: the latest ones.",
)
@click.option("--since", metavar="DATE|AGE", callback=_since, help="Only runs after a date, or so old: 7d.")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(_STATUSES, case_sensitive=False),
    help="Only runs of this status; may be repeated.",
)
@format_option
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
    """List the runs of the workflow NAME, the latest first: id, status, start, end and duration.

    Only reads: no request but GET is sent.
    """
    one_named(name, workflow_id)
    with open_session(settings) as session:
        api = Workflow(session.as_read_only())
        workflow = live_workflow(api, name, workflow_id)
        listed = api.list_executions(
            workflow.id,
            since,
            page_size=min(count, _PAGE_SIZE),
            status=list(statuses) or None,
            # How many of one status are wanted, the server cannot know if it should not mind the status.
            count=None if statuses else count,
        )
        wanted = (run for run in listed if not statuses or run.get("status") in statuses)
        runs = list(islice(wanted, count))
    rendered = executions_json if output_format == "json" else executions_text
    show(rendered(workflow, runs, session.redactor()))
    return ExitCode.OK
