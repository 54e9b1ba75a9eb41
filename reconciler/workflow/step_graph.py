"""The steps of a workflow as a graph: which waits for which. Pure, and total like the canonical form."""

from __future__ import annotations

import graphlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from reconciler.values import JsonObject, as_list, as_object
from reconciler.workflow.canonical_form import canonical


@dataclass(frozen=True, kw_only=True)
class StepGraph:
    """Which steps wait for which.

    Args:
        parents: Each step, and the steps of the same workflow that it waits for, sorted.
        types: The type of each step.
        missing: For steps that wait for what is no step: these names, sorted.
    """

    parents: Mapping[str, tuple[str, ...]]
    types: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @staticmethod
    def of(body: JsonObject) -> StepGraph:
        """Return the graph of a manifest's or a described workflow's body."""
        form = canonical({"steps": body.get("steps")})
        steps = {name: as_object(step) for name, step in as_object(form.get("steps")).items()}
        named = {name: sorted(map(str, as_list(step.get("parents")))) for name, step in steps.items()}
        absent = {name: tuple(p for p in found if p not in steps) for name, found in named.items()}
        return StepGraph(
            parents={name: tuple(p for p in found if p in steps) for name, found in named.items()},
            types={name: str(step.get("type", "standard")) for name, step in steps.items()},
            missing={name: found for name, found in absent.items() if found},
        )

    @cached_property
    def levels(self) -> tuple[tuple[str, ...], ...]:
        """The steps by how long their longest way from a first step is, each level sorted.

        Steps that wait for each other, and what waits for them, are in none.
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
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """Each step, and the steps that wait for it, sorted."""
        found: dict[str, list[str]] = {name: [] for name in self.parents}
        for name in sorted(self.parents):
            for parent in self.parents[name]:
                found[parent].append(name)
        return {name: tuple(names) for name, names in found.items()}
