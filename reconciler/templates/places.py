"""Places of what a template outputs, and the counting of what it does, written into its syntax tree.

Jinja2 knows the line of an expression, not its column, and keeps neither in what it renders. Here the places
of a template are numbered: literal text, and each pair of brackets. The parser takes these numbers for lines,
so that every node of the tree has one. An output is wrapped in a filter that looks its place up, and whatever
needs time or memory in one that counts it. The names of these filters have a space: no template can use them.

Templates that differ only in their literal text have one tree: it holds numbers, and no text and no place.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar, cast

from jinja2 import TemplateSyntaxError, nodes
from jinja2.visitor import NodeTransformer

from reconciler.templates.budget import MAX_TOKENS, BudgetError

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2.lexer import Lexer

_Token: TypeAlias = tuple[str, str]
"""The kind of a token, and its text."""

_N = TypeVar("_N", bound=nodes.Node)
_FILE: Final = "__file__"
"""The name in compiled code of the file that its template is."""

LITERAL: Final = "literal text"
"""The filter of text that is written in the template; it takes the number of a place."""

OUTPUT: Final = "output of expression"
"""The filter of the value of an expression."""

ITEMS: Final = "items of loop"
WEIGHED: Final = "weighed value"
JOINED: Final = "joined texts"
INCLUDED: Final = "included template"
WANTED: Final = "wanted template"

_PLAIN_BRACKETS: Final = re.compile(
    r"(?<!\{)(\{\{[^{}%#]{0,200}\}\}|\{%[^{}%#]{0,200}%\}|\{#[^{}%#]{0,200}#\})"
)
"""Brackets without others in them."""

_OPENING: Final = re.compile(r"\{[{%#]")
_ENDS: Final = {
    "variable_begin": "variable_end",
    "block_begin": "block_end",
    "comment_begin": "comment_end",
}
_KEPT_BRACKETS: Final = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """The place of literal text, or of brackets.

    Args:
        line: The line, from 1.
        column: The column, from 1.
        text: The literal text as it is rendered, or the brackets with what is in them.
        is_expression: Whether it is the output of an expression, in double braces.
    """

    line: int
    column: int
    text: str
    is_expression: bool = False


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a template.

    Args:
        places: The places, in the order of the source.
        stream: The number of the place of each token from 1, its kind and its text.
        shape: What templates have in common that differ in their literal text only.
    """

    places: tuple[Place, ...]
    stream: tuple[tuple[int, str, str], ...] = field(repr=False)
    shape: str = field(repr=False)


def read_tokens(environment: Environment, source: str) -> Tokens:
    """Return the tokens of `source`.

    Raises:
        BudgetError: There are more than `MAX_TOKENS`.
        TemplateSyntaxError: The source is not a template; the error has its line.
    """
    starts = [0, *(match.end() for match in re.finditer("\n", source))]
    places: list[Place] = []
    stream: list[tuple[int, str, str]] = []
    shape: list[str] = []
    offset = opened = 0
    for number, (kind, text) in enumerate(tokens(environment.lexer, source)):
        if number > MAX_TOKENS:
            raise BudgetError(f"the template has more than {MAX_TOKENS} words and signs")
        at = source.find(text, offset)
        offset = at + len(text)
        if kind in {"data", "variable_begin", "block_begin"}:
            opened = at
            line = bisect_right(starts, at)
            places.append(Place(line, at - starts[line - 1] + 1, text, kind == "variable_begin"))
        elif kind in {"variable_end", "block_end"}:
            place = places[-1]
            written = source[opened:offset].rstrip()
            places[-1] = Place(place.line, place.column, written, place.is_expression)
        if kind not in {"whitespace", "comment_begin", "comment", "comment_end"}:
            stream.append((max(1, len(places)), kind, text))
            shape.append(kind if kind == "data" else text)
    return Tokens(tuple(places), tuple(stream), "\0".join(shape))


def tokens(lexer: Lexer, source: str) -> Iterator[_Token]:
    """Yield the tokens of `source` as the lexer of Jinja2 does, and read equal brackets once.

    The end of brackets may come without the white space that it strips.

    Raises:
        TemplateSyntaxError: The source is not a template.
    """
    pieces = _PLAIN_BRACKETS.split(source.removesuffix("\n"))
    given = 0
    is_stripped = False
    for data, text in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        brackets = _bracket_tokens(lexer, text) if text else ()
        if _OPENING.search(data) or (text and not brackets):
            rest = islice(lexer.tokeniter(source, None), given, None)
            yield from ((kind, token) for _, kind, token in rest)
            return
        literal = data.lstrip() if is_stripped else data
        if brackets and brackets[0][1].endswith("-"):
            literal = literal.rstrip()
        if literal:
            yield "data", literal
        yield from brackets
        given += bool(literal) + len(brackets)
        is_stripped = bool(brackets) and brackets[-1][1].startswith("-")


