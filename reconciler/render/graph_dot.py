"""Which step waits for which, in the language of Graphviz: one digraph for each workflow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.render.graph import Drawing, label, titled


def graph_dot(drawings: Sequence[Drawing]) -> str:
    """Return a digraph for each workflow."""
    return "\n".join(line for drawing in drawings for line in _digraph(drawing))


def _digraph(drawing: Drawing) -> Iterator[str]:
    graph = drawing.graph
    numbers = {name: f"s{number}" for number, name in enumerate(graph.order)}
    yield f"digraph {_quoted(drawing.name)} {{"
    yield "  rankdir=LR;"
    yield "  node [shape=box];"
    for name, number in numbers.items():
        yield f"  {number} [label={_quoted(titled(graph, name))}];"
    for name, number in numbers.items():
        for parent in graph.parents[name]:
            yield f"  {numbers[parent]} -> {number};"
        for index, missing in enumerate(graph.missing.get(name, ())):
            yield f"  {number}m{index} [label={_quoted(f'{missing}: no step')}, style=dashed];"
            yield f"  {number}m{index} -> {number} [style=dashed];"
    yield "}"


def _quoted(text: str) -> str:
    escaped = label(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
