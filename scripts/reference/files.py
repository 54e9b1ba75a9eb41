"""Page of the files that the commands write and read again, from the schemas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.schema import SCHEMA_NAMES, load_schema
from reference.markdown import head, text_page
from reference.schemas import schema_table

_ELSEWHERE: Final = frozenset({"manifest", "workflow", "patch", "reconcile", "configuration"})
"""The schemas that have pages of their own."""

_AS_PRINTED: Final = frozenset({"plan", "report"})
"""Keys of a record whose values are what the commands print."""

_INTRODUCTION: Final = """\
JSON that the commands write to files, or read from files. What they print has
[its own page](json.md). `peak-reconciler schema NAME` prints each of these as a JSON Schema.

In a plan file's `body`, `{"$secret": …}` stands for a secret: it names the source of the value.
"""


def page() -> str:
    """Return the page."""
    lines = head("Files", _INTRODUCTION)
    return text_page(
        [*lines, *(line for name in SCHEMA_NAMES if name not in _ELSEWHERE for line in _file(name))]
    )


def _file(name: str) -> Iterator[str]:
    schema = load_schema(name)
    yield from (f"## {schema['title']}", "", f"{schema['description']} Its schema is called `{name}`.", "")
    yield from schema_table(schema, name, leave=_AS_PRINTED)
