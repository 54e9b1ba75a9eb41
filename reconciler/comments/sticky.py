"""Sticky comment: found by its marker and replaced on each run, or added."""

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


class UpsertResult(str, Enum):
    """The way in which a comment was written."""

    ADDED = "added"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """An existing comment.

    Args:
        id: Its id on the host.
        body: Its Markdown.
    """

    id: int
    body: str


class Thread(Protocol):
    """The comments of one pull or merge request."""

    @property
    def limit(self) -> int:
        """The maximum size of a comment, in bytes."""

    @property
    def job_url(self) -> str:
        """The URL of the CI job that writes; empty if unknown."""

    def ours(self) -> Iterator[Comment]:
        """Yield the comments by the user of the token."""

    def add(self, body: str) -> None:
        """Add a comment."""

    def replace(self, comment: Comment, body: str) -> None:
        """Replace the body of a comment."""


def upsert_comment(thread: Thread, text: str, key: str) -> UpsertResult:
    """Add the comment with `key`, or replace it if it exists.

    Args:
        thread: The comments of the pull or merge request.
        text: Markdown; a marker in its first line is replaced by that of `key`.
        key: 1 to 64 letters, digits, `.`, `-` and `_`, which identify the comment in its thread.

    Raises:
        UsageError: The key has other characters.
        ReconcilerError: The text is too long, or a request failed.
    """
    if not _KEY.fullmatch(key):
        raise UsageError(
            f"invalid --key '{clip(printable(key), 60)}': use 1 to 64 letters, digits, '.', '-' and '_'"
        )
    marker = f"<!-- peak-reconciler:{key} -->"
    body = _body(thread, marker, text)
    for comment in thread.ours():
        if comment.body.partition("\n")[0].strip() == marker:
            thread.replace(comment, body)
            return UpsertResult.REPLACED
    thread.add(body)
    return UpsertResult.ADDED


def _body(thread: Thread, marker: str, text: str) -> str:
    first, _, rest = text.partition("\n")
    body = f"{marker}\n{rest if _MARKER.fullmatch(first.strip()) else text}".rstrip("\n")
    if len(body.encode()) > thread.limit:
        raise ReconcilerError(
            f"the comment has {len(body.encode()):,} bytes, more than the {thread.limit:,} allowed",
            hint="Shorten it with plan --max-markdown-bytes N.",
        )
    linked = f"{body}\n\n[Written by this job]({thread.job_url})" if _URL.fullmatch(thread.job_url) else body
    return linked if len(linked.encode()) <= thread.limit else body
