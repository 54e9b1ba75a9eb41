"""The page of the files that the commands write and read again, from the schemas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.schema import load_schema
from tools.reference.markdown import head, text_page
from tools.reference.schemas import schema_table

_FILES: Final = (
    ("plan", "Plan file"),
    ("backup", "Backup"),
    ("execution", "Parameters of a run"),
)

_INTRODUCTION: Final = """\
JSON files that the commands write, and read again. What they print is on [a page of its own](json.md).

In a plan file's `body`, `{"$secret": …}` stands for a secret: it says where the value comes from.
"""


def page() -> str:
    """Return the page."""
    lines = head("Files", _INTRODUCTION)
    return text_page([*lines, *(line for name, title in _FILES for line in _file(name, title))])


def _file(name: str, title: str) -> Iterator[str]:
    schema = load_schema(name)
    yield from (f"## {title}", "", str(schema["description"]), "")
    yield from schema_table(schema, name)
