"""YAML nodes to JSON values: tags applied, duplicate keys refused, sizes bounded, secrets remembered.

Positions are not kept beside every value: a document keeps its text, and the place of a value is looked up
when a message needs it. Never reads a file or the environment itself: it is handed both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from reconciler.findings import Finding, Position, Severity
from reconciler.manifests import yaml_nodes as nodes
from reconciler.manifests.bounds import MAX_DEPTH, MAX_DOCUMENTS, MAX_NODES
from reconciler.manifests.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode, YamlProblemError
from reconciler.text import clip, printable
from reconciler.values import JsonValue, Path


@dataclass(frozen=True, slots=True)
class Included:
    """What a tag stands for, or why it cannot be had.

    Args:
        value: The text.
        sensitive: Whether it must never be shown.
        problem: Why the value cannot be had; empty when it can.
        severity: How bad that is.
    """

    value: str = ""
    sensitive: bool = False
    problem: str = ""
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class Tags:
    """What `!env` and `!file` read from; both take what stands behind the tag.

    Args:
        env: Takes the variable's name and the default (or `None`).
        file: Takes the path as written.
    """

    env: Callable[[str, str | None], Included]
    file: Callable[[str], Included]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One YAML document.

    Args:
        file: The file as the user named it.
        text: The file's whole text.
        index: Which of the file's documents this is, from 0.
        value: What it says; empty values are left out of mappings, as the public client does.
        sensitive: The paths of the values that came through `!env`.
    """

    file: str
    text: str = field(repr=False)
    index: int
    value: JsonValue = field(repr=False)
    sensitive: frozenset[Path]

    def position(self, path: Path, *, at_key: bool = False) -> Position | None:
        """Return where the value at `path` (or its key) stands, or the nearest value above it."""
        try:
            for index, root in enumerate(nodes.compose(self.text)):
                if index == self.index:
                    return _locate(root, path, at_key=at_key)
        except YamlProblemError:  # pragma: no cover - the same text was composed before
            return None
        return None


def read_documents(file: str, text: str, tags: Tags) -> tuple[list[Document], list[Finding]]:
    """Return the documents in `text`, and a finding for each mistake; a broken document is left out.

    Args:
        file: The file as the user named it.
        text: Its text.
        tags: What `!env` and `!file` read from.
    """
    documents: list[Document] = []
    findings: list[Finding] = []
    builder = _Builder(file, tags, findings)
    try:
        for index, root in enumerate(_roots(text)):
            before = builder.errors
            value = builder.build(root, 0)
            if builder.errors == before:
                sensitive = frozenset(builder.sensitive_paths(root))
                documents.append(
                    Document(file=file, text=text, index=index, value=value, sensitive=sensitive)
                )
    except YamlProblemError as problem:
        message = printable(problem.message)
        findings.append(Finding(file=file, rule=problem.rule, message=message, position=problem.position))
    return documents, findings


def _roots(text: str) -> Iterator[Node]:
    for index, root in enumerate(nodes.compose(text)):
        if index >= MAX_DOCUMENTS:
            message = f"more than {MAX_DOCUMENTS} documents in one file; split it"
            raise YamlProblemError("too-many-documents", message, nodes.position_of(root))
        yield root


