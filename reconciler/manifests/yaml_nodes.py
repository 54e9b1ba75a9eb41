"""YAML nodes: text parsed into nodes, and the positions of nodes found by path. Only this module reads YAML.

Scalars follow the JSON-like core schema of YAML 1.2: `true`, `null`, `12` and `1.5` have the obvious types.
Everything that YAML 1.1 would silently convert (dates, `yes`, `0o17`, `1:30`, `010`) stays the text that the
user wrote, and so does a number of more than 18 digits, which a float could not hold exactly. Python objects
are never built from tags.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, TypeAlias

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from reconciler.findings import Position
from reconciler.values import Path

MAX_DEPTH = 100
"""Nesting levels of mappings and lists."""

MAX_NODES = 1_000_000
"""Values in one file, counted after aliases are expanded."""

Node: TypeAlias = yaml.Node
MappingNode: TypeAlias = yaml.MappingNode
SequenceNode: TypeAlias = yaml.SequenceNode
ScalarNode: TypeAlias = yaml.ScalarNode

STR = "tag:yaml.org,2002:str"
INT = "tag:yaml.org,2002:int"
FLOAT = "tag:yaml.org,2002:float"
BOOL = "tag:yaml.org,2002:bool"
NULL = "tag:yaml.org,2002:null"
MERGE = "tag:yaml.org,2002:merge"
ALIAS = "alias"
"""The tag of an alias that an editor sees as it is written, not as what it refers to."""

MAP = "tag:yaml.org,2002:map"
SEQ = "tag:yaml.org,2002:seq"

PLAIN_TAGS = frozenset({STR, INT, FLOAT, BOOL, MERGE})
"""Tags of scalars whose text is their value: no `!env`, no `!file`."""

NULL_PATTERN = re.compile(r"(?:~|null|Null|NULL|)\Z")
INT_PATTERN = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\Z")
FLOAT_PATTERN = re.compile(
    r"[-+]?(?:(?:0|[1-9][0-9]{0,17})(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,2})?\Z",
)

# The composer recurses, and the one in C does not check its depth. Text that could nest deeper than this is
# therefore parsed event by event first, and so is text that could hold more than `MAX_NODES` values. Block
# indentation is searched anywhere in the text, since YAML has more line breaks than `^` matches.
_SUSPICIOUS_DEPTH = 300
_BLOCK_INDICATORS = re.compile(rf"(?<![ \t?:-])[ \t?:-]{{{_SUSPICIOUS_DEPTH},}}")


# JSON writes a character beyond the first 65,536 as two escapes, which YAML does not allow.
_ESCAPED_PAIR = re.compile(
    r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
)


_LONGEST_WORD = 64
"""The length of the longest plain text whose tag is remembered."""

_WORDS_KEPT = 8192
"""The number of plain texts whose tags are remembered: the keys and short values of manifests recur."""


class YamlProblemError(Exception):
    """A problem that ends the reading of a YAML text.

    Args:
        rule: The stable id of the rule that is broken.
        message: What is wrong and what to do.
        position: The place in the text; `None` when it is unknown.
    """

    def __init__(self, rule: str, message: str, position: Position | None) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.position = position


class _Resolver(BaseResolver):
    """The resolver of plain scalars: JSON's types and `<<`; everything else is text."""

    def resolve(self, kind: type[Node], value: Any, implicit: Any) -> str:  # noqa: ANN401 - as PyYAML's
        """Return the tag of a node that states none, as the base class does, which takes longer."""
        if kind is not ScalarNode:
            return MAP if kind is MappingNode else SEQ
        if not implicit[0]:
            return STR
        return _tag_of_word(value) if len(value) <= _LONGEST_WORD else _tag_of_plain(value)


def _tag_of_plain(text: str) -> str:
    resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = _Resolver.yaml_implicit_resolvers
    found = (tag for tag, pattern in resolvers.get(text[:1], ()) if pattern.match(text))
    return next(found, STR)


_tag_of_word = lru_cache(_WORDS_KEPT)(_tag_of_plain)


