"""Places of what a template outputs, and the counting of what it does, written into its syntax tree.

Jinja2 knows the line of an expression, not its column, and keeps neither in what it renders. Each output is
therefore wrapped in a filter that records its place; so is everything that needs time or memory, to count it.
The names of these filters have a space, so that no template can use them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar, cast

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from reconciler.templates.budget import MAX_TOKENS, BudgetError

if TYPE_CHECKING:
    from jinja2 import Environment

_N = TypeVar("_N", bound=nodes.Node)

LITERAL: Final = "literal text"
"""The filter of text that is written in the template."""

OUTPUT: Final = "output of expression"
"""The filter of the value of an expression."""

ITEMS: Final = "items of loop"
WEIGHED: Final = "weighed value"
JOINED: Final = "joined texts"
INCLUDED: Final = "included template"


@dataclass(frozen=True, slots=True)
class Place:
    """The place of an output or an include: its kind, line and column, and the expression as written."""

    kind: str
    line: int
    column: int
    written: str = ""


def instrumented(
    tree: nodes.Template, environment: Environment, name: str, places: Iterator[Place]
) -> nodes.Template:
    """Return the syntax tree of the template `name` with every output and every operation wrapped.

    Args:
        tree: The tree.
        environment: The environment that it belongs to.
        name: The name of the template.
        places: The result of `output_places`.
    """
    found: nodes.Template = _Instrument(environment, name, places).visit(tree)
    return found


def output_places(environment: Environment, source: str) -> list[Place]:
    """Return the places of text, expressions, `print` and `include` in the order of the source.

    Raises:
        BudgetError: The source has more than `MAX_TOKENS`.
    """
    starts = [0, *(match.end() for match in re.finditer("\n", source))]
    found: list[Place] = []
    offset = opened = 0
    statement = False
    for number, (_, kind, text) in enumerate(environment.lexer.tokeniter(source, None)):
        if number > MAX_TOKENS:
            raise BudgetError(f"the template has more than {MAX_TOKENS} words and signs")
        at = source.find(text, offset)
        offset = at + len(text)
        if kind == "data":
            found.append(_place("data", starts, at))
        elif kind in {"variable_begin", "block_begin"}:
            opened, statement = at, kind == "block_begin"
        elif kind == "variable_end":
            found.append(_place("variable", starts, opened, source[opened:offset].rstrip()))
        elif statement and kind == "name":
            statement = False
            if text in {"print", "include"}:
                found.append(_place(text, starts, opened))
    return found


def _place(kind: str, starts: list[int], at: int, written: str = "") -> Place:
    line = bisect_right(starts, at)
    return Place(kind, line, at - starts[line - 1] + 1, written)


class _Instrument(NodeTransformer):
    """The transformation of a tree; visits nodes in the order of the source, as `places` are."""

    def __init__(self, environment: Environment, name: str, places: Iterator[Place]) -> None:
        self._environment = environment
        self._name = name
        self._places = places

    def visit_Output(self, node: nodes.Output) -> nodes.Output:
        place = next(self._places)
        is_print = place.kind == "print"
        children: list[nodes.Expr] = []
        for index, child in enumerate(node.nodes):
            if index and not is_print:
                place = next(self._places)
            if isinstance(child, nodes.TemplateData):
                children.append(self._wrapped(child, LITERAL, self._name, place.line, place.column))
            else:
                value = self.visit(child)
                written = place.written
                children.append(self._wrapped(value, OUTPUT, self._name, place.line, place.column, written))
        node.nodes = children
        return node

    def visit_Include(self, node: nodes.Include) -> nodes.Output:
        place = next(self._places)
        wanted = self.visit(node.template)
        facts = (self._name, node.ignore_missing, node.with_context, place.line, place.column)
        derived = self._prepared(nodes.DerivedContextReference(lineno=node.lineno))
        called = self._wrapped(derived, INCLUDED, facts)
        called.args.insert(0, wanted)
        return self._prepared(nodes.Output([called], lineno=node.lineno))

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
        """Return an output of nothing, which records the line of what follows."""
        empty = self._prepared(nodes.TemplateData("", lineno=node.lineno))
        marked = self._wrapped(empty, OUTPUT, self._name, node.lineno, 1, "")
        return self._prepared(nodes.Output([marked], lineno=node.lineno))

    def _wrapped(
        self, node: nodes.Node, name: str, *facts: str | int | tuple[str | int, ...]
    ) -> nodes.Filter:
        constants = self._constants(node, facts)
        return self._prepared(
            nodes.Filter(cast(nodes.Expr, node), name, constants, [], None, None, lineno=node.lineno)
        )

    def _constants(
        self, node: nodes.Node, facts: tuple[str | int | tuple[str | int, ...], ...]
    ) -> list[nodes.Expr]:
        return [self._prepared(nodes.Const(fact, lineno=node.lineno)) for fact in facts]

    def _prepared(self, node: _N) -> _N:
        node.environment = self._environment
        return node