class _Builder:
    """Builds values from the nodes of one file, and keeps count of what it built."""

    def __init__(self, file: str, tags: Tags, findings: list[Finding]) -> None:
        self._file = file
        self._tags = tags
        self._findings = findings
        self._count = 0
        self._sensitive: set[int] = set()
        self._open: set[int] = set()
        self.errors = 0

    def build(self, node: Node, depth: int) -> JsonValue:
        """Return the value of `node`.

        Raises:
            YamlProblemError: A bound is passed, or an alias stands inside what it stands for.
        """
        self._count += 1
        if self._count > MAX_NODES:
            message = f"more than {MAX_NODES} values in one file, aliases expanded"
            raise YamlProblemError("too-large", message, nodes.position_of(node))
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if depth >= MAX_DEPTH:
            raise YamlProblemError(
                "too-deep", f"nested deeper than {MAX_DEPTH} levels", nodes.position_of(node)
            )
        if id(node) in self._open:
            raise YamlProblemError(
                "recursive-alias", "an alias stands inside itself", nodes.position_of(node)
            )
        self._open.add(id(node))
        value = self._mapping(node, depth) if isinstance(node, MappingNode) else self._sequence(node, depth)
        self._open.discard(id(node))
        return value

    def sensitive_paths(self, root: Node) -> Iterator[Path]:
        """Yield the paths below `root` of the values that came through `!env`."""
        if self._sensitive:
            yield from self._walk(root, ())

    def _walk(self, node: Node, path: Path) -> Iterator[Path]:
        if id(node) in self._sensitive:
            yield path
        elif isinstance(node, MappingNode) and not node.tag.startswith("!"):
            for key, value in _pairs(node):
                yield from self._walk(value, (*path, str(key.value)))
        elif isinstance(node, SequenceNode):
            for index, item in enumerate(node.value):
                yield from self._walk(item, (*path, index))

    def _sequence(self, node: Node, depth: int) -> JsonValue:
        if node.tag == "!env":
            return self._env(node)
        if node.tag != nodes.SEQ:
            return self._unknown_tag(node)
        return [self.build(item, depth + 1) for item in node.value]

    def _mapping(self, node: MappingNode, depth: int) -> JsonValue:
        if node.tag == "!env":
            return self._env(node)
        if node.tag != nodes.MAP:
            return self._unknown_tag(node)
        built: dict[str, JsonValue] = {}
        seen: dict[str, Node] = {}
        for key, value in node.value:
            if key.tag == nodes.MERGE:
                continue
            name = self._key(key)
            if name is None:
                continue
            if name in seen:
                first = nodes.position_of(seen[name])
                where = f"line {first.line}, column {first.column}"
                self._report("duplicate-key", f"the key {name!r} stands twice, first at {where}", key)
                continue
            seen[name] = key
            built[name] = self.build(value, depth + 1)
        for key, value in _merged(node, self._report):
            if key.value not in seen and key.value not in built:
                built[str(key.value)] = self.build(value, depth + 1)
        return {name: item for name, item in built.items() if item is not None}

    def _key(self, key: Node) -> str | None:
        if isinstance(key, ScalarNode) and key.tag in {nodes.STR, nodes.INT}:
            return str(key.value)
        self._report("yaml-key", "a key must be text; put it in quotes", key)
        return None

    def _scalar(self, node: ScalarNode) -> JsonValue:
        text: str = node.value
        if node.tag == nodes.STR:
            return text
        if node.tag == "!env":
            return self._env(node)
        if node.tag == "!file":
            return self._take(node, self._tags.file(text), "file-include")
        return self._typed(node, text)

    def _typed(self, node: ScalarNode, text: str) -> JsonValue:
        if node.tag == nodes.NULL:
            return None
        if node.tag == nodes.BOOL and text.lower() in {"true", "false"}:
            return text.lower() == "true"
        if node.tag == nodes.INT and nodes.INT_PATTERN.match(text):
            return int(text)
        if node.tag == nodes.FLOAT and nodes.FLOAT_PATTERN.match(text):
            return float(text)
        return self._unknown_tag(node)

    def _env(self, node: Node) -> JsonValue:
        name, default = node.value, None
        if isinstance(node, MappingNode):
            parts = {key.value: value.value for key, value in node.value if isinstance(value, ScalarNode)}
            name, default = parts.get("name"), parts.get("default")
            if not set(parts) <= {"name", "default"} or len(parts) != len(node.value):
                name = None
        if not isinstance(name, str) or not name:
            self._report("env", "write !env NAME or !env {name: NAME, default: text}", node)
            return None
        return self._take(node, self._tags.env(name, default), "env")

    def _take(self, node: Node, included: Included, rule: str) -> JsonValue:
        if included.problem:
            self._report(rule, included.problem, node, included.severity)
        if included.sensitive:
            self._sensitive.add(id(node))
        return included.value

    def _unknown_tag(self, node: Node) -> JsonValue:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        shown = clip(tag, 60)
        self._report("yaml-tag", f"the tag {shown!r} is not known here; known: !env, !file", node)
        return None

    def _report(self, rule: str, message: str, node: Node, severity: Severity = Severity.ERROR) -> None:
        self.errors += severity is Severity.ERROR
        position = nodes.position_of(node)
        self._findings.append(
            Finding(
                file=self._file, rule=rule, message=printable(message), position=position, severity=severity
            )
        )


def _merged(
    node: MappingNode,
    report: Callable[[str, str, Node], None] | None = None,
    seen: set[int] | None = None,
) -> Iterator[tuple[Node, Node]]:
    """Yield the pairs that merge keys (`<<`) bring in, at any remove; the first of a name wins."""
    seen = {id(node)} if seen is None else seen
    for key, value in node.value:
        if key.tag != nodes.MERGE:
            continue
        for source in value.value if isinstance(value, SequenceNode) else [value]:
            if not isinstance(source, MappingNode):
                if report is not None:
                    report("yaml-merge", "<< takes a mapping or a list of mappings", source)
            elif id(source) not in seen:
                seen.add(id(source))
                yield from (pair for pair in source.value if pair[0].tag != nodes.MERGE)
                yield from _merged(source, report, seen)


def _pairs(node: MappingNode) -> Iterator[tuple[Node, Node]]:
    """Yield every key and value of a mapping, its own before the merged ones."""
    own = {key.value for key, _ in node.value if isinstance(key, ScalarNode)}
    yield from (pair for pair in node.value if pair[0].tag != nodes.MERGE)
    yield from (pair for pair in _merged(node) if pair[0].value not in own)


def _locate(node: Node, path: Path, *, at_key: bool) -> Position:
    for step, part in enumerate(path):
        found: tuple[Node, Node] | None = None
        if isinstance(node, MappingNode):
            found = next(((key, value) for key, value in _pairs(node) if key.value == part), None)
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = (node.value[part], node.value[part])
        if found is None:
            return nodes.position_of(node)
        if at_key and step == len(path) - 1:
            return nodes.position_of(found[0])
        node = found[1]
    return nodes.position_of(node)
