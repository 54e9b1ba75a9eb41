"""The page of the keys of `reconciler.yaml`, from the schema."""

from __future__ import annotations

from typing import Final

from reconciler.schema import load_schema
from reconciler.values import JsonObject, as_object
from reference.markdown import code, head, text_page
from reference.schemas import schema_table

_INTRODUCTION: Final = """\
`reconciler.yaml` stands in the working directory or above, or is named with `--config`. Every key is
optional.

An option wins over its [variable](cli.md#environment-variables), a variable over the environment's block,
that over the top level, and that over the default. `--environment NAME` chooses the block.
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
            f"And, as at the top level: {', '.join(same)}. What a block leaves out holds from there.",
        ]
    )
