"""Limits of one apply: how many deletes and changes it may make, and the options that override them."""

from __future__ import annotations

from typing import NamedTuple


class Safety(NamedTuple):
    """The limits of one apply.

    Args:
        max_deletes: Maximum number of workflows to delete.
        max_delete_ratio: Maximum fraction of the owned workflows to delete, from 0 to 1.
        max_change_ratio: Maximum fraction of the live workflows that manifests match to change.
    """

    max_deletes: int = 3
    max_delete_ratio: float = 0.3
    max_change_ratio: float = 1.0

    def deletes_refused(self, deletes: int, owned: int, allowed: int | None = None) -> str:
        """Return why that number of deletes is blocked, and what to do; empty when it is allowed.

        Deleting all of them is always blocked, however few there are.

        Args:
            deletes: The number of workflows to delete.
            owned: The number of owned workflows, including these.
            allowed: The number that `--allow-deletes` allows.
        """
        if deletes == 0 or (allowed is not None and deletes <= allowed):
            return ""
        if deletes >= owned:
            why = "that is all of them"
        elif deletes > self.max_deletes:
            why = f"safety.max_deletes allows {self.max_deletes}"
        elif deletes / owned > self.max_delete_ratio:
            why = f"safety.max_delete_ratio allows {_percent(self.max_delete_ratio)} of them"
        else:
            return ""
        return (
            f"pruning would delete {deletes} of {owned} owned workflows, and {why}; "
            f"to allow it, pass --allow-deletes {deletes}"
        )

    def changes_refused(self, changes: int, live: int) -> str:
        """Return why that number of changes is blocked, and what to do; empty when it is allowed.

        Args:
            changes: The number of workflows to change or delete.
            live: The number of live workflows that manifests match, and of those to delete.
        """
        if changes == 0 or changes / live <= self.max_change_ratio:
            return ""
        return (
            f"{changes} of {live} live workflows would change, and safety.max_change_ratio allows "
            f"{_percent(self.max_change_ratio)} of them; to allow it, pass --max-change-ratio 1"
        )


def _percent(ratio: float) -> str:
    return f"{ratio * 100:g} %"
