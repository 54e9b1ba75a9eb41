"""Comparison of two sides, each the manifests of a directory or the workflows of a tenant.

Unlike a plan it decides nothing, and neither side is right: it finds what is only on one, and what differs.
Pure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.errors import UnexpectedAnswerError
from reconciler.manifests import Source
from reconciler.plan.desired import is_ignored
from reconciler.plan.masked_changes import masked
from reconciler.plan.model import PAUSED_PATH
from reconciler.secrecy import SecretFields
from reconciler.values import ABSENT, JsonObject, Path, Pattern, as_object, lookup, put, same_json
from reconciler.workflow import (
    Body,
    ComparableForms,
    FieldChange,
    diff,
    extra_forms,
    is_returned,
    shown_value,
    write_only_field,
)

StepNames = Callable[[JsonObject], Mapping[Path, str]]
"""Returns the names of the ids in a step, by the path of each id inside it."""


def no_names(_step: JsonObject) -> Mapping[Path, str]:
    """Return no name for any id."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class SideWorkflow:
    """A workflow on one side.

    Args:
        name: Its name.
        body: Its body, packed where there are many.
        id: Its id; `None` for a manifest.
        source: Where its manifest is; `None` for a live workflow.
        sensitive: The secret fields of its manifest.
        ignored: The fields that its manifest leaves to others.
        extra: The undocumented fields that its manifest may state.
        paused: Whether it is paused; `None` for a manifest that leaves it as it is.
    """

    name: str
    body: Body = field(repr=False)
    id: int | None = None
    source: Source | None = None
    sensitive: SecretFields = field(default_factory=SecretFields)
    ignored: tuple[Pattern, ...] = ()
    extra: frozenset[Path] = frozenset()
    paused: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a comparison.

    Args:
        name: What to call it: an environment, or a path.
        workflows: Its workflows; no two have the same name.
        default_resource: The resources of a step that states none.
        names: Returns the names of ids in its steps.
    """

    name: str
    workflows: tuple[SideWorkflow, ...]
    default_resource: JsonObject = field(default_factory=dict, repr=False)
    names: StepNames = no_names


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowDifference:
    """A workflow that is on both sides, and differs.

    Args:
        left: It on the left side.
        right: It on the right side.
        changes: Its fields, the left value before and the right one after, masked.
    """

    left: SideWorkflow
    right: SideWorkflow
    changes: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SideComparison:
    """The result of a comparison of two sides, each part by name.

    Args:
        left: The name of the left side.
        right: The name of the right side.
        only_left: Workflows that are only on the left.
        only_right: Workflows that are only on the right.
        different: Workflows that differ.
        equal: The number of workflows that are equal.
        unseen: The number of fields that a tenant does not return, and that are not compared.
    """

    left: str
    right: str
    only_left: tuple[SideWorkflow, ...]
    only_right: tuple[SideWorkflow, ...]
    different: tuple[WorkflowDifference, ...]
    equal: int
    unseen: int = 0

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not (self.only_left or self.only_right or self.different)


def compare_sides(left: Side, right: Side) -> SideComparison:
    """Return what differs between two sides. Workflows are matched by name."""
    ours = {item.name: item for item in left.workflows}
    theirs = {item.name: item for item in right.workflows}
    both = sorted(ours.keys() & theirs.keys())
    compared = [_compared(ours[name], theirs[name], left, right) for name in both]
    different = tuple(found for found, _ in compared if found.changes)
    return SideComparison(
        left=left.name,
        right=right.name,
        only_left=_sorted(item for name, item in ours.items() if name not in theirs),
        only_right=_sorted(item for name, item in theirs.items() if name not in ours),
        different=different,
        equal=len(both) - len(different),
        unseen=sum(unseen for _, unseen in compared),
    )


def _sorted(workflows: Iterable[SideWorkflow]) -> tuple[SideWorkflow, ...]:
    return tuple(sorted(workflows, key=lambda item: item.name))


def _compared(
    ours: SideWorkflow, theirs: SideWorkflow, left: Side, right: Side
) -> tuple[WorkflowDifference, int]:
    """Return the difference of one workflow, and the number of fields that cannot be compared.

    What is computed of the two bodies is not kept with them.
    """
    kept = (ours, theirs)
    ours, theirs = (dataclasses.replace(item, body=item.body.unpacked()) for item in kept)
    forms = ComparableForms(ours.body, theirs.body)
    both = _with_effective_resources(forms.live, forms.desired, left, right)
    before, after = (_with_names(form, side) for form, side in zip(both, (left, right), strict=True))
    extra = extra_forms(ours.body.raw, theirs.body.raw, ours.extra | theirs.extra)
    found = [] if same_json(before, after) else list(diff(before, after))
    found += [] if same_json(*extra) else diff(*extra)
    ignored = (*ours.ignored, *theirs.ignored)
    counted = [change for change in found if not is_ignored(change.path, ignored)]
    shown = [
        change
        for change in counted
        if _is_shown(ours, before, change.path) and _is_shown(theirs, after, change.path)
    ]
    fields = SecretFields(ours.sensitive.paths | theirs.sensitive.paths)
    changes = (*(_masked(change, fields) for change in shown), *_paused(ours, theirs))
    return WorkflowDifference(left=kept[0], right=kept[1], changes=changes), len(counted) - len(shown)


def _paused(ours: SideWorkflow, theirs: SideWorkflow) -> tuple[FieldChange, ...]:
    """Return whether one is paused and the other not; a manifest without the line fits any live one."""
    stated = [ABSENT if item.paused is None else item.paused for item in (ours, theirs)]
    one_is_live = ours.id is not None or theirs.id is not None
    if stated[0] is stated[1] or (one_is_live and ABSENT in stated):
        return ()
    return (FieldChange(path=PAUSED_PATH, before=stated[0], after=stated[1]),)


def _with_effective_resources(
    before: JsonObject, after: JsonObject, left: Side, right: Side
) -> tuple[JsonObject, JsonObject]:
    """Return two forms; where one states resources of a step, both have the tenant's default for the rest."""
    defaults = [_resources(side.default_resource) for side in (left, right)]
    if not all(defaults):
        return before, after
    stating = {
        name
        for form in (before, after)
        for name, step in as_object(form.get("steps")).items()
        if "resources" in as_object(step)
    }
    filled = []
    for form, default in zip((before, after), defaults, strict=True):
        steps: JsonObject = {
            name: {**as_object(step), "resources": {**default, **as_object(as_object(step).get("resources"))}}
            if name in stating
            else step
            for name, step in as_object(form.get("steps")).items()
        }
        filled.append({**form, "steps": steps} if steps else form)
    return filled[0], filled[1]


