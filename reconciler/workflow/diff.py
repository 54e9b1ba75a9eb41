"""What differs between two canonical forms, as our own `FieldChange`: the only package that knows deepdiff.

Equality is decided before, on text (`Aligned.equal`): deepdiff, which takes long to load, only tells where
two unequal forms differ.
"""

from __future__ import annotations

from reconciler.values import JsonObject
from reconciler.workflow.field_change import FieldChange, leaves

__all__ = ["FieldChange", "diff", "leaves"]


def diff(
    before: JsonObject, after: JsonObject, default_resource: JsonObject | None = None
) -> tuple[FieldChange, ...]:
    """Return what differs between two canonical forms, sorted by path.

    A step or a watcher that comes or goes is one change; every other difference is that of a single field,
    a list being one field. A field that one side leaves out, and that has a documented default, is shown as
    that default.

    Args:
        before: The form of what is there.
        after: The form of what is wanted.
        default_resource: The defaults that stand for resources left out.
    """
    from reconciler.workflow.deep_diff import field_changes  # noqa: PLC0415 - most plans find no difference

    return field_changes(before, after, default_resource or {})