_Resolver.add_implicit_resolver(NULL, NULL_PATTERN, ["~", "n", "N", ""])
_Resolver.add_implicit_resolver(BOOL, re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF"))
_Resolver.add_implicit_resolver(INT, INT_PATTERN, list("-+0123456789"))
_Resolver.add_implicit_resolver(FLOAT, FLOAT_PATTERN, list("-+.0123456789"))
_Resolver.add_implicit_resolver(MERGE, re.compile(r"<<\Z"), ["<"])


class _PyComposer(Reader, Scanner, Parser, Composer, _Resolver):
    """The composer in pure Python, for installations without libyaml."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        _Resolver.__init__(self)


class _EditingComposer(_PyComposer):
    """A composer that keeps each alias as a scalar of its own, and knows what they refer to."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.aliased: dict[int, str] = {}
        self._anchored: dict[str, Node] = {}

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:  # noqa: ANN401 - as PyYAML's
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            self.get_event()  # type: ignore[no-untyped-call]
            anchor = str(event.anchor)
            self.aliased[id(self._anchored[anchor])] = anchor
            return ScalarNode(ALIAS, anchor, event.start_mark, event.end_mark)  # type: ignore[arg-type]
        node = super().compose_node(parent, index)
        if event.anchor is not None and node is not None:
            self._anchored[event.anchor] = node
        return node


if yaml.__with_libyaml__:
    from yaml._yaml import CParser

    class _CComposer(CParser, _Resolver):
        """The composer in C, about eight times as fast."""

        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)
            _Resolver.__init__(self)

    _COMPOSER: type[_PyComposer | _CComposer] = _CComposer
else:  # pragma: no cover - depends on the installation
    _COMPOSER = _PyComposer


def resolved_tag(text: str) -> str:
    """Return the tag that `text` has when written as a plain scalar; `STR` if it reads back as text."""
    tag: str = _Resolver().resolve(ScalarNode, text, (True, False))
    return tag


def position_of(node: Node) -> Position:
    """Return the position of the first character of `node`."""
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)


def json_as_yaml(text: str) -> str:
    """Return JSON text in the form that YAML takes: each escaped pair of surrogates as one escape."""
    return _ESCAPED_PAIR.sub(_joined_pair, text)


def escaped_pairs(text: str) -> list[int]:
    """Return where the escapes made of pairs are in `json_as_yaml(text)`: each is two shorter there."""
    starts = (match.start(2) for match in _ESCAPED_PAIR.finditer(text))
    return [start - 2 * number for number, start in enumerate(starts)]


def _joined_pair(match: re.Match[str]) -> str:
    high, low = int(match[2], 16), int(match[3], 16)
    return f"{match[1]}\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08x}"


def end_of(node: Node) -> Position:
    """Return the position after the last character of `node`."""
    return Position(node.end_mark.line + 1, node.end_mark.column + 1)


