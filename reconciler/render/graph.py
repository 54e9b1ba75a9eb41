"""Which step waits for which, as a tree of text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.text import clip, printable
from reconciler.values import JsonObject
from reconciler.workflow import StepGraph

FORMAT_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A workflow to be drawn.

    Args:
        name: Its name, without any secret.
        graph: Its steps.
        id: Its id, where it is a live one.
        file: Its manifest's file, where it is one of those.
    """

    name: str
    graph: StepGraph
    id: int | None = None
    file: str | None = None


def label(name: str) -> str:
    """Return a name as any drawing shows it: one short line of printable text."""
    return clip(printable(name), 100)


def titled(graph: StepGraph, name: str) -> str:
    """Return the title of a step in a drawing: its name, and its type where that is not the usual one."""
    kind = graph.type_of(name)
    return name if kind == "standard" else f"{name} ({kind})"


def graph_text(drawings: Sequence[Drawing]) -> str:
    """Return a tree for each workflow: below a step stand those that wait for it.

    A step that waits for several stands, with what is below it, where it is met first, and elsewhere by its
    name alone.
    """
    return "\n\n".join("\n".join(_tree(drawing)) for drawing in drawings)


def _tree(drawing: Drawing) -> Iterator[str]:
    graph = drawing.graph
    yield label(drawing.name)
    shown: set[str] = set()
    first = list(graph.levels[0]) if graph.levels else []
    yield from _branches(graph, first, shown)
    if graph.stuck:
        yield f"These never start, because they wait for each other: {', '.join(map(label, graph.stuck))}"
        for name in graph.stuck:
            if name not in shown:
                yield from _branches(graph, [name], shown)


def _branches(graph: StepGraph, roots: list[str], shown: set[str]) -> Iterator[str]:
    waiting = [(name, "", index == len(roots) - 1, "") for index, name in enumerate(roots)][::-1]
    while waiting:
        name, indent, last, parent = waiting.pop()
        line = f"{indent}{'└─' if last else '├─'} {label(name)}"
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
    told = f" [{label(kind)}]" if kind != "standard" else ""
    told += f" (waits for {', '.join(map(label, others))}, too)" if others else ""
    missing = graph.missing.get(name, ())
    return told + (f" (waits for what is no step: {', '.join(map(label, missing))})" if missing else "")


def graph_json(drawings: Sequence[Drawing]) -> str:
    """Return one JSON object: `format_version` and `workflows`, each with its steps in an order of a run."""
    document: JsonObject = {
        "format_version": FORMAT_VERSION,
        "workflows": [_workflow(drawing) for drawing in drawings],
    }
    return json.dumps(document, indent=2, ensure_ascii=True)


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
