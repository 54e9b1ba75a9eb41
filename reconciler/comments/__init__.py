"""One comment on a pull or merge request, kept up to date: found again by its marker, and replaced.

Knows the APIs of GitHub and GitLab, and nothing of what the comment says. It never touches a comment of
anyone else, whatever marker that has.
"""

from reconciler.comments.hosts import thread_of
from reconciler.comments.keeping import Kept, keep_comment

__all__ = ["Kept", "keep_comment", "thread_of"]
