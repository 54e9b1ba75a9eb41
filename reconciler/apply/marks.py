"""Marks of writes: they show whose write a workflow reads back as.

Each write puts a mark of its own into the tags of the reconciler. A read-back with that mark is that write,
as the platform keeps it; one with another mark is another write, which is neither overwritten nor taken for
the platform's form of what was sent. Only the body of a workflow that this run owns, or whose tags keep
digests, gets a mark: others have no tag of the reconciler, and get none for this. A platform may cut or hide
the tag, so a mark that is missing proves something only where as many tags were kept before.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from enum import Enum

from reconciler.values import JsonObject, as_list
from reconciler.workflow import Live, OwnTags, with_mark


class WrittenBy(Enum):
    """The write that a workflow reads back as."""

    OURS = "ours"
    ANOTHER = "another"  # of another run, or of somebody at the platform; or the one before ours
    UNKNOWN = "unknown"  # nothing proves either


@dataclass(frozen=True, slots=True, kw_only=True)
class SentTags:
    """The tags of a body that was written.

    Args:
        mark: The mark among them; empty for none.
        count: How many there are.
    """

    mark: str = ""
    count: int = 0

    @staticmethod
    def of(body: JsonObject) -> SentTags:
        """Return the tags of `body`."""
        tags = body.get("tags")
        return SentTags(mark=next(iter(OwnTags.of(tags).marks), ""), count=len(as_list(tags)))

    def are_marked_in(self, live: Live) -> bool:
        """Return whether a workflow has the mark."""
        return bool(self.mark) and self.mark in live.body.own_tags.marks

    def origin(self, live: Live, tags_kept: int) -> WrittenBy:
        """Return which write a workflow reads back as.

        Args:
            live: The workflow.
            tags_kept: The most tags that a workflow with a mark was seen to have.
        """
        found = live.body.own_tags.marks
        if self.are_marked_in(live):
            return WrittenBy.OURS if len(found) == 1 else WrittenBy.UNKNOWN
        if not self.mark:
            return WrittenBy.UNKNOWN
        return WrittenBy.ANOTHER if found or self.count <= tags_kept else WrittenBy.UNKNOWN


def new_mark() -> str:
    """Return a mark that no other write has."""
    return "0" + base64.b32encode(secrets.token_bytes(5)).decode("ascii")[:7].lower()


def marked(body: JsonObject, mark: str, owner: str | None, *, had_digests: bool = False) -> JsonObject:
    """Return the body of a write with `mark` in its tags, where it may have one.

    Args:
        body: The body.
        mark: The mark.
        owner: The owner of this run; `None` for none.
        had_digests: Whether the workflow has digests that the body no longer has.
    """
    tags = as_list(body.get("tags"))
    own = OwnTags.of(tags)
    may_be = owner in own.ownership.owners or own.digests or had_digests
    return {**body, "tags": with_mark(tags, mark)} if may_be else body
