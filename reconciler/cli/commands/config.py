"""`peak-reconciler config`: the effective settings, and where each comes from."""

from __future__ import annotations

import sys

import click

from reconciler.cli.command_settings import GivenOptions, given_options
from reconciler.cli.help import command_of
from reconciler.cli.options import backup_dir_option, format_option
from reconciler.cli.terminal import show
from reconciler.cli.terminal_features import terminal_width
from reconciler.errors import ExitCode
from reconciler.operations import effective_settings
from reconciler.render import settings_json, settings_text


@command_of(
    "config",
    examples=(
        ("config show --environment prod", "Show what plan would work with in prod"),
        ("config show --max-deletes 1 --format json", "Show the same with an option over it"),
    ),
)
@click.argument("action", metavar="show", type=click.Choice(["show"]))
@format_option()
@given_options(backup_dir_option)
def command(*, action: str, given: GivenOptions, output_format: str) -> int:  # noqa: ARG001 - only one
    """Show the effective settings and where each comes from.

    That is an option, an environment variable, the environment's block in reconciler.yaml, its top level, or
    the default, in this order. Takes the options of plan; needs no network. The token is not shown, but the
    variable that it comes from. Without an environment, shows the top level.
    """
    settings = effective_settings(given.raw, given.sources)
    if output_format == "json":
        show(settings_json(settings))
    else:
        show(settings_text(settings, terminal_width(sys.stdout)))
    return ExitCode.OK
