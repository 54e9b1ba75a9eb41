"""YAML text to nodes that know their place: the only module that reads with PyYAML.

Scalars are resolved by the JSON-like core of YAML 1.2: `true`, `null`, `12` and `1.5` are what they look
like, and everything that YAML 1.1 would silently turn into something else (dates, `yes`, `0o17`, `1:30`,
`010`) stays the text that the user wrote, and so does a number of more than 18 digits, which no number here
could hold exactly. Never builds Python objects from tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from reconciler.findings import Position
from reconciler.manifests.bounds import MAX_DEPTH, MAX_NODES

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
MAP = "tag:yaml.org,2002:map"
SEQ = "tag:yaml.org,2002:seq"

PLAIN_TAGS = frozenset({STR, INT, FLOAT, BOOL, MERGE})
"""The tags of scalars that are some text and no tag of ours."""

NULL_PATTERN = re.compile(r"(?:~|null|Null|NULL|)\Z")
INT_PATTERN = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\Z")
FLOAT_PATTERN = re.compile(
    r"[-+]?(?:(?:0|[1-9][0-9]{0,17})(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,2})?\Z",
)

# The composer recurses, in C without a check of its own: text that could nest deeper than this is walked
# event by event first, and so is text that could hold more than `MAX_NODES` values. Block indentation is
# looked for anywhere, since YAML knows more line breaks than `^` does.
_SUSPICIOUS_DEPTH = 300
_BLOCK_INDICATORS = re.compile(r"(?<![ \t?:-])[ \t?:-]{300,}")


class YamlProblemError(Exception):
    """The text is not YAML that can be read.

    Args:
        rule: The stable id of the rule.
        message: What is wrong.
        position: Where; `None` when it cannot be told.
    """

    def __init__(self, rule: str, message: str, position: Position | None) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.position = position


class _Resolver(BaseResolver):
    """Tells the plain scalars of JSON from text, and nothing else."""


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


if yaml.__with_libyaml__:
    from yaml._yaml import CParser

    class _CComposer(CParser, _Resolver):
        """The composer in C: about eight times as fast."""

        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)
            _Resolver.__init__(self)

    _COMPOSER: type[_PyComposer | _CComposer] = _CComposer
else:  # pragma: no cover - depends on the installation
    _COMPOSER = _PyComposer


def resolved_tag(text: str) -> str:
    """Return the tag of `text` where it stands as a plain scalar: `STR` for what is read as text."""
    tag: str = _Resolver().resolve(ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return tag


def position_of(node: Node) -> Position:
    """Return where `node` starts."""
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)


def compose(text: str) -> Iterator[Node]:
    """Yield the root node of every document in `text`; empty documents are left out.

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
        # The error counts bytes or characters, as the parser likes; such a character is refused anywhere.
        before = text.partition(char)[0]
        position = Position(before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise YamlProblemError(
            "yaml-syntax", f"the character {char!r} is not allowed in YAML", position
        ) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise YamlProblemError("yaml-syntax", f"not valid YAML: {error}", None) from None


def _syntax_problem(error: yaml.MarkedYAMLError, text: str) -> YamlProblemError:
    position = _position(error.problem_mark or error.context_mark)
    words = ", ".join(part for part in (error.context, error.problem) if part)
    first = _position(error.context_mark)
    if error.problem == "second occurrence" and first is not None:
        words = f"two anchors have one name, the first at line {first.line}, column {first.column}"
    elif "mapping values are not allowed" in words:
        words = "a colon cannot stand here; put text that has one in quotes, or mend the indentation"
    elif position is not None and "cannot start any token" in words:
        words = _wrong_start(position, text)
    return YamlProblemError("yaml-syntax", f"not valid YAML: {words}", position)


def _wrong_start(position: Position, text: str) -> str:
    char = "".join(text.splitlines()[position.line - 1 : position.line])[
        position.column - 1 : position.column
    ]
    if char == "\t":
        return "a tab cannot stand here; indent with spaces"
    return f"the character {char!r} cannot start a value; put the value in quotes"


def _position(mark: Any) -> Position | None:  # noqa: ANN401 - PyYAML has two unrelated kinds of marks
    return Position(mark.line + 1, mark.column + 1) if mark is not None else None


def _may_nest_deeply(text: str) -> bool:
    brackets = text.count("[") + text.count("{")
    return brackets > _SUSPICIOUS_DEPTH or _BLOCK_INDICATORS.search(text) is not None


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