@lru_cache(_KEPT_BRACKETS)
def _bracket_tokens(lexer: Lexer, brackets: str) -> tuple[_Token, ...]:
    """Return the tokens of `brackets`; none if they only have a meaning together with what follows."""
    try:
        found = tuple((kind, text) for _, kind, text in lexer.tokeniter(brackets, None))
    except TemplateSyntaxError:
        return ()
    end = _ENDS.get(found[0][0])
    ends = [index for index, (kind, _) in enumerate(found) if kind == end]
    return found if ends == [len(found) - 1] else ()


def instrumented(tree: nodes.Template, environment: Environment) -> nodes.Template:
    """Return the syntax tree of a template with every output and every operation wrapped."""
    found: nodes.Template = _Instrument(environment).visit(tree)
    return found


class _Instrument(NodeTransformer):
    """The transformation of a tree whose nodes have the number of their place as their line."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def visit_Output(self, node: nodes.Output) -> nodes.Output:
        node.nodes = [
            self._placed(self._constant(child, child.lineno), LITERAL, ())
            if isinstance(child, nodes.TemplateData)
            else self._placed(self.visit(child), OUTPUT, (child.lineno,))
            for child in node.nodes
        ]
        return node

    def visit_Include(self, node: nodes.Include) -> nodes.Output:
        wanted = self.visit(node.template)
        derived = self._prepared(nodes.DerivedContextReference(lineno=node.lineno))
        called = self._placed(derived, INCLUDED, (node.ignore_missing, node.with_context, node.lineno))
        called.args.insert(0, wanted)
        return self._prepared(nodes.Output([called], lineno=node.lineno))

    def visit_Import(self, node: nodes.Import) -> nodes.Import:
        self.generic_visit(node)
        node.template = self._placed(node.template, WANTED, ())
        return node

    def visit_FromImport(self, node: nodes.FromImport) -> nodes.FromImport:
        self.generic_visit(node)
        node.template = self._placed(node.template, WANTED, ())
        return node

    def visit_Extends(self, node: nodes.Extends) -> nodes.Extends:
        self.generic_visit(node)
        node.template = self._placed(node.template, WANTED, ())
        return node

    def visit_For(self, node: nodes.For) -> nodes.For:
        self.generic_visit(node)
        node.iter = self._wrapped(node.iter, ITEMS)
        return node

    def visit_FilterBlock(self, node: nodes.FilterBlock) -> list[nodes.Node]:
        self.generic_visit(node)
        return [self._mark(node), node]

    def visit_CallBlock(self, node: nodes.CallBlock) -> list[nodes.Node]:
        self.generic_visit(node)
        return [self._mark(node), node]

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        texts = self._prepared(nodes.List(node.nodes, lineno=node.lineno))
        return self._wrapped(texts, JOINED)

    def visit_List(self, node: nodes.List) -> nodes.Node:
        return self._weighed(node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        return self._weighed(node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        return self._weighed(node) if node.ctx == "load" else node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        node.expr = self._wrapped(node.expr, WEIGHED)
        for operand in node.ops:
            operand.expr = self._wrapped(operand.expr, WEIGHED)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = self._wrapped(node.node, WEIGHED)
        return node

    def _weighed(self, node: nodes.Expr) -> nodes.Node:
        self.generic_visit(node)
        return self._wrapped(node, WEIGHED)

    def _mark(self, node: nodes.Node) -> nodes.Output:
        """Return an output of nothing, which records the place of what follows."""
        marked = self._placed(self._constant(node, ""), OUTPUT, (node.lineno,))
        return self._prepared(nodes.Output([marked], lineno=node.lineno))

    def _placed(self, node: nodes.Node, name: str, facts: tuple[int, ...]) -> nodes.Filter:
        """Return `node` in a filter that takes the file of the template, and `facts`."""
        file = object.__new__(nodes.InternalName)  # as the parser makes such names
        nodes.Node.__init__(file, _FILE, lineno=node.lineno)
        constants = [self._constant(node, fact) for fact in facts]
        return self._wrapped(node, name, self._prepared(file), *constants)

    def _wrapped(self, node: nodes.Node, name: str, *arguments: nodes.Expr) -> nodes.Filter:
        wrapped = nodes.Filter(
            cast(nodes.Expr, node), name, list(arguments), [], None, None, lineno=node.lineno
        )
        return self._prepared(wrapped)

    def _constant(self, node: nodes.Node, value: str | int) -> nodes.Expr:
        return self._prepared(nodes.Const(value, lineno=node.lineno))

    def _prepared(self, node: _N) -> _N:
        node.environment = self._environment
        return node
