"""YAML text to nodes that know their place: the only module that talks to PyYAML.

Scalars are resolved by the JSON-like core of YAML 1.2: `true`, `null`, `12` and `1.5` are what they look
like, and everything that YAML 1.1 would silently turn into something else (dates, `yes`, `0o17`, `1:30`,
`010`) stays the text that the user wrote. Never builds Python objects from tags.
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
from reconciler.manifests.bounds import MAX_DEPTH

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

INT_PATTERN = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\Z")
FLOAT_PATTERN = re.compile(
    r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,2})?\Z",
)

# The composer recurses, in C without a check of its own: text that could nest deeper than this is walked
# event by event first.
_SUSPICIOUS_DEPTH = 300
_BLOCK_INDICATORS = re.compile(r"^[ \t?-]{300,}", re.MULTILINE)


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


_Resolver.add_implicit_resolver(NULL, re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""])
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


def position_of(node: Node) -> Position:
    """Return where `node` starts."""
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)


def compose(text: str) -> Iterator[Node]:
    """Yield the root node of every document in `text`; empty documents are left out.

    Raises:
        YamlProblemError: The text is not YAML, or nests deeper than `MAX_DEPTH`.
    """
    try:
        if _may_nest_deeply(text):
            _check_depth(text)
        composer = _COMPOSER(text)
        while composer.check_node():
            node = composer.get_node()
            if node is not None and not (isinstance(node, ScalarNode) and node.tag == NULL):
                yield node
    except yaml.MarkedYAMLError as error:
        raise _syntax_problem(error) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"the character {chr(error.character)!r} is not allowed in YAML"
        raise YamlProblemError("yaml-syntax", message, Position(line, 1)) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise YamlProblemError("yaml-syntax", f"not valid YAML: {error}", None) from None


def _syntax_problem(error: yaml.MarkedYAMLError) -> YamlProblemError:
    words = " ".join(part for part in (error.context, error.problem) if part)
    position = _position(error.problem_mark or error.context_mark)
    return YamlProblemError("yaml-syntax", f"not valid YAML: {words}", position)


def _position(mark: Any) -> Position | None:  # noqa: ANN401 - PyYAML has two unrelated kinds of marks
    return Position(mark.line + 1, mark.column + 1) if mark is not None else None


def _may_nest_deeply(text: str) -> bool:
    brackets = text.count("[") + text.count("{")
    return brackets > _SUSPICIOUS_DEPTH or _BLOCK_INDICATORS.search(text) is not None


def _check_depth(text: str) -> None:
    composer = _COMPOSER(text)
    depth = 0
    while composer.check_event():
        event = composer.get_event()
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                message = f"nested deeper than {MAX_DEPTH} levels"
                raise YamlProblemError("too-deep", message, _position(event.start_mark))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
