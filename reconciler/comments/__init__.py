"""The sticky comment on a pull or merge request: found by its marker and replaced, or added.

This package knows the APIs of GitHub and GitLab, and nothing of what the comment says. It never changes a
comment of another user, even one with the same marker.
"""

from reconciler.comments.hosts import find_thread
from reconciler.comments.sticky import UpsertResult, upsert_comment

__all__ = ["UpsertResult", "find_thread", "upsert_comment"]
