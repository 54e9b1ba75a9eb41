"""Step graphs as a text tree, JSON, Graphviz DOT and Mermaid."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.json_documents import document_text, versioned
from reconciler.render.report_page import StepChange
from reconciler.text import clip, printable
from reconciler.values import JsonObject
from reconciler.workflow import STANDARD, StepGraph

FORMAT_VERSION: Final = 1
_MARKUP: Final = re.compile(r"[^\w .,()/-]")
"""Every character that may be markup to Mermaid."""

MOST_DRAWN: Final = 80
"""The most steps of a change that are drawn: more are no help to a reader, and GitHub refuses 500 edges."""

_MOST_EDGES: Final = 300

_CLASSES: Final = (
    "classDef added fill:#dafbe1,stroke:#116329,color:#1f2328,stroke-width:2px",
    "classDef removed fill:#ffebe9,stroke:#a40e26,color:#1f2328,stroke-width:2px,stroke-dasharray:5 3",
    "classDef changed fill:#fff8c5,stroke:#7d4e00,color:#1f2328,stroke-width:2px",
)
"""How the steps of a change look, on a light and on a dark page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A workflow to draw.

    Args:
        name: Its name, already redacted.
        graph: Its steps.
        id: The id of a live workflow.
        file: The file of a manifest.
    """

    name: str
    graph: StepGraph
    id: int | None = None
    file: str | None = None


def _label(name: str) -> str:
    return clip(printable(name), 100)


def _title(graph: StepGraph, name: str) -> str:
    kind = graph.type_of(name)
    return name if kind == STANDARD else f"{name} ({kind})"


def graph_text(drawings: Sequence[Drawing]) -> str:
    """Return a tree for each workflow: below each step, the steps that wait for it.

    A step that waits for several is drawn with its own branches the first time, and afterwards by name only.
    """
    return "\n\n".join("\n".join(_tree(drawing)) for drawing in drawings)


def _tree(drawing: Drawing) -> Iterator[str]:
    graph = drawing.graph
    yield _label(drawing.name)
    shown: set[str] = set()
    first = list(graph.levels[0]) if graph.levels else []
    yield from _branches(graph, first, shown)
    if graph.stuck:
        names = ", ".join(map(_label, graph.stuck))
        yield f"These steps never start, because they wait for each other: {names}"
        for name in graph.stuck:
            if name not in shown:
                yield from _branches(graph, [name], shown)


def _branches(graph: StepGraph, roots: list[str], shown: set[str]) -> Iterator[str]:
    waiting = [(name, "", index == len(roots) - 1, "") for index, name in enumerate(roots)][::-1]
    while waiting:
        name, indent, last, parent = waiting.pop()
        line = f"{indent}{'└─' if last else '├─'} {_label(name)}"
        if name in shown:
            yield f"{line} (see above)"
            continue
        shown.add(name)
        yield line + _remarks(graph, name, parent)
        below = indent + ("   " if last else "│  ")
        children = graph.children[name]
        waiting += [(child, below, index == len(children) - 1, name) for index, child in enumerate(children)][
            ::-1
        ]


def _remarks(graph: StepGraph, name: str, parent: str) -> str:
    kind = graph.type_of(name)
    others = [other for other in graph.parents[name] if other != parent]
    remarks = f" [{_label(kind)}]" if kind != STANDARD else ""
    remarks += f" (also waits for {', '.join(map(_label, others))})" if others else ""
    missing = graph.missing.get(name, ())
    return remarks + (f" (waits for missing steps: {', '.join(map(_label, missing))})" if missing else "")


def graph_json(drawings: Sequence[Drawing]) -> str:
    """Return one JSON object, `format_version` and `workflows`, each with its steps in execution order."""
    fields: JsonObject = {"workflows": [_workflow(drawing) for drawing in drawings]}
    return document_text(versioned(FORMAT_VERSION, fields))


def _workflow(drawing: Drawing) -> JsonObject:
    graph = drawing.graph
    levels = {name: number for number, level in enumerate(graph.levels) for name in level}
    return {
        "name": drawing.name,
        "id": drawing.id,
        "file": drawing.file,
        "steps": [
            {
                "name": name,
                "type": graph.type_of(name),
                "level": levels.get(name),
                "parents": [*graph.parents[name]],
                "missing": [*graph.missing.get(name, ())],
            }
            for name in graph.order
        ],
    }


def graph_dot(drawings: Sequence[Drawing]) -> str:
    """Return a Graphviz digraph for each workflow."""
    return "\n".join(line for drawing in drawings for line in _digraph(drawing))


def _digraph(drawing: Drawing) -> Iterator[str]:
    graph = drawing.graph
    nodes = {name: f"s{number}" for number, name in enumerate(graph.order)}
    yield f"digraph {_dot_string(drawing.name)} {{"
    yield "  rankdir=LR;"
    yield "  node [shape=box];"
    for name, node in nodes.items():
        yield f"  {node} [label={_dot_string(_title(graph, name))}];"
    for name, node in nodes.items():
        for parent in graph.parents[name]:
            yield f"  {nodes[parent]} -> {node};"
        for index, missing in enumerate(graph.missing.get(name, ())):
            yield f"  {node}m{index} [label={_dot_string(f'{missing}: missing step')}, style=dashed];"
            yield f"  {node}m{index} -> {node} [style=dashed];"
    yield "}"


def _dot_string(text: str) -> str:
    escaped = _label(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def graph_mermaid(drawings: Sequence[Drawing]) -> str:
    """Return one Mermaid flowchart with a box for each workflow; GitHub and GitLab draw it in Markdown."""
    lines = [line for number, drawing in enumerate(drawings) for line in _box(drawing, f"w{number}")]
    return "\n".join(["flowchart LR", *lines])


def _box(drawing: Drawing, box: str) -> Iterator[str]:
    graph = drawing.graph
    nodes = {name: f"{box}s{number}" for number, name in enumerate(graph.order)}
    yield f"  subgraph {box}[{_mermaid_string(drawing.name)}]"
    for name, node in nodes.items():
        yield f"    {node}[{_mermaid_string(_title(graph, name))}]"
    for name, node in nodes.items():
        for parent in graph.parents[name]:
            yield f"    {nodes[parent]} --> {node}"
        for index, missing in enumerate(graph.missing.get(name, ())):
            yield f"    {node}m{index}([{_mermaid_string(f'{missing}, missing step')}]) -.-> {node}"
    yield "  end"


def _mermaid_string(text: str) -> str:
    escaped = _MARKUP.sub(lambda char: f"#{ord(char.group())};", _label(text))
    return f'"{escaped or " "}"'


def changed_steps_mermaid(steps: StepChange) -> str:
    """Return the steps of a workflow before and after as one Mermaid flowchart; empty for too many.

    What is added is green, what is removed red and dashed, a step that changes otherwise yellow.
    """
    before, after, marks = steps.waits_before, steps.waits_after, steps.marks
    ordered = steps.after.order if steps.after else ()
    names = {name: f"s{number}" for number, name in enumerate(dict.fromkeys([*ordered, *before]))}
    edges = [
        (parent, name)
        for name in names
        for parent in dict.fromkeys([*after.get(name, ()), *before.get(name, ())])
    ]
    if len(names) > MOST_DRAWN or len(edges) > _MOST_EDGES:
        return ""
    lines = ["flowchart LR"]
    for name, node in names.items():
        shown, style = (
            (f"{clip(name, 80)} ({marks[name]})", f":::{marks[name]}") if name in marks else (name, "")
        )
        lines.append(f"  {node}[{_mermaid_string(shown)}]{style}")
    styles = []
    for number, (parent, name) in enumerate(edges):
        gone, new = parent not in after.get(name, ()), parent not in before.get(name, ())
        lines.append(f"  {names[parent]} {'-.->' if gone else '-->'} {names[name]}")
        styles += [f"  linkStyle {number} stroke:{'#a40e26' if gone else '#116329'}"] if gone or new else []
    return "\n".join([*lines, *styles, *(f"  {line}" for line in _CLASSES)])
