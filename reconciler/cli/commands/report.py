"""`peak-reconciler report`: merge the results of a fleet into one report."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.commands.fleet import deliver_report
from reconciler.cli.help import command_of
from reconciler.cli.options import FILE, format_option, output_option
from reconciler.cli.terminal import read_outputs
from reconciler.fleet import merge, read_results


@command_of(
    "report",
    examples=(
        ("report merge unit-*.json", "Merge the results of the jobs of a matrix"),
        ("report merge pods.log --output json=fleet.json", "Merge what the pods of a Job logged"),
    ),
)
@click.argument("action", metavar="merge", type=click.Choice(["merge"]))
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@format_option()
@output_option()
def command(*, action: str, files: tuple[Path, ...], output_format: str, outputs: tuple[str, ...]) -> int:  # noqa: ARG001 - there is one action
    """Merge the results of the units of a fleet into one report.

    Each FILE holds what fleet --unit printed or wrote: a result, a log with results in lines of their own, or
    a report that was merged before. A unit without a result is counted as missing, and fails the report.

    Exits as the fleet would: with the first of 1, 4, 3, 64, 2 and 0 that a unit has.
    """
    deliveries = read_outputs(outputs, ("text", "json"), output_format)
    return deliver_report(merge(read_results(files)), deliveries)
