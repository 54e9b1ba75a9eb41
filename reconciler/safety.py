"""The safety limits: what an apply may do at most without being told that more is meant. Pure."""

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

    def deletes_refused(self, deletes: int, owned: int, allowed: int | None = None) -> str:
        """Return why so many workflows may not be deleted, and what to do; empty when they may.

        All that there is may not be, however few that are.

        Args:
            deletes: How many are to be deleted.
            owned: How many there are, those counted.
            allowed: How many `--allow-deletes` says are meant.
        """
        if deletes == 0 or (allowed is not None and deletes <= allowed):
            return ""
        if deletes >= owned:
            why = "that is all of them, which is never done unasked"
        elif deletes > self.max_deletes:
            why = f"safety.max_deletes allows {self.max_deletes}"
        elif deletes / owned > self.max_delete_ratio:
            why = f"safety.max_delete_ratio allows {_percent(self.max_delete_ratio)} of them"
        else:
            return ""
        return (
            f"pruning would delete {deletes} of {owned} owned workflows, and {why}; "
            f"if they are meant: --allow-deletes {deletes}"
        )

    def changes_refused(self, changes: int, live: int) -> str:
        """Return why so many live workflows may not be changed, and what to do; empty when they may.

        Args:
            changes: How many are to be changed or deleted.
            live: How many there are that the manifests mean, or that are to be deleted.
        """
        if changes == 0 or changes / live <= self.max_change_ratio:
            return ""
        return (
            f"{changes} of {live} live workflows would change, and safety.max_change_ratio allows "
            f"{_percent(self.max_change_ratio)} of them; if all of it is meant: --max-change-ratio 1"
        )


def _percent(ratio: float) -> str:
    return f"{ratio * 100:g} %"
