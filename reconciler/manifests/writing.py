"""Manifests as YAML text: what is written here reads back as the same values, and is kind to the reader.

Text that any YAML would take for something else is quoted, several lines are a block scalar where YAML can
write them so, and what could deceive a reader (control characters, changes of direction) is an escape.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

import yaml

from reconciler.manifests.yaml_nodes import (
    BOOL,
    FLOAT,
    INT,
    MAP,
    NULL,
    SEQ,
    STR,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    resolved_tag,
)
from reconciler.text import printable
from reconciler.values import JsonObject, JsonValue, Path, dump_compact

_ENV = "!env"


def manifest_text(document: JsonObject, variables: Mapping[Path, str], comments: Iterable[str] = ()) -> str:
    """Return `document` as one YAML document, without a `---`.

    Args:
        document: What it says.
        variables: The variables that stand in the place of values, as `!env NAME`, by path.
        comments: The lines of a comment that goes before; an empty one is a blank comment line.
    """
    head = "".join(f"# {printable(line)}".rstrip() + "\n" for line in comments)
    node = _node(document, variables, ())
    body: str = yaml.serialize(node, Dumper=_Dumper, allow_unicode=True, width=sys.maxsize)
    return head + body


def _node(value: JsonValue, variables: Mapping[Path, str], path: Path) -> Node:
    if path in variables:
        return ScalarNode(_ENV, variables[path])
    if isinstance(value, dict):
        pairs = [
            (_text(key, is_key=True), _node(item, variables, (*path, key))) for key, item in value.items()
        ]
        return MappingNode(MAP, pairs, flow_style=not pairs)
    if isinstance(value, list):
        items = [_node(item, variables, (*path, index)) for index, item in enumerate(value)]
        return SequenceNode(SEQ, items, flow_style=not items)
    if isinstance(value, str):
        return _text(value)
    written = dump_compact(value)
    if isinstance(value, float) and "e" in written and "." not in written:
        written = written.replace("e", ".0e")  # what YAML 1.1 takes for a number
    return ScalarNode({bool: BOOL, int: INT, float: FLOAT, type(None): NULL}[type(value)], written)


def _text(text: str, *, is_key: bool = False) -> ScalarNode:
    style = None
    if _is_deceptive(text) or (is_key and "\n" in text):
        style = '"'
    elif "\n" in text:
        style = "|"
    elif resolved_tag(text) != STR:  # to our own reader; what other YAML would take it for, PyYAML knows
        style = "'"
    return ScalarNode(STR, text, style=style)


def _is_deceptive(text: str) -> bool:
    lines = text.replace("\n", "")
    return printable(lines) != lines


class _Dumper(yaml.SafeDumper):
    """Writes lists below their key's own indentation, `!env NAME` plain, and no quoted text over lines."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, indentless=False)

    def choose_scalar_style(self) -> str:
        style: str = super().choose_scalar_style()
        if isinstance(self.event, yaml.ScalarEvent) and self.event.tag == _ENV:
            return ""
        over_lines = self.analysis is not None and self.analysis.multiline
        return '"' if style == "'" and over_lines else style

    def write_double_quoted(self, text: str, split: bool = True) -> None:
        self.allow_unicode = not _is_deceptive(text)
        super().write_double_quoted(text, split)
        self.allow_unicode = True
