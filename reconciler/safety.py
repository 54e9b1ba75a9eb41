"""What an apply may do at most without being told that more is meant."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety:
    """The limits of one apply.

    Args:
        max_deletes: How many workflows it deletes at most.
        max_delete_ratio: Which part of the owned workflows it deletes at most, from 0 to 1.
        max_change_ratio: Which part of the live workflows that the manifests mean it changes at most.
    """

    max_deletes: int = 3
    max_delete_ratio: float = 0.3
    max_change_ratio: float = 1.0