def _resources(default: JsonObject) -> JsonObject:
    """Return the default resource in its canonical form."""
    form = Body({"steps": {"any": {"resources": default}}}).form
    return as_object(lookup(form, ("steps", "any", "resources")))


def _with_names(form: JsonObject, side: Side) -> JsonObject:
    """Return a form with names in place of ids."""
    if side.names is no_names:
        return form
    steps: JsonObject = {
        name: _named(as_object(step), side.names) for name, step in as_object(form.get("steps")).items()
    }
    return {**form, "steps": steps} if steps else form


def _named(step: JsonObject, names: StepNames) -> JsonObject:
    for path, name in names(step).items():
        if lookup(step, path) is not ABSENT:
            step = dict(step)
            for depth in range(1, len(path)):
                put(step, path[:depth], dict(as_object(lookup(step, path[:depth]))))
            put(step, path, name)
    return step


def _is_shown(workflow: SideWorkflow, form: JsonObject, path: Path) -> bool:
    """Return whether a side says what its value at `path` is; a manifest always does."""
    if workflow.id is None:
        return True
    if path in _masked_fields(workflow.body):
        return False
    return write_only_field(path) is None or is_returned(path, shown_value(workflow.body.raw, form, path))


def _masked_fields(body: Body) -> frozenset[Path]:
    try:
        return body.masked
    except UnexpectedAnswerError:  # a shape that an update could not send back; nothing is sent here
        return frozenset()


def _masked(change: FieldChange, fields: SecretFields) -> FieldChange:
    """Return a change with every secret masked, the same whichever side has it."""
    if change.before is ABSENT:
        swapped = masked(dataclasses.replace(change, before=change.after, after=ABSENT), fields)
        return dataclasses.replace(swapped, before=ABSENT, after=swapped.before)
    return masked(change, fields)
