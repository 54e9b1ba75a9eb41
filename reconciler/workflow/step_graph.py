"""Dependency graph of a workflow's steps."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from reconciler.workflow.body import Body
from reconciler.workflow.step import STANDARD


@dataclass(frozen=True, kw_only=True, eq=False)
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
        return StepGraph.of_parents(
            {name: sorted(set(step.parents)) for name, step in body.steps.items()},
            {name: step.type for name, step in body.steps.items()},
        )

    @staticmethod
    def of_parents(parents: Mapping[str, Iterable[str]], types: Mapping[str, str] | None = None) -> StepGraph:
        """Return the graph of some steps, each with the names that it states as its parents."""
        missing = {name: tuple(p for p in stated if p not in parents) for name, stated in parents.items()}
        return StepGraph(
            parents={name: tuple(p for p in stated if p in parents) for name, stated in parents.items()},
            types=types or {},
            missing={name: absent for name, absent in missing.items() if absent},
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

    def cycles(self) -> Iterator[tuple[str, ...]]:
        """Yield cycles that share no step, such that every cycle of the graph has a step in one of them.

        A cycle names each step before the parent that it waits for, and ends with its first step. A step that
        is its own parent is a cycle, too.
        """
        left = {name: self.parents[name] for name in self.stuck}
        while left:
            try:
                graphlib.TopologicalSorter(left).prepare()
            except graphlib.CycleError as error:
                cycle: tuple[str, ...] = tuple(reversed(error.args[1]))
                yield cycle
                gone = set(cycle)
                left = {
                    name: tuple(parent for parent in parents if parent not in gone)
                    for name, parents in left.items()
                    if name not in gone
                }
            else:
                break

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
