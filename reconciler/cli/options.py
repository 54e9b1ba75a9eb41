"""Arguments and options that several commands share."""

from __future__ import annotations

import click

paths_argument = click.argument("paths", metavar="PATH...", nargs=-1, required=True)

format_option = click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the result is written to standard output.",
)
