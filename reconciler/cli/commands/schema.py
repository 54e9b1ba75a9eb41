"""`peak-reconciler schema`: print a schema, for editors and other tools."""

from __future__ import annotations

import json

import click

from reconciler.cli.help import command_of, option
from reconciler.cli.terminal import show
from reconciler.errors import UsageError
from reconciler.schema import SCHEMA_NAMES, bundled_schema, load_schema


@command_of(
    "schema",
    examples=(("schema manifest > manifest.schema.json", "Save the schema of manifests for an editor"),),
)
@click.argument("name", required=False, type=click.Choice(SCHEMA_NAMES))
@option("--list", "list_them", is_flag=True, help="List the schemas.")
def command(name: str | None, list_them: bool) -> None:
    """Print the JSON Schema NAME, with everything it refers to included.

    For completion in an editor, save the schema of manifests, and begin a manifest with the line
    "# yaml-language-server: $schema=manifest.schema.json".
    """
    if list_them:
        show("\n".join(f"{known:<14} {load_schema(known)['description']}" for known in SCHEMA_NAMES))
    elif name is None:
        raise UsageError("name a schema, or use --list")
    else:
        show(json.dumps(bundled_schema(name), indent=2))
