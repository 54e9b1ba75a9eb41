"""The steps of a workflow as a graph: which waits for which. Pure, and total like the canonical form."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from reconciler.workflow.body import Body
from reconciler.workflow.step import STANDARD


@dataclass(frozen=True, kw_only=True)
class StepGraph:
    """Which steps wait for which.

    Args:
        parents: Each step, and the steps of the same workflow that it waits for, sorted.
        types: The type of each step.
        missing: For steps whose parents are not all steps: the names of those that are none, sorted.
    """

    parents: Mapping[str, tuple[str, ...]]
    types: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @staticmethod
    def of(body: Body) -> StepGraph:
        """Return the graph of a body."""
        steps = body.steps
        named = {name: sorted(set(step.parents)) for name, step in steps.items()}
        missing = {name: tuple(p for p in found if p not in steps) for name, found in named.items()}
        return StepGraph(
            parents={name: tuple(p for p in found if p in steps) for name, found in named.items()},
            types={name: step.type for name, step in steps.items()},
            missing={name: found for name, found in missing.items() if found},
        )

    def type_of(self, name: str) -> str:
        """Return the type of the step `name`."""
        return self.types.get(name, STANDARD)

    @cached_property
    def levels(self) -> tuple[tuple[str, ...], ...]:
        """The steps by the length of their longest way from a first step, each level sorted.

        Steps that wait for each other, and the steps that wait for them, are in none.
        """
        sorter = graphlib.TopologicalSorter(self.parents)
        levels: list[tuple[str, ...]] = []
        with suppress(graphlib.CycleError):  # what is not on a cycle, nor behind one, is ordered all the same
            sorter.prepare()
        while sorter.is_active():
            ready = tuple(sorted(sorter.get_ready()))
            if not ready:
                break
            levels.append(ready)
            sorter.done(*ready)
        return tuple(levels)

    @property
    def order(self) -> tuple[str, ...]:
        """All steps, each after those that it waits for, as far as there is such an order."""
        ordered = tuple(name for level in self.levels for name in level)
        placed = set(ordered)
        return (*ordered, *sorted(name for name in self.parents if name not in placed))

    @property
    def stuck(self) -> tuple[str, ...]:
        """The steps that can never start: they wait for each other, or for one that does."""
        return self.order[sum(map(len, self.levels)) :]

    @cached_property
    def cycles(self) -> tuple[tuple[str, ...], ...]:
        """Cycles of steps that wait for each other, so that each step on any cycle waits for one of them.

        Each cycle names every step before the one that waits for it, the first one again at the end; a step
        that waits for itself is one, too. Cycles share no step.
        """
        left = {name: self.parents[name] for name in self.stuck}
        found: list[tuple[str, ...]] = []
        while left:
            try:
                graphlib.TopologicalSorter(left).prepare()
            except graphlib.CycleError as error:
                cycle: tuple[str, ...] = tuple(error.args[1])
                found.append(cycle)
                left = {
                    name: tuple(parent for parent in parents if parent not in cycle)
                    for name, parents in left.items()
                    if name not in cycle
                }
            else:
                break
        return tuple(found)

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """Each step, and the steps that wait for it, sorted."""
        found: dict[str, list[str]] = {name: [] for name in self.parents}
        for name in sorted(self.parents):
            for parent in self.parents[name]:
                found[parent].append(name)
        return {name: tuple(names) for name, names in found.items()}

    def ancestors(self, name: str) -> set[str]:
        """Return the steps that run before the step `name`, at any remove, itself not counted."""
        return _reached(self.parents, self.parents.get(name, ())) - {name}

    def descendants(self, names: Iterable[str]) -> set[str]:
        """Return `names`, and all steps that run after one of them."""
        return _reached(self.children, names)


def _reached(edges: Mapping[str, tuple[str, ...]], starts: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(starts)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(edges.get(name, ()))
    return found
