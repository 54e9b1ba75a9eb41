"""`peak-reconciler validate`: offline, no credentials."""

from __future__ import annotations

import os

import click

from reconciler.cli.options import format_option, paths_argument
from reconciler.exits import ExitCode
from reconciler.manifests import load_manifests
from reconciler.render.findings import findings_json, findings_text


@click.command(name="validate")
@paths_argument
@format_option
def command(paths: tuple[str, ...], output_format: str) -> int:
    """Check the manifests in PATH (files or directories) against the schemas.

    Needs no network and no credentials. A variable that !env names and that is not set is only a warning
    here; plan and apply need it. Exits with 0 when nothing is wrong, else with 3.
    """
    result = load_manifests(paths, os.environ, require_env=False)
    click.echo(findings_json(result) if output_format == "json" else findings_text(result))
    return ExitCode.OK if result.valid else ExitCode.INVALID