def compose(text: str) -> Iterator[Node]:
    """Yield the root node of every document in `text` that is not empty.

    Raises:
        YamlProblemError: The text is not YAML, nests deeper than `MAX_DEPTH`, or holds more than
            `MAX_NODES` values.
    """
    try:
        if len(text) > MAX_NODES or _may_nest_deeply(text):
            _check_bounds(text)
        composer = _COMPOSER(text)
        while composer.check_node():
            node = composer.get_node()
            if node is not None and not (isinstance(node, ScalarNode) and node.tag == NULL):
                yield node
    except yaml.MarkedYAMLError as error:
        raise _syntax_problem(error, text) from None
    except yaml.reader.ReaderError as error:
        char = chr(error.character)
        # The error counts bytes or characters, depending on the parser; the first such character is the one.
        before = text.partition(char)[0]
        position = Position(before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise YamlProblemError(
            "yaml-syntax", f"the character {char!r} is not allowed in YAML", position
        ) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise YamlProblemError("yaml-syntax", f"not valid YAML: {error}", None) from None


def compose_for_editing(text: str) -> tuple[list[Node], dict[int, str]]:
    """Return the roots of all documents in a valid text, and the anchor of each node that has an alias.

    An alias is a scalar with the tag `ALIAS`; anchors are by the id of their node. Marks count characters.
    """
    composer = _EditingComposer(text)
    roots = []
    while composer.check_node():
        node = composer.get_node()
        if node is not None and not (isinstance(node, ScalarNode) and node.tag == NULL):
            roots.append(node)
    return roots, composer.aliased


def locate(node: Node, path: Path, *, at_key: bool) -> Position:
    """Return the position of the value at `path` below `node`, or of the nearest value above it.

    Merge keys (`<<`) are followed.

    Args:
        node: The root of the document.
        path: The path from `node`.
        at_key: Return the position of the value's key instead.
    """
    for step, part in enumerate(path):
        found: tuple[Node, Node] | None = None
        if isinstance(node, MappingNode):
            found = _pair(node, part)
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = (node.value[part], node.value[part])
        if found is None:
            return position_of(node)
        if at_key and step == len(path) - 1:
            return position_of(found[0])
        node = found[1]
    return position_of(node)


def _pair(node: MappingNode, name: str | int) -> tuple[Node, Node] | None:
    """Return the key and value nodes of the entry `name`; an entry of `node` itself wins over merged ones."""
    for mapping in (node, *merged_mappings(node)):
        for key, value in mapping.value:
            if key.value == name and key.tag != MERGE:
                return key, value
    return None


def merged_mappings(node: MappingNode, visit: Callable[[Node], None] | None = None) -> Iterator[MappingNode]:
    """Yield the mappings that the merge keys (`<<`) of `node` bring in, also through each other, each once.

    Where two of them have the same key, the mapping that is yielded first wins.

    Args:
        node: The mapping with the merge keys.
        visit: Called with each merged node, every time that it is merged.
    """
    entered = {id(node)}
    pending = _merge_values(node)
    while pending:
        source = pending.pop()
        if visit is not None:
            visit(source)
        if isinstance(source, MappingNode) and id(source) not in entered:
            entered.add(id(source))
            yield source
            pending.extend(_merge_values(source))


def _merge_values(node: MappingNode) -> list[Node]:
    """Return the values of the merge keys of `node`, the last one first."""
    values: list[Node] = []
    for key, value in node.value:
        if key.tag == MERGE:
            values.extend(value.value if isinstance(value, SequenceNode) else [value])
    return values[::-1]


def _syntax_problem(error: yaml.MarkedYAMLError, text: str) -> YamlProblemError:
    position = _position(error.problem_mark or error.context_mark)
    words = ", ".join(part for part in (error.context, error.problem) if part)
    first = _position(error.context_mark)
    if error.problem == "second occurrence" and first is not None:
        words = f"the anchor is defined twice, first at line {first.line}, column {first.column}"
    elif "mapping values are not allowed" in words:
        words = "a colon is not allowed here; quote text that contains a colon, or fix the indentation"
    elif position is not None and "cannot start any token" in words:
        words = _wrong_start(position, text)
    return YamlProblemError("yaml-syntax", f"not valid YAML: {words}", position)


def _wrong_start(position: Position, text: str) -> str:
    char = "".join(text.splitlines()[position.line - 1 : position.line])[
        position.column - 1 : position.column
    ]
    if char == "\t":
        return "a tab is not allowed here; indent with spaces"
    return f"the character {char!r} cannot start a value; quote the value"


def _position(mark: Any) -> Position | None:  # noqa: ANN401 - PyYAML has two unrelated kinds of marks
    return Position(mark.line + 1, mark.column + 1) if mark is not None else None


def _may_nest_deeply(text: str) -> bool:
    brackets = text.count("[") + text.count("{")
    if brackets > _SUSPICIOUS_DEPTH:
        return True
    long_lines = any(len(line) >= _SUSPICIOUS_DEPTH for line in text.splitlines())
    return long_lines and _BLOCK_INDICATORS.search(text) is not None


def _check_bounds(text: str) -> None:
    composer = _COMPOSER(text)
    depth = count = 0
    while (event := composer.get_event()) is not None:
        count += isinstance(event, yaml.NodeEvent)
        if count > MAX_NODES:
            message = f"more than {MAX_NODES} values in one file"
            raise YamlProblemError("too-large", message, _position(event.start_mark))
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                message = f"nested deeper than {MAX_DEPTH} levels"
                raise YamlProblemError("too-deep", message, _position(event.start_mark))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
