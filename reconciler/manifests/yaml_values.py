"""JSON values built from YAML nodes: tags applied, duplicate keys refused, sizes bounded, secrets recorded.

Reads no files and no environment variables itself: the readers are passed in as `Tags`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from sys import intern
from typing import Final, NamedTuple

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
from reconciler.values import JsonValue, Path, texts
from reconciler.values import nodes as values_inside

MAX_TEXT = 50_000_000
"""Characters of text in one file, counted after aliases and `!file` are expanded."""


class Included(NamedTuple):
    """The value that a tag includes, or the reason why there is none.

    Args:
        value: The value; a placeholder if there is a problem.
        sensitive: Whether the value must never be shown.
        problem: Why the value is not available and what to do; empty if it is available.
        severity: The severity of the problem.
        note: What is suspicious about a value that is available; empty if nothing is.
        is_absent: Whether the problem is that nothing states a value, so that a default helps.
    """

    value: JsonValue = ""
    sensitive: bool = False
    problem: str = ""
    severity: Severity = Severity.ERROR
    note: str = ""
    is_absent: bool = False


ENV_TYPES: Final = ("string", "integer", "number", "boolean", "json")
"""The types that the value of a variable may have; text if none is stated."""


class EnvTag(NamedTuple):
    """What follows `!env`.

    Args:
        name: The variable.
        default: The text to take when the variable is not set; `None` if there is none.
        type: One of `ENV_TYPES`.
    """

    name: str
    default: str | None = None
    type: str = "string"


class Tags(NamedTuple):
    """The readers of `!env`, `!file` and `!param`.

    Args:
        env: Takes what is written.
        file: Takes the path as written.
        param: Takes the name of the parameter.
        secret: Returns the variable whose value a template put between two positions; empty if there is none.
    """

    env: Callable[[EnvTag], Included]
    file: Callable[[str], Included]
    param: Callable[[str], Included]
    secret: Callable[[Position, Position], str] | None = None


@dataclass(slots=True, eq=False)
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


_LONGEST_SHARED: Final = 100
"""The length of texts that are kept once, however many manifests state them."""

_KEY_TAGS: Final = frozenset({nodes.STR, nodes.INT})
_TEXT_TAGS: Final = frozenset({nodes.STR, nodes.MERGE})
_WITH_WORDS: Final = frozenset({"!env", "!param"})
_INVALID_ENV: Final = (
    "invalid !env; use !env NAME or !env {name: NAME, default: text}, there also with type: "
    + ", ".join(ENV_TYPES)
)
_INVALID_PARAM: Final = "invalid !param; use !param NAME or !param {name: NAME, default: VALUE}"


class ValueBuilder:
    """A builder of values from the nodes of one file, which counts what it builds."""

    def __init__(
        self, file: str, tags: Tags, findings: list[Finding], extent: Extent, *, keep_null: bool = False
    ) -> None:
        self._file = file
        self._tags = tags
        self._findings = findings
        self._extent = extent
        self._keep_null = keep_null
        self._path: list[str | int] = []
        self._open: set[int] = set()
        self.errors = 0
        self.variables: dict[Path, str] = {}
        self.defaults: set[Path] = set()
        self.unset: dict[Path, EnvTag] = {}
        self.parameters: dict[Path, str] = {}

    def document(self, root: Node) -> JsonValue:
        """Return the value of the document `root`; what else the builder knows is then about it.

        Raises:
            YamlProblemError: A limit is exceeded, or an alias refers to a value that contains it.
        """
        self.variables.clear()
        self.defaults.clear()
        self.unset.clear()
        self.parameters.clear()
        return self._build(root)

    def _build(self, node: Node) -> JsonValue:
        self._tally(1, node)
        if isinstance(node, ScalarNode):
            value = self._scalar(node)
            if self._tags.secret is not None:
                self._note_secret(self._tags.secret, node)
            if isinstance(value, str):
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
        if node.tag == nodes.STR and self._tags.secret is None and isinstance(node, ScalarNode):
            return self._text(node)  # most values; nothing about them depends on the path
        self._path.append(part)
        value = self._build(node)
        self._path.pop()
        return value

    def _text(self, node: ScalarNode) -> str:
        text: str = node.value
        self._tally(1, node)
        self._weigh(text, node)
        return intern(text) if len(text) <= _LONGEST_SHARED else text

    def _tally(self, number: int, node: Node) -> None:
        self._extent.values += number
        if self._extent.values > MAX_NODES:
            message = f"more than {MAX_NODES} values in one file, aliases expanded"
            raise YamlProblemError("too-large", message, nodes.position_of(node))

    def _weigh(self, value: str, node: Node) -> None:
        self._extent.characters += len(value)
        if self._extent.characters > MAX_TEXT:
            message = f"more than {MAX_TEXT} characters of text in one file, aliases and !file expanded"
            raise YamlProblemError("too-large", message, nodes.position_of(node))

    def _sequence(self, node: Node) -> JsonValue:
        if node.tag in _WITH_WORDS:
            return self._with_words(node)
        if node.tag != nodes.SEQ:
            return self._unknown_tag(node)
        return [self._child(index, item) for index, item in enumerate(node.value)]

    def _mapping(self, node: MappingNode) -> JsonValue:
        if node.tag in _WITH_WORDS:
            return self._with_words(node)
        if node.tag != nodes.MAP:
            return self._unknown_tag(node)
        built = {name: self._child(name, value) for name, value in self._own(node)}
        for source in merged_mappings(node, self._merge_source) if len(built) < len(node.value) else ():
            for name, value in self._own(source):
                if name not in built:
                    built[name] = self._child(name, value)
        if self._keep_null:
            return built
        if self._path[-1:] == ["env"]:
            self._warn_of_nothing(node)
        if None in built.values():
            return {name: item for name, item in built.items() if item is not None}
        return built

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
        if isinstance(key, ScalarNode) and key.tag in _KEY_TAGS:
            return intern(str(key.value))
        self._report("yaml-key", "a key must be text; quote it", key)
        return None

    def _scalar(self, node: ScalarNode) -> JsonValue:
        text: str = node.value
        if node.tag in _TEXT_TAGS:
            return text
        if node.tag in _WITH_WORDS:
            return self._with_words(node)
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

    def _with_words(self, node: Node) -> JsonValue:
        return self._env(node) if node.tag == "!env" else self._param(node)

    def _env(self, node: Node) -> JsonValue:
        tag = _env_tag(node)
        if tag is None:
            self._report("env", _INVALID_ENV, node)
            return None
        included = self._tags.env(tag)
        if included.problem:
            self.unset[tuple(self._path)] = tag
            return self._take(node, included, "env")
        path = tuple(self._path)
        inside = [below for below, item in values_inside(included.value) if not isinstance(item, dict | list)]
        for below in inside or [()]:
            where = (*path, *below)
            self.variables[where] = tag.name
            if not included.sensitive:
                self.defaults.add(where)
        return self._counted(node, self._take(node, included, "env"))

    def _param(self, node: Node) -> JsonValue:
        name, default = _param_words(node)
        if not name:
            self._report("param", _INVALID_PARAM, node)
            return None
        included = self._tags.param(name)
        if default is None or not included.is_absent:
            value = self._counted(node, copy.deepcopy(self._take(node, included, "param")))
        else:
            value = self._build(default)
        self.parameters[tuple(self._path)] = name
        return value

    def _counted(self, node: Node, value: JsonValue) -> JsonValue:
        """Return a value that no node of this file describes, counted like one that does."""
        if isinstance(value, dict | list):
            self._tally(sum(1 for _ in values_inside(value)) - 1, node)
            for _, text in texts(value):
                self._weigh(text, node)
        return value

    def _take(self, node: Node, included: Included, rule: str) -> JsonValue:
        if included.problem:
            self._report(rule, included.problem, node, included.severity)
        elif included.note:
            self._report(rule, included.note, node, Severity.WARNING)
        return included.value

    def _unknown_tag(self, node: Node) -> JsonValue:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        message = f"unknown tag {clip(tag, 60)!r}; supported tags: !env, !file, !param"
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


def _env_tag(node: Node) -> EnvTag | None:
    """Return what follows `!env`; `None` if it is invalid."""
    if isinstance(node, ScalarNode):
        return EnvTag(node.value) if node.value else None
    parts = _words(node, {"name", "default", "type"})
    if not all(isinstance(part, ScalarNode) and part.tag in nodes.PLAIN_TAGS for part in parts.values()):
        return None
    written = {key: str(part.value) for key, part in parts.items()}
    tag = EnvTag(written.get("name", ""), written.get("default"), written.get("type", "string"))
    return tag if tag.name and tag.type in ENV_TYPES else None


def _param_words(node: Node) -> tuple[str, Node | None]:
    """Return the name and the default that follow `!param`; an empty name if they are invalid."""
    if isinstance(node, ScalarNode):
        return node.value, None
    parts = _words(node, {"name", "default"})
    name = parts.get("name")
    is_text = isinstance(name, ScalarNode) and name.tag in nodes.PLAIN_TAGS
    return (str(name.value) if name is not None and is_text else ""), parts.get("default")


def _words(node: Node, allowed: set[str]) -> dict[str, Node]:
    """Return the values in the mapping that follows a tag, by key; none if a key is not `allowed`."""
    if not isinstance(node, MappingNode):
        return {}
    parts = {key.value: value for key, value in node.value if isinstance(key, ScalarNode)}
    return parts if len(parts) == len(node.value) and set(parts) <= allowed else {}
