"""Finds the comment of an earlier run and replaces it, or adds the first one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from reconciler.errors import ReconcilerError, UsageError
from reconciler.text import clip, printable

_KEY: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_MARKER: Final = re.compile(r"<!-- peak-reconciler:[A-Za-z0-9._-]+ -->")
_URL: Final = re.compile(r"https?://[A-Za-z0-9._~:/-]+")


class Kept(str, Enum):
    """What became of the comment."""

    ADDED = "added"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment that is there.

    Args:
        id: What it is known by.
        body: Its Markdown.
    """

    id: int
    body: str


class Thread(Protocol):
    """The comments on one pull or merge request."""

    @property
    def limit(self) -> int:
        """How many bytes a comment may have."""

    @property
    def run(self) -> str:
        """The address of the run that writes; empty where it is not known."""

    def ours(self) -> Iterator[Comment]:
        """Yield the comments that the token's own user wrote."""

    def add(self, body: str) -> None:
        """Add a comment."""

    def replace(self, comment: Comment, body: str) -> None:
        """Give a comment another body."""


def keep_comment(thread: Thread, text: str, key: str) -> Kept:
    """Make the one comment with `key` say `text`, and tell whether it was there before.

    Args:
        thread: Where.
        text: Markdown; a marker in its first line gives way to that of `key`.
        key: Tells the comments of one pull request apart: letters, digits, dots, hyphens and underscores.

    Raises:
        UsageError: The key has other characters.
        ReconcilerError: The text is too long, or the host refuses.
    """
    if not _KEY.fullmatch(key):
        raise UsageError(
            f"the key of a comment has letters, digits, '.', '-' and '_', 64 at most, found "
            f"'{clip(printable(key), 60)}'"
        )
    marker = f"<!-- peak-reconciler:{key} -->"
    body = _body(thread, marker, text)
    for comment in thread.ours():
        if comment.body.partition("\n")[0].strip() == marker:
            thread.replace(comment, body)
            return Kept.REPLACED
    thread.add(body)
    return Kept.ADDED


def _body(thread: Thread, marker: str, text: str) -> str:
    first, _, rest = text.partition("\n")
    body = f"{marker}\n{rest if _MARKER.fullmatch(first.strip()) else text}".rstrip("\n")
    if len(body.encode()) > thread.limit:
        raise ReconcilerError(
            f"the comment has {len(body.encode()):,} bytes, and {thread.limit:,} are allowed",
            hint="plan --max-markdown-bytes N makes it shorter.",
        )
    linked = f"{body}\n\n[The run that wrote this]({thread.run})" if _URL.fullmatch(thread.run) else body
    return linked if len(linked.encode()) <= thread.limit else body
