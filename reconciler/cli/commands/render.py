"""`peak-reconciler render`: manifests with parameters and overlays, and where each value comes from."""

from __future__ import annotations

import click

from reconciler.cli.command_settings import offline_options
from reconciler.cli.help import command_of, option
from reconciler.cli.shell_completion import complete_names_and_paths
from reconciler.cli.terminal import TerminalListener, show
from reconciler.errors import ExitCode
from reconciler.operations import Settings, render_manifests
from reconciler.render import rendered_json, rendered_yaml


@command_of(
    "render",
    examples=(
        ("render daily-report --environment prod", "Show what prod gets, and where each value comes from"),
        ("render workflows/train.yaml --param version=7 --no-sources", "Try a parameter"),
    ),
)
@click.argument("target", metavar="[NAME|PATH]", required=False, shell_complete=complete_names_and_paths)
@option(
    "--sources/--no-sources",
    default=True,
    help="Show where each value comes from, as a comment at the end of its line.",
    section="Output",
)
@option(
    "--format",
    "output_format",
    type=click.Choice(("yaml", "json")),
    default="yaml",
    help="Print the result in this format.",
    section="Output",
)
@offline_options
def command(*, settings: Settings, target: str | None, sources: bool, output_format: str) -> int:
    """Print manifests with parameters and overlays, as plan reads them: of NAME or a glob, or in PATH.

    Without either, all manifests that reconciler.yaml names. Needs no network, no credentials and no
    variables: what comes from one is written as !env NAME, and other secrets are masked.

    Exits with 3 when a manifest is invalid.
    """
    manifests = render_manifests(settings, target, TerminalListener())
    show((rendered_json if output_format == "json" else rendered_yaml)(manifests, sources=sources))
    return ExitCode.OK
