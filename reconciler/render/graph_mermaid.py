"""Which step waits for which, as a Mermaid flowchart, which Markdown on GitHub and GitLab draws."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.render.graph import Drawing, label, titled

_PLAIN: Final = re.compile(r"[^\w .,()/-]")


def graph_mermaid(drawings: Sequence[Drawing]) -> str:
    """Return one flowchart with a box for each workflow."""
    lines = [line for number, drawing in enumerate(drawings) for line in _box(drawing, f"w{number}")]
    return "\n".join(["flowchart LR", *lines])


def _box(drawing: Drawing, box: str) -> Iterator[str]:
    graph = drawing.graph
    numbers = {name: f"{box}s{number}" for number, name in enumerate(graph.order)}
    yield f"  subgraph {box}[{_quoted(drawing.name)}]"
    for name, number in numbers.items():
        yield f"    {number}[{_quoted(titled(graph, name))}]"
    for name, number in numbers.items():
        for parent in graph.parents[name]:
            yield f"    {numbers[parent]} --> {number}"
        for index, missing in enumerate(graph.missing.get(name, ())):
            yield f"    {number}m{index}([{_quoted(f'{missing}, no step')}]) -.-> {number}"
    yield "  end"


def _quoted(text: str) -> str:
    """Return `text` in quotes, with everything that is more than a letter to Mermaid as a code of its own."""
    escaped = _PLAIN.sub(lambda char: f"#{ord(char.group())};", label(text))
    return f'"{escaped or " "}"'
