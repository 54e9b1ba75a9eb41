"""Editor of a manifest's text: changes the values that differ, and keeps every other byte.

Comments, order, anchors, quoting and line ends stay. A value that the text only refers to (`!env`, `!file`,
`!param`, an alias) is never replaced: that is an error that names the place.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from reconciler.errors import ReconcilerError
from reconciler.manifests.documents import Document
from reconciler.manifests.writing import manifest_text
from reconciler.manifests.yaml_nodes import (
    ALIAS,
    MERGE,
    STR,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    compose_for_editing,
    escaped_pairs,
    json_as_yaml,
    resolved_tag,
)
from reconciler.text import printable
from reconciler.values import JsonObject, JsonValue, Path, display_path, dump_compact, same_json

_ANCHOR: Final = re.compile(r"&[^\s,\[\]{}]+\s*")
_LITERAL: Final = re.compile(r"\|[-+]?(?:[ \t][^\n]*)?\r?\n")
_COMMENT: Final = re.compile(r"(?:^|\s)#")
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][\w-]*")
_MOST_PASSES: Final = 10_000


class NotEditableError(ReconcilerError):
    """A value in a file that is not what is written there, so that it cannot be replaced.

    Args:
        message: What is wrong, and where.
        path: The path of the value in the document; `None` where it is the text as a whole.
        reason: The place and the reason alone, for a message that names the field otherwise.
    """

    def __init__(self, message: str, path: Path | None = None, reason: str = "") -> None:
        super().__init__(message)
        self.path = path
        self.reason = reason


def edited_text(document: Document, text: str, value: JsonValue) -> str:
    """Return the text of the file of `document` in which the document has `value`.

    Args:
        document: The document, which has no problem.
        text: The text of its file.
        value: The new value of the document, a mapping as the old one.

    Raises:
        NotEditableError: A value that changes is not written where it is used, or not in a way that can be
            edited.
    """
    current = copy.deepcopy(document.value)
    if _as_read(document, text) != document.whole_text:
        raise NotEditableError(f"{document.file} is not the text that was read: a template renders it")
    for _ in range(_MOST_PASSES):
        if same_json(current, value):
            break
        editor = _Pass(document, text)
        current = editor.edit(current, value)
        text = editor.result()
    return text


def _is_json(document: Document) -> bool:
    return document.file.lower().endswith(".json")


def _as_read(document: Document, text: str) -> str:
    return json_as_yaml(text) if _is_json(document) else text


@dataclass(frozen=True, slots=True)
class _Edit:
    """The text that takes the place of a part of the file."""

    start: int
    end: int
    text: str


class _Pass:
    """One pass over a text: any number of scalars, and one item or entry of each collection.

    A collection in which a collection changes waits for the next pass: both edits could be at one place.

    Args:
        document: The document that is edited, for messages.
        text: The text of its file as it is now.
    """

    def __init__(self, document: Document, text: str) -> None:
        self._document = document
        self._file_text = text
        self._text = _as_read(document, text)
        self._newline = "\r\n" if "\r\n" in text else "\n"
        roots, self._aliased = compose_for_editing(self._text)
        self._root = roots[document.index]
        self._edits: list[_Edit] = []
        self._claims = 0

    def edit(self, current: JsonValue, wanted: JsonValue) -> JsonValue:
        """Note edits that bring the document nearer to `wanted`, and return the value that it has then."""
        return self._change(self._root, current, wanted, (), None)

    def result(self) -> str:
        """Return the text with the edits."""
        text = self._file_text
        pairs = escaped_pairs(text) if _is_json(self._document) else []
        for edit in sorted(self._edits, key=lambda edit: (edit.start, edit.end), reverse=True):
            start, end = (place + 2 * sum(pair < place for pair in pairs) for place in (edit.start, edit.end))
            text = text[:start] + edit.text + text[end:]
        return text

    # Values

    def _change(
        self, node: Node, current: JsonValue, wanted: JsonValue, path: Path, entry: _Entry | None
    ) -> JsonValue:
        if same_json(current, wanted):
            return current
        self._check(node, path)
        if wanted and node.value:
            if isinstance(node, MappingNode) and isinstance(current, dict) and isinstance(wanted, dict):
                return self._mapping(node, current, wanted, path)
            if isinstance(node, SequenceNode) and isinstance(current, list) and isinstance(wanted, list):
                return self._sequence(node, current, wanted, path)
        if entry is None:
            raise self._refused(node, path, "it is the whole document")
        self._check_loss(node, path)
        if not isinstance(node, ScalarNode) or isinstance(wanted, dict | list):
            self._claims += 1
        self._replace(node, wanted, entry)
        return wanted

    def _check(self, node: Node, path: Path) -> None:
        """Refuse a value that is written elsewhere, that other places share, or whose keys are no lines."""
        if node.tag == ALIAS:
            raise self._refused(node, path, f"it is an alias (*{node.value})")
        self._check_reference(node, path)
        if id(node) in self._aliased:
            name = self._aliased[id(node)]
            raise self._refused(node, path, f"other places share it (&{name})")
        is_block = isinstance(node, MappingNode) and not node.flow_style
        if is_block and any(self._is_explicit(key) for key, _ in node.value):
            raise self._refused(node, path, "a key in it is written with a question mark")

    def _check_reference(self, node: Node, path: Path) -> None:
        if node.tag.startswith("!"):
            raise self._refused(node, path, f"it comes from {node.tag}")

    def _check_loss(self, node: Node, path: Path) -> None:
        """Refuse to remove a value that is written elsewhere, or one that is used elsewhere."""
        self._check_reference(node, path)
        pending = [node]
        while pending:
            inner = pending.pop()
            if id(inner) in self._aliased:
                raise self._refused(
                    inner, path, f"other places share a part of it (&{self._aliased[id(inner)]})"
                )
            if isinstance(inner, MappingNode):
                pending += [part for pair in inner.value for part in pair]
            elif isinstance(inner, SequenceNode):
                pending += inner.value

    def _refused(self, node: Node, path: Path, why: str) -> NotEditableError:
        mark = node.start_mark
        place = f"{self._document.file}:{mark.line + 1}:{mark.column + 1}"
        return NotEditableError(
            printable(f"{place}: {display_path(path)} cannot be edited: {why}"),
            path,
            printable(f"{place}: {why}"),
        )

    # Mappings

    def _mapping(self, node: MappingNode, current: JsonObject, wanted: JsonObject, path: Path) -> JsonObject:
        entries = {
            key.value: _Entry(parent=node, key=key, index=index)
            for index, (key, _) in enumerate(node.value)
            if key.tag != MERGE
        }
        result, claims = dict(current), self._claims
        for name in wanted:
            if name in current and name in entries:
                value = node.value[entries[name].index][1]
                result[name] = self._change(value, current[name], wanted[name], (*path, name), entries[name])
        if self._claims > claims:
            return result
        for name in wanted:
            if name in entries and name not in current:  # an entry without a value
                self._claims += 1
                self._replace(node.value[entries[name].index][1], wanted[name], entries[name])
                return {**result, name: wanted[name]}
            if name not in entries and not same_json(current.get(name), wanted[name]):
                self._claims += 1
                self._add_entry(node, name, wanted[name])
                return {**result, name: wanted[name]}
        for name in current:
            if name not in wanted:
                if name not in entries:
                    raise self._refused(node, (*path, name), "a merge (<<) brings it in")
                self._claims += 1
                self._remove_entry(node, entries[name].index, (*path, name))
                del result[name]
                return result
        return result

    def _is_explicit(self, key: Node) -> bool:
        """Return whether a key of a block mapping is written as `? key`, as an empty one is."""
        start = key.start_mark.index
        return self._text[self._line_start(start) : start].rstrip().endswith("?")

    def _add_entry(self, node: MappingNode, name: str, value: JsonValue) -> None:
        key, last = node.value[-1]
        end = self._end(last)
        if node.flow_style:
            indent = self._own_line_indent(node, key)
            written = f"{self._flow_key(name, key)}: {self._flow(value, indent)}"
            self._insert_in_flow(end, written, indent)
            return
        column = key.start_mark.column
        lines = self._block_entry(name, value, column)
        self._insert_lines_after(end, lines, column)

    def _remove_entry(self, node: MappingNode, index: int, path: Path) -> None:
        pairs = node.value
        key, value = pairs[index]
        following = pairs[index + 1][0].start_mark.index if index + 1 < len(pairs) else None
        self._check_loss(value, path)
        if node.flow_style:
            before = self._end(pairs[index - 1][1]) if index else None
            self._remove_from_flow(before, key.start_mark.index, self._end(value), following)
            return
        self._remove_lines(key, key.start_mark.index, self._end(value), following, path)

    # Lists

    def _sequence(
        self, node: SequenceNode, current: list[JsonValue], wanted: list[JsonValue], path: Path
    ) -> list[JsonValue]:
        result = list(current)
        matcher = SequenceMatcher(
            None, [dump_compact(item) for item in current], [dump_compact(item) for item in wanted], False
        )
        for kind, start, end, there, there_end in matcher.get_opcodes():
            if kind == "equal":
                continue
            both = min(end - start, there_end - there)
            for offset in range(both):
                index = start + offset
                entry = _Entry(parent=node, key=None, index=index)
                item = node.value[index]
                result[index] = self._change(
                    item, current[index], wanted[there + offset], (*path, index), entry
                )
            if both:
                return result
            self._claims += 1
            if kind == "delete":
                self._remove_item(node, start, (*path, start))
                del result[start]
            else:
                self._add_item(node, start, wanted[there], path)
                result.insert(start, wanted[there])
            return result
        return result

    def _add_item(self, node: SequenceNode, index: int, value: JsonValue, path: Path) -> None:
        items = node.value
        if node.flow_style:
            indent = self._own_line_indent(node, items[0])
            written = self._flow(value, indent)
            if index:
                self._insert_in_flow(self._end(items[index - 1]), written, indent)
            else:
                start = items[0].start_mark.index
                separator = f",{self._newline}{' ' * indent}" if indent is not None else ", "
                self._edits.append(_Edit(start, start, written + separator))
            return
        column = node.start_mark.column
        lines = self._block_item(value, column)
        if index:
            self._insert_lines_after(self._end(items[index - 1]), lines, column)
            return
        start = self._line_start(node.start_mark.index)
        if self._text[start : node.start_mark.index].strip():
            raise self._refused(node, path, "its first item is on the line of another value")
        self._edits.append(_Edit(start, start, self._joined(lines) + self._newline))

    def _remove_item(self, node: SequenceNode, index: int, path: Path) -> None:
        items = node.value
        item = items[index]
        self._check_loss(item, path)
        if node.flow_style:
            before = self._end(items[index - 1]) if index else None
            following = items[index + 1].start_mark.index if index + 1 < len(items) else None
            self._remove_from_flow(before, item.start_mark.index, self._end(item), following)
            return
        dash = self._dash(node, index)
        following = self._dash(node, index + 1) if index + 1 < len(items) else None
        self._remove_lines(item, dash, self._end(item), following, path)

    def _dash(self, node: SequenceNode, index: int) -> int:
        """Return where the dash of an item of a block list is."""
        if index == 0:
            return int(node.start_mark.index)
        return self._text.index("-", self._past_comments(self._end(node.value[index - 1])))

    def _past_comments(self, start: int) -> int:
        """Return the first place from `start` that is neither white space nor in a comment."""
        while start < len(self._text):
            if self._text[start] == "#":
                start = self._line_end(start)
            elif self._text[start].isspace():
                start += 1
            else:
                break
        return start

    # Parts of the text

    def _replace(self, node: Node, value: JsonValue, entry: _Entry) -> None:
        """Write `value` in the place of a node."""
        start, end = node.start_mark.index, self._end(node)
        if entry.parent.flow_style:
            indent = self._own_line_indent(entry.parent, entry.key or node)
            self._edits.append(_Edit(start, end, self._flow(value, indent, quoted_as=node)))
            return
        if isinstance(node, ScalarNode) and not isinstance(value, dict | list):
            anchor = _ANCHOR.match(self._text, start)
            start = anchor.end() if anchor else start
            written = self._literal(node, value, start, end) or self._scalar(node, value, entry)
            needs_space = start == end and self._text[start - 1 : start] in {":", "-"}
            self._edits.append(_Edit(start, end, f" {written}" if needs_space else written))
            return
        lines: list[str] = []
        first = ""
        if entry.key is not None:
            start = self._text.index(":", self._end(entry.key)) + 1
            lines = self._block_entry("k", value, entry.key.start_mark.column)
            first = lines[0].strip().removeprefix("k:")
        elif isinstance(entry.parent, SequenceNode):
            start = self._dash(entry.parent, entry.index) + 1
            lines = self._block_item(value, entry.parent.start_mark.column)
            first = lines[0].strip().removeprefix("-")
        self._edits.append(_Edit(start, max(start, end), self._joined([first, *lines[1:]])))

    def _literal(self, node: ScalarNode, value: JsonValue, start: int, end: int) -> str:
        """Return a text of several lines below the header of the block scalar there; empty if it cannot."""
        header = _LITERAL.match(self._text, start)
        if (
            node.style != "|"
            or header is None
            or not isinstance(value, str)
            or "\n" not in value.rstrip("\n")
        ):
            return ""
        if value[:1].isspace() or any(printable(line) != line for line in value.split("\n")):
            return ""
        body = self._text[header.end() : end]
        first = next((line for line in body.splitlines() if line.strip()), "")
        indent = " " * (len(first) - len(first.lstrip(" ")))
        lines = [indent + line if line else "" for line in value.rstrip("\n").split("\n")]
        return header.group() + self._joined(lines)

    def _scalar(self, node: ScalarNode, value: JsonValue, entry: _Entry) -> str:
        """Return a scalar in the quotation marks of the one that it replaces, where these can hold it."""
        one_line = isinstance(value, str) and "\n" not in value and printable(value) == value
        if one_line and isinstance(value, str) and node.style == "'":
            return "'" + value.replace("'", "''") + "'"
        if one_line and node.style == '"':
            return _json_text(value)
        column = entry.parent.start_mark.column if entry.key is None else entry.key.start_mark.column
        lines = self._block_entry("k", value, column)
        return self._joined([lines[0].strip().removeprefix("k: "), *lines[1:]])

    def _block_entry(self, name: str, value: JsonValue, column: int) -> list[str]:
        return _indented(_part_text({name: value}), column)

    def _block_item(self, value: JsonValue, column: int) -> list[str]:
        lines = _part_text({"k": [value]}).split("\n", 1)[1]
        return _indented(lines, column - 2)

    def _flow(self, value: JsonValue, indent: int | None, quoted_as: Node | None = None) -> str:
        """Return `value` for a flow collection: as JSON, over lines if the entries around it are."""
        if isinstance(value, str) and _style(quoted_as) == "'" and printable(value) == value:
            return "'" + value.replace("'", "''") + "'"
        if not _is_json(self._document) and indent is None:
            return _flow_text(value)
        if not isinstance(value, dict | list) or not value or indent is None:
            return _json_text(value)
        lines = json.dumps(value, ensure_ascii=False, indent=2).split("\n")
        return self._joined([lines[0], *(" " * indent + line for line in lines[1:])])

    @staticmethod
    def _flow_key(name: str, like: Node) -> str:
        return (
            name
            if _style(like) is None and _PLAIN_KEY.fullmatch(name)
            else json.dumps(name, ensure_ascii=False)
        )

    def _own_line_indent(self, node: Node, first: Node) -> int | None:
        """Return the column of the entries of a flow collection that has each on a line; else `None`."""
        if node.value:
            head = node.value[0]
            first = head[0] if isinstance(head, tuple) else head
        alone = first.start_mark.line != node.start_mark.line
        return int(first.start_mark.column) if alone else None

    def _insert_in_flow(self, end: int, written: str, indent: int | None) -> None:
        separator = f",{self._newline}{' ' * indent}" if indent is not None else ", "
        self._edits.append(_Edit(end, end, separator + written))

    def _insert_lines_after(self, end: int, lines: Iterable[str], column: int) -> None:
        """Insert lines below the line that `end` is on, and below comments there that are indented deeper."""
        line_end = self._line_end(end)
        comment = re.compile(rf"\n {{{column + 1},}}#[^\n]*")
        while (found := comment.match(self._text, line_end)) is not None:
            line_end = found.end()
        if line_end > end and self._text[line_end - 1] == "\r":
            line_end -= 1
        self._edits.append(_Edit(line_end, line_end, self._newline + self._joined(lines)))

    def _remove_lines(self, node: Node, start: int, end: int, following: int | None, path: Path) -> None:
        """Remove an entry or an item of a block collection, with its lines where it has them alone."""
        line = self._line_start(start)
        if not self._text[line:start].strip():
            last = self._line_end(end)
            if last < len(self._text):
                self._edits.append(_Edit(line, last + 1, ""))
            else:
                self._edits.append(_Edit(line, last, ""))
            return
        if following is None or _COMMENT.search(self._text[end:following]):
            raise self._refused(node, path, "its line has other values, too")
        self._edits.append(_Edit(start, following, ""))

    def _remove_from_flow(self, before: int | None, start: int, end: int, following: int | None) -> None:
        if before is not None:
            self._edits.append(_Edit(before, end, ""))
        elif following is not None:
            self._edits.append(_Edit(start, following, ""))
        else:
            self._edits.append(_Edit(start, end, ""))

    def _end(self, node: Node) -> int:
        """Return where the text of a node ends, without the space and the comments after it."""
        if isinstance(node, MappingNode | SequenceNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._end(last[1] if isinstance(last, tuple) else last)
        end = int(node.end_mark.index)
        if isinstance(node, ScalarNode) and node.style in {"|", ">"}:
            header = self._text[node.start_mark.index : end].partition("\n")[0]
            keeps = "+" in header.partition("#")[0]
            text = self._text[:end]
            end = len(text.rstrip(" \t")) if keeps else len(text.rstrip())
            end -= keeps and self._text[end - 1 : end] == "\n"
        return end

    def _line_start(self, index: int) -> int:
        return self._text.rfind("\n", 0, index) + 1

    def _line_end(self, index: int) -> int:
        found = self._text.find("\n", index)
        return len(self._text) if found < 0 else found

    def _joined(self, lines: Iterable[str]) -> str:
        return self._newline.join(lines)


@dataclass(frozen=True, slots=True)
class _Entry:
    """The place of a node in a mapping (with its key) or in a list."""

    parent: MappingNode | SequenceNode
    key: Node | None
    index: int


def _part_text(document: JsonObject) -> str:
    """Return a mapping as YAML for a place in a document, without the `...` that ends an open text."""
    return manifest_text(document, {}).removesuffix("...\n")


def _style(node: Node | None) -> str | None:
    """Return the quotation mark or the indicator of a scalar; `None` for a plain one."""
    return node.style if isinstance(node, ScalarNode) else None


def _json_text(value: JsonValue) -> str:
    """Return a value as JSON, which is YAML, too, on one line; deceptive characters are escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return text if printable(text) == text else json.dumps(value)


def _flow_text(value: JsonValue) -> str:
    """Return a value as YAML on one line, quoted only where it must be."""
    if isinstance(value, dict):
        pairs = (f"{_flow_text(key)}: {_flow_text(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow_text, value)) + "]"
    if isinstance(value, str) and _PLAIN_KEY.fullmatch(value) and resolved_tag(value) == STR:
        return value
    return _json_text(value)


def _indented(text: str, column: int) -> list[str]:
    return [" " * column + line if line else "" for line in text.removesuffix("\n").split("\n")]
