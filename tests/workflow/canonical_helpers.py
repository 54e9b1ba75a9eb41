"""Small bodies, and whether two of them mean the same."""

from __future__ import annotations

from typing import Any

from forms import canonical_of, forms_of
from strategies import DEFAULT_RESOURCE

from reconciler.values import dump_compact


def same(one: Any, other: Any) -> bool:
    """Return whether two bodies mean the same, whichever of them is live."""
    there, back = (forms_of(*pair, DEFAULT_RESOURCE).equal for pair in ((one, other), (other, one)))
    assert there == back
    return there


def form_of(value: Any) -> str:
    """Return the canonical form as text, in which `true` differs from `1`."""
    return dump_compact(canonical_of(value, DEFAULT_RESOURCE))
