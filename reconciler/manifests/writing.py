"""Writer of manifests as YAML text that reads back as the same values.

Text that a YAML parser could take for another type is quoted, text of several lines becomes a block scalar
where YAML allows it, and characters that could deceive a reader (control characters, changes of direction)
are escaped.
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
    compose,
    locate,
    resolved_tag,
)
from reconciler.text import printable
from reconciler.values import JsonObject, JsonValue, Path, dump_compact

_ENV = "!env"
_COMMENT_COLUMN = 80
"""The column that comments at the ends of lines are aligned at, at most."""


def manifest_text(
    document: JsonObject,
    variables: Mapping[Path, str],
    comments: Iterable[str] = (),
    *,
    line_comments: Mapping[Path, str] | None = None,
) -> str:
    """Return `document` as one YAML document, without a `---`.

    Args:
        document: The value of the document.
        variables: The variables to write as `!env NAME` in place of values, by path.
        comments: The lines of a leading comment; an empty line is a blank comment line.
        line_comments: The comment at the end of the first line of a value, by path.
    """
    head = "".join(f"# {printable(line)}".rstrip() + "\n" for line in comments)
    node = _node(document, variables, ())
    body: str = yaml.serialize(node, Dumper=_Dumper, allow_unicode=True, width=sys.maxsize)
    return head + (_with_line_comments(body, line_comments) if line_comments else body)


def _with_line_comments(text: str, comments: Mapping[Path, str]) -> str:
    """Return one document with a comment at the end of the first line of each value that has one."""
    lines = text.split("\n")
    (root,) = compose(text)
    by_line: dict[int, str] = {}
    for path, comment in comments.items():
        by_line.setdefault(locate(root, path, at_key=True).line - 1, comment)
    width = min(max((len(lines[line]) for line in by_line), default=0), _COMMENT_COLUMN)
    for line, comment in by_line.items():
        lines[line] = f"{lines[line]:<{width}}  # {printable(comment)}"
    return "\n".join(lines)


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
    elif resolved_tag(text) != STR:  # for our reader; PyYAML quotes what other parsers would misread
        style = "'"
    return ScalarNode(STR, text, style=style)


def _is_deceptive(text: str) -> bool:
    lines = text.replace("\n", "")
    return printable(lines) != lines


class _Dumper(yaml.SafeDumper):
    """A dumper that indents lists below their key, writes `!env NAME` plain, and never breaks quoted text."""

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
