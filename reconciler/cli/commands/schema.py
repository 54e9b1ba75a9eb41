"""`peak-reconciler schema`: print a schema, for editors and other tools."""

from __future__ import annotations

import json

import click

from reconciler.cli.terminal import show
from reconciler.errors import UsageError
from reconciler.schema import SCHEMA_NAMES, bundled_schema, load_schema


@click.command(name="schema")
@click.argument("name", required=False, type=click.Choice(SCHEMA_NAMES))
@click.option("--list", "list_them", is_flag=True, help="List the schemas.")
def command(name: str | None, list_them: bool) -> None:
    """Print the JSON Schema NAME, whole: with everything it refers to inside.

    For help in an editor: peak-reconciler schema manifest > manifest.schema.json, and as a manifest's first
    line "# yaml-language-server: $schema=manifest.schema.json".
    """
    if list_them:
        show("\n".join(f"{known:<14} {load_schema(known)['description']}" for known in SCHEMA_NAMES))
    elif name is None:
        raise UsageError("name a schema, or use --list")
    else:
        show(json.dumps(bundled_schema(name), indent=2))
