"""JSON values built from YAML nodes: tags applied, duplicate keys refused, sizes bounded, secrets recorded.

Reads no files and no environment variables itself: the readers are passed in as `Tags`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reconciler.findings import Finding, Position, Severity
from reconciler.manifests import yaml_nodes as nodes
from reconciler.manifests.yaml_nodes import (
    MAX_DEPTH,
    MAX_NODES,
    MappingNode,
    Node,
    ScalarNode,
    YamlProblemError,
    merged_mappings,
)
from reconciler.text import clip, printable
from reconciler.values import JsonValue, Path

MAX_TEXT = 50_000_000
"""Characters of text in one file, counted after aliases and `!file` are expanded."""


@dataclass(frozen=True, slots=True)
class Included:
    """The value that a tag includes, or the reason why there is none.

    Args:
        value: The text; a placeholder if there is a problem.
        sensitive: Whether the value must never be shown.
        problem: Why the value is not available and what to do; empty if it is available.
        severity: The severity of the problem.
        note: What is suspicious about a value that is available; empty if nothing is.
    """

    value: str = ""
    sensitive: bool = False
    problem: str = ""
    severity: Severity = Severity.ERROR
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tags:
    """The readers of `!env` and `!file`.

    Args:
        env: Takes the name of the variable and the default (or `None`).
        file: Takes the path as written.
        secret: Returns the variable whose value a template put between two positions; empty if there is none.
    """

    env: Callable[[str, str | None], Included]
    file: Callable[[str], Included]
    secret: Callable[[Position, Position], str] | None = None


@dataclass(slots=True)
class Extent:
    """How much was built, aliases and `!file` expanded.

    Args:
        values: The number of values.
        characters: The number of characters of their texts.
        steps: The number of steps that templates took.
    """

    values: int = 0
    characters: int = 0
    steps: int = 0


class ValueBuilder:
    """A builder of values from the nodes of one file, which counts what it builds."""

    def __init__(self, file: str, tags: Tags, findings: list[Finding], extent: Extent) -> None:
        self._file = file
        self._tags = tags
        self._findings = findings
        self._extent = extent
        self._path: list[str | int] = []
        self._open: set[int] = set()
        self.errors = 0
        self.variables: dict[Path, str] = {}
        self.defaults: set[Path] = set()
        self.unset: set[Path] = set()

    def document(self, root: Node) -> JsonValue:
        """Return the value of the document `root`; `variables`, `defaults` and `unset` are then its own.

        Raises:
            YamlProblemError: A limit is exceeded, or an alias refers to a value that contains it.
        """
        self.variables.clear()
        self.defaults.clear()
        self.unset.clear()
        return self._build(root)

    def _build(self, node: Node) -> JsonValue:
        self._tally(1, node)
        if isinstance(node, ScalarNode):
            value = self._scalar(node)
            if self._tags.secret is not None:
                self._note_secret(self._tags.secret, node)
            self._weigh(value, node)
            return value
        if len(self._path) >= MAX_DEPTH:
            raise YamlProblemError(
                "too-deep", f"nested deeper than {MAX_DEPTH} levels", nodes.position_of(node)
            )
        if id(node) in self._open:
            raise YamlProblemError(
                "recursive-alias", "the alias is part of the value that it refers to", nodes.position_of(node)
            )
        self._open.add(id(node))
        built = self._mapping(node) if isinstance(node, MappingNode) else self._sequence(node)
        self._open.discard(id(node))
        return built

    def _note_secret(self, secret: Callable[[Position, Position], str], node: ScalarNode) -> None:
        variable = secret(nodes.position_of(node), nodes.end_of(node))
        if variable:
            self.variables[tuple(self._path)] = variable

    def _child(self, part: str | int, node: Node) -> JsonValue:
        self._path.append(part)
        value = self._build(node)
        self._path.pop()
        return value

    def _tally(self, number: int, node: Node) -> None:
        self._extent.values += number
        if self._extent.values > MAX_NODES:
            message = f"more than {MAX_NODES} values in one file, aliases expanded"
            raise YamlProblemError("too-large", message, nodes.position_of(node))

    def _weigh(self, value: JsonValue, node: Node) -> None:
        self._extent.characters += len(value) if isinstance(value, str) else 0
        if self._extent.characters > MAX_TEXT:
            message = f"more than {MAX_TEXT} characters of text in one file, aliases and !file expanded"
            raise YamlProblemError("too-large", message, nodes.position_of(node))

    def _sequence(self, node: Node) -> JsonValue:
        if node.tag == "!env":
            return self._env(node)
        if node.tag != nodes.SEQ:
            return self._unknown_tag(node)
        return [self._child(index, item) for index, item in enumerate(node.value)]

    def _mapping(self, node: MappingNode) -> JsonValue:
        if node.tag == "!env":
            return self._env(node)
        if node.tag != nodes.MAP:
            return self._unknown_tag(node)
        built = {name: self._child(name, value) for name, value in self._own(node)}
        for source in merged_mappings(node, self._merge_source):
            for name, value in self._own(source):
                if name not in built:
                    built[name] = self._child(name, value)
        if self._path[-1:] == ["env"]:
            self._warn_of_nothing(node)
        return {name: item for name, item in built.items() if item is not None}

    def _warn_of_nothing(self, node: MappingNode) -> None:
        """Report the variables that have no value: they are left out, and most who write one mean ''."""
        for key, value in node.value:
            if isinstance(key, ScalarNode) and value.tag == nodes.NULL:
                message = f"{clip(key.value, 60)!r} has no value and is left out; write '' for an empty text"
                self._report("env-without-value", message, key, Severity.WARNING)

    def _own(self, node: MappingNode) -> Iterator[tuple[str, Node]]:
        """Yield the mapping's entries without those that merge keys bring in."""
        seen: dict[str, Node] = {}
        for key, value in node.value:
            name = None if key.tag == nodes.MERGE else self._key(key)
            if name is None:
                continue
            if name in seen:
                first = nodes.position_of(seen[name])
                where = f"line {first.line}, column {first.column}"
                self._report(
                    "duplicate-key",
                    f"duplicate key {clip(name, 60)!r}, first used at {where}; remove one",
                    key,
                )
                continue
            seen[name] = key
            yield name, value

    def _merge_source(self, source: Node) -> None:
        """Check that a node can be merged, and count it every time: it may be merged many times."""
        is_mapping = isinstance(source, MappingNode) and source.tag == nodes.MAP
        self._tally(1 + (len(source.value) if is_mapping else 0), source)
        if not is_mapping:
            self._report("yaml-merge", "<< must be a mapping or a list of mappings", source)

    def _key(self, key: Node) -> str | None:
        if isinstance(key, ScalarNode) and key.tag in {nodes.STR, nodes.INT}:
            return str(key.value)
        self._report("yaml-key", "a key must be text; quote it", key)
        return None

    def _scalar(self, node: ScalarNode) -> JsonValue:
        text: str = node.value
        if node.tag in {nodes.STR, nodes.MERGE}:
            return text
        if node.tag == "!env":
            return self._env(node)
        if node.tag == "!file":
            return self._take(node, self._tags.file(text), "file-include")
        return self._typed(node, text)

    def _typed(self, node: ScalarNode, text: str) -> JsonValue:
        if node.tag == nodes.NULL and nodes.NULL_PATTERN.match(text):
            return None
        if node.tag == nodes.BOOL and text.lower() in {"true", "false"}:
            return text.lower() == "true"
        if node.tag == nodes.INT and nodes.INT_PATTERN.match(text):
            return int(text)
        if node.tag == nodes.FLOAT and nodes.FLOAT_PATTERN.match(text):
            return float(text)
        return self._unknown_tag(node)

    def _env(self, node: Node) -> JsonValue:
        name, default = _env_words(node)
        if not name:
            self._report("env", "invalid !env; use !env NAME or !env {name: NAME, default: text}", node)
            return None
        included = self._tags.env(name, default)
        if not included.problem:
            self.variables[tuple(self._path)] = name
            if not included.sensitive:
                self.defaults.add(tuple(self._path))
        return self._take(node, included, "env")

    def _take(self, node: Node, included: Included, rule: str) -> JsonValue:
        if included.problem:
            self._report(rule, included.problem, node, included.severity)
            self.unset.add(tuple(self._path))
        elif included.note:
            self._report(rule, included.note, node, Severity.WARNING)
        return included.value

    def _unknown_tag(self, node: Node) -> JsonValue:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        message = f"unknown tag {clip(tag, 60)!r}; supported tags: !env, !file"
        if tag == "!file":
            message = "invalid !file; use !file PATH, with the path of a text file next to or below this file"
        elif tag.startswith("!!") and isinstance(node, ScalarNode):
            message = f"the tag {clip(tag, 60)!r} does not fit this value; remove the tag, or quote the value"
        self._report("yaml-tag", message, node)
        return None

    def _report(self, rule: str, message: str, node: Node, severity: Severity = Severity.ERROR) -> None:
        self.errors += severity is Severity.ERROR
        position = nodes.position_of(node)
        self._findings.append(
            Finding(
                file=self._file, rule=rule, message=printable(message), position=position, severity=severity
            )
        )


def _env_words(node: Node) -> tuple[str, str | None]:
    """Return the name and the default that follow `!env`; an empty name if they are invalid."""
    if isinstance(node, ScalarNode):
        return node.value, None
    if not isinstance(node, MappingNode):
        return "", None
    parts = {
        key.value: value.value
        for key, value in node.value
        if isinstance(key, ScalarNode) and isinstance(value, ScalarNode) and value.tag in nodes.PLAIN_TAGS
    }
    if len(parts) != len(node.value) or not set(parts) <= {"name", "default"}:
        return "", None
    return parts.get("name", ""), parts.get("default")
