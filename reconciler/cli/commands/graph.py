"""`peak-reconciler graph`: the dependencies between the steps of a workflow."""

from __future__ import annotations

from typing import Final

import click

from reconciler import render
from reconciler.cli.command_settings import connection_options
from reconciler.cli.help import command_of
from reconciler.cli.options import PARAMETERS, format_option, id_option
from reconciler.cli.shell_completion import complete_names_and_paths
from reconciler.cli.terminal import TerminalListener, show
from reconciler.errors import ExitCode
from reconciler.operations import Settings, step_graphs

_FORMATS: Final = {
    "text": "graph_text",
    "dot": "graph_dot",
    "mermaid": "graph_mermaid",
    "json": "graph_json",
}


@command_of(
    "graph", examples=(("graph workflows/scoring.yaml --format mermaid", "Draw a manifest for a web page"),)
)
@click.argument("target", metavar="[NAME|PATH]", required=False, shell_complete=complete_names_and_paths)
@id_option
@format_option(*_FORMATS, help="Print the graph in this format; dot is that of Graphviz.")
@connection_options(*PARAMETERS)
def command(*, settings: Settings, target: str | None, workflow_id: int | None, output_format: str) -> int:
    """Draw which step depends on which: of the manifests in PATH, or of the live workflow NAME.

    A file, a directory, what ends in .yaml, .yml or .json, and - for standard input are a PATH, and need no
    network and no credentials; anything else is a NAME. In a tree, the steps that depend on a step are below
    it.
    """
    listener = TerminalListener(verbose=settings.verbose)
    drawings = step_graphs(settings, target, workflow_id, listener)
    show(getattr(render, _FORMATS[output_format])(drawings))
    return ExitCode.OK
