"""The page of the files that the commands write and read again, from the schemas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.schema import SCHEMA_NAMES, load_schema
from reference.markdown import head, text_page
from reference.schemas import schema_table

_TOLD_ELSEWHERE: Final = frozenset({"manifest", "workflow", "patch", "reconcile", "configuration"})
"""The schemas that have pages of their own."""

_AS_PRINTED: Final = frozenset({"plan", "report"})
"""What of a record is as the commands print it."""

_INTRODUCTION: Final = """\
JSON that the commands write into files, or read from them. What they print is on
[a page of its own](json.md). `peak-reconciler schema NAME` prints each of these as a JSON Schema.

In a plan file's `body`, `{"$secret": …}` stands for a secret: it says where the value comes from.
"""


def page() -> str:
    """Return the page."""
    lines = head("Files", _INTRODUCTION)
    return text_page(
        [*lines, *(line for name in SCHEMA_NAMES if name not in _TOLD_ELSEWHERE for line in _file(name))]
    )


def _file(name: str) -> Iterator[str]:
    schema = load_schema(name)
    yield from (f"## {schema['title']}", "", f"{schema['description']} Its schema is called `{name}`.", "")
    yield from schema_table(schema, name, leave=_AS_PRINTED)
