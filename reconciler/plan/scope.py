"""What a run is about, and how far it may go: its share of the workflows, pruning, the limits."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.plan.selection import Selection
from reconciler.safety import Safety


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a run is about, and how far it may go.

    Args:
        selection: The workflows that it is about.
        prune: Whether owned workflows go away that Git has no manifest for any more.
        allow_deletes: How many deletes are meant, whatever the limits.
        safety: The limits.
        show_unmanaged: Whether the plan lists the live workflows that no manifest means.
    """

    selection: Selection = field(default_factory=Selection)
    prune: bool = False
    allow_deletes: int | None = None
    safety: Safety = field(default_factory=Safety)
    show_unmanaged: bool = False
