"""`peak-reconciler graph`: which step of a workflow waits for which."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from reconciler.cli.shared_options import connection_options, id_option
from reconciler.cli.terminal import rendered, show, warn
from reconciler.client import Workflow
from reconciler.errors import InvalidInputError, ReconcilerError, UsageError
from reconciler.exits import ExitCode
from reconciler.manifests import STDIN, SUFFIXES, Manifest, PatchManifest, load_manifests
from reconciler.operations.engine import open_session
from reconciler.operations.resolving import live_workflow
from reconciler.operations.settings import Settings
from reconciler.render import Drawing, finding_line
from reconciler.secrecy import Redactor
from reconciler.text import printable
from reconciler.workflow import Body, StepGraph

_FORMATS: Final = {
    "text": "graph_text",
    "dot": "graph_dot",
    "mermaid": "graph_mermaid",
    "json": "graph_json",
}


@click.command(name="graph")
@click.argument("word", metavar="[NAME|PATH]", required=False)
@id_option
@connection_options
@click.option(
    "--format",
    "output_format",
    type=click.Choice(list(_FORMATS)),
    default="text",
    show_default=True,
    help="How the graph is written to standard output: dot is Graphviz'.",
)
def command(*, settings: Settings, word: str | None, workflow_id: int | None, output_format: str) -> int:
    """Draw which step waits for which: of the manifests in PATH, or of the live workflow NAME.

    A file, a directory, what ends in .yaml, .yml or .json, or - for standard input is a PATH, and needs no
    network and no credentials; anything else is a NAME. In a tree, those that wait for a step stand below it.
    """
    if (word is None) is (workflow_id is None):
        raise UsageError("name a live workflow, or a file or directory with manifests")
    if word is not None and _is_path(word):
        drawings = list(_of_manifests(settings, word))
    else:
        drawings = [_of_tenant(settings, word, workflow_id)]
    show(rendered(_FORMATS[output_format], drawings))
    return ExitCode.OK


def _is_path(word: str) -> bool:
    return word == STDIN or word.endswith(SUFFIXES) or os.path.lexists(word)


def _of_tenant(settings: Settings, name: str | None, workflow_id: int | None) -> Drawing:
    with open_session(settings) as session:
        live = live_workflow(Workflow(session.as_read_only()), name, workflow_id)
        shown = session.redactor().text(live.name)
    return Drawing(name=shown, graph=StepGraph.of(live.body), id=live.id)


def _of_manifests(settings: Settings, path: str) -> Iterator[Drawing]:
    loaded = load_manifests((path,), os.environ, settings.excludes, require_env=False)
    redactor = Redactor.of(loaded.secrets)
    for finding in loaded.findings:
        warn(redactor.text(finding_line(finding)))
    if not loaded.valid:
        raise InvalidInputError("the manifests are invalid, and were not drawn")
    whole = [manifest for manifest in loaded.manifests if _has_steps(manifest)]
    if not whole:
        raise ReconcilerError(f"there is no workflow to be drawn in {printable(str(Path(path)))}")
    for manifest in whole:
        name = redactor.text(manifest.name)
        yield Drawing(name=name, graph=StepGraph.of(Body(manifest.body)), file=manifest.source.file)


def _has_steps(manifest: Manifest) -> bool:
    if isinstance(manifest, PatchManifest):
        warn(f"note: {printable(manifest.name)} is a patch, and has no steps of its own")
        return False
    return True
