"""Page of the keys of `reconciler.yaml`, from the schema."""

from __future__ import annotations

from typing import Final

from reconciler.schema import load_schema
from reconciler.values import JsonObject, as_object
from reference.markdown import code, head, text_page
from reference.schemas import schema_table

_INTRODUCTION: Final = """\
`reconciler.yaml` is looked for in the working directory and above; `--config` names another file. Every
key is optional.

Precedence, highest first: option, [environment variable](cli.md#environment-variables), the
environment's block, the top level, the default. `--environment NAME` selects the block.
`config show` prints the effective values and their sources.
"""


def page() -> str:
    """Return the page."""
    schema = load_schema("configuration")
    lines = head("Configuration", _INTRODUCTION)
    top = as_object(schema["properties"])
    environment = as_object(as_object(top["environments"])["additionalProperties"])
    parts = as_object(environment["properties"])
    own: JsonObject = {"properties": {key: part for key, part in parts.items() if key not in top}}
    same = [code(key) for key in top if key in parts]
    return text_page(
        [
            *lines,
            *schema_table(schema, "configuration", leave=frozenset({"environments"})),
            "## Environments",
            "",
            "Below `environments.<name>`:",
            "",
            *schema_table(own, "configuration"),
            f"And, as at the top level: {', '.join(same)}. Other keys keep their top-level values.",
        ]
    )
