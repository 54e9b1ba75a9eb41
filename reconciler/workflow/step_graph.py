"""The graph of a workflow's steps: which step waits for which. Pure, and total like the canonical form."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from reconciler.values import JsonObject, as_list, as_object
from reconciler.workflow.canonical_form import canonical


@dataclass(frozen=True, kw_only=True)
class StepGraph:
    """The steps of one workflow, and the steps that each waits for.

    Args:
        parents: The parents of each step that are steps of the same workflow.
        types: The type of each step.
        missing: For steps with parents that are not steps of the workflow: the names of those parents.
    """

    parents: Mapping[str, tuple[str, ...]]
    types: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @staticmethod
    def of(body: JsonObject) -> StepGraph:
        """Return the graph of a manifest's or a live workflow's body, names sorted."""
        form = canonical({"steps": body.get("steps")})
        steps = {name: as_object(step) for name, step in as_object(form.get("steps")).items()}
        return StepGraph.of_parents(
            {name: sorted(map(str, as_list(step.get("parents")))) for name, step in steps.items()},
            {name: str(step.get("type", "standard")) for name, step in steps.items()},
        )

    @staticmethod
    def of_parents(parents: Mapping[str, Iterable[str]], types: Mapping[str, str] | None = None) -> StepGraph:
        """Return the graph of the steps `parents`, each with the names that it states as its parents."""
        known = {name: tuple(p for p in stated if p in parents) for name, stated in parents.items()}
        missing = {name: tuple(p for p in stated if p not in parents) for name, stated in parents.items()}
        return StepGraph(
            parents=known,
            types=types or {},
            missing={name: absent for name, absent in missing.items() if absent},
        )

    @cached_property
    def levels(self) -> tuple[tuple[str, ...], ...]:
        """The steps by the length of their longest path from a first step, each level sorted.

        Steps on a cycle, and the steps behind them, are in no level.
        """
        sorter = graphlib.TopologicalSorter(self.parents)
        levels: list[tuple[str, ...]] = []
        with suppress(
            graphlib.CycleError
        ):  # steps neither on a cycle nor behind one are ordered all the same
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
        """All steps, each after its parents; steps that are in no level come last, sorted."""
        ordered = tuple(name for level in self.levels for name in level)
        placed = set(ordered)
        return (*ordered, *sorted(name for name in self.parents if name not in placed))

    @property
    def stuck(self) -> tuple[str, ...]:
        """The steps that can never start: those on a cycle, and those behind one."""
        return self.order[sum(map(len, self.levels)) :]

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """Each step, and the steps that wait for it, sorted."""
        found: dict[str, list[str]] = {name: [] for name in self.parents}
        for name in sorted(self.parents):
            for parent in self.parents[name]:
                found[parent].append(name)
        return {name: tuple(names) for name, names in found.items()}

    def ancestors(self, name: str) -> set[str]:
        """Return the steps that run before the step `name`."""
        return _reachable(self.parents, self.parents[name]) - {name}

    def descendants(self, names: Iterable[str]) -> set[str]:
        """Return the steps `names` and all steps that run after one of them."""
        return _reachable(self.children, names)

    def cycles(self, limit: int) -> list[tuple[str, ...]]:
        """Return up to `limit` cycles of two steps or more, no two with a step in common.

        Each step of a cycle is followed by the parent that it waits for; the first step, the one that the
        graph lists first, is also the last.
        """
        stuck = set(self.stuck)
        positions = {name: index for index, name in enumerate(self.parents) if name in stuck}
        parents = {name: [p for p in self.parents[name] if p in stuck and p != name] for name in positions}
        found: list[tuple[str, ...]] = []
        while len(found) < limit:
            try:
                graphlib.TopologicalSorter(parents).prepare()
            except graphlib.CycleError as error:
                steps: list[str] = error.args[1][:0:-1]
                start = steps.index(min(steps, key=positions.__getitem__))
                found.append((*steps[start:], *steps[:start], steps[start]))
                parents.update({name: [] for name in steps})
            else:
                break
        return found


def _reachable(edges: Mapping[str, Iterable[str]], starts: Iterable[str]) -> set[str]:
    found = set(starts)
    waiting = list(found)
    while waiting:
        new = set(edges[waiting.pop()]) - found
        found |= new
        waiting += new
    return found
