"""Where a value stands: found in the nodes of its document by its path, through merge keys as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reconciler.findings import Position
from reconciler.manifests import yaml_nodes as nodes
from reconciler.manifests.yaml_nodes import MappingNode, Node, SequenceNode
from reconciler.values import Path


def locate(node: Node, path: Path, *, at_key: bool) -> Position:
    """Return where the value at `path` below `node` (or its key) stands, or the nearest value above it."""
    for step, part in enumerate(path):
        found: tuple[Node, Node] | None = None
        if isinstance(node, MappingNode):
            found = _pair(node, part)
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = (node.value[part], node.value[part])
        if found is None:
            return nodes.position_of(node)
        if at_key and step == len(path) - 1:
            return nodes.position_of(found[0])
        node = found[1]
    return nodes.position_of(node)


def _pair(node: MappingNode, name: str | int) -> tuple[Node, Node] | None:
    """Return key and value of the first entry called `name`, the mapping's own before the merged ones."""
    for mapping in (node, *merged_mappings(node)):
        for key, value in mapping.value:
            if key.value == name and key.tag != nodes.MERGE:
                return key, value
    return None


def merged_mappings(node: MappingNode, visit: Callable[[Node], None] | None = None) -> Iterator[MappingNode]:
    """Yield the mappings that merge keys (`<<`) bring in, at any remove, each once; the first of a name wins.

    Args:
        node: The mapping with the merge keys.
        visit: Called with everything that is merged, as often as it is.
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
    """Return what stands behind the merge keys of `node`, the last first."""
    values: list[Node] = []
    for key, value in node.value:
        if key.tag == nodes.MERGE:
            values.extend(value.value if isinstance(value, SequenceNode) else [value])
    return values[::-1]
