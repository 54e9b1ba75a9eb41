"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

paths_argument = click.argument("paths", metavar="[PATH...]", nargs=-1)

config_option = click.option(
    "--config",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The configuration; else reconciler.yaml here or in the nearest directory above.",
)

format_option = click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the result is written to standard output.",
)

show_bodies_option = click.option(
    "--show-bodies", is_flag=True, help="Show the exact body of each write, secrets masked."
)

remember_option = click.option(
    "--remember/--no-remember",
    default=None,
    help="Remember, as digests in tags of the workflow, what was sent for fields that the platform does "
    "not tell.",
)

resend_option = click.option(
    "--resend-secrets",
    is_flag=True,
    help="Send again what the manifests say for fields that the platform does not tell.",
)
