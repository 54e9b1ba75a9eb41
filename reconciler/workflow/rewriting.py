"""Rewritten values: what was sent and reads back as something else, known again by digests.

A platform may keep a value in a form of its own: rounded, cut, escaped, filled in. After two writes of the
same value, "sent X, reads back as Y" is kept as a digest with those of the write-only fields
(`reconciler.workflow.write_only`), so that it is not sent for ever, and a change of either is seen. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Final, NamedTuple

from reconciler.values import ABSENT, JsonObject, JsonValue, Path, leaves
from reconciler.workflow.field_changes import FieldChange
from reconciler.workflow.write_only import Digester, SentDigests, documented_fields, write_only_fields

NOT_RETURNED: Final[Path] = ("(not returned)",)
"""The path of a field that is on neither side, and whose name only the user knew."""

_ITEM_DEPTH: Final = 2


class RewriteKind(str, Enum):
    """Kind of a rewrite: what became of a value that was sent twice."""

    REWRITTEN = "rewritten"  # it reads back as the same other value: that is the platform's form of it
    IGNORED = "ignored"  # the platform keeps the value that it had
    UNSTABLE = "unstable"  # it reads back as another value each time


class Rewrite(NamedTuple):
    """A value that reads back as something else.

    Args:
        change: The difference, with the live value before and the value in Git after.
        outcome: What became of it.
    """

    change: FieldChange
    outcome: RewriteKind

    @property
    def path(self) -> Path:
        """Where it is, in the canonical form."""
        return self.change.path

    @property
    def converges(self) -> bool:
        """Whether the workflow counts as in sync."""
        return self.outcome is RewriteKind.REWRITTEN

    @property
    def digested(self) -> tuple[Path, JsonValue]:
        """What its digest is made of, as if it was a field and its value."""
        sides = [[] if side is ABSENT else [side] for side in (self.change.after, self.change.before)]
        known: JsonValue = sides[0] if self.outcome is RewriteKind.UNSTABLE else list[JsonValue](sides)
        return (self.outcome.value, *self.path), known


def known_rewrite(digester: Digester, sent: SentDigests, change: FieldChange) -> Rewrite | None:
    """Return the rewrite that `sent` has a digest of; `None` when either value is another one by now.

    Args:
        digester: Makes the digests.
        sent: The digests that the workflow keeps.
        change: The difference.
    """
    if not sent:
        return None
    rewrites = (Rewrite(change=change, outcome=outcome) for outcome in RewriteKind)
    return next((rewrite for rewrite in rewrites if digester.agrees(sent, *rewrite.digested)), None)


def are_foreign(digester: Digester, sent: SentDigests, *forms: JsonObject) -> bool:
    """Return whether `sent` knows no field of a workflow: then the digests were made with another key.

    Args:
        digester: Makes the digests.
        sent: The digests that the workflow keeps.
        forms: The canonical forms of the workflow.
    """
    return bool(sent) and not any(digester.knows(sent, path) for path in _digested_paths(forms))


def gone_fields(digester: Digester, sent: SentDigests, *forms: JsonObject) -> list[Path]:
    """Return the fields with a digest in `sent` that are on neither side: sent, and not returned.

    Args:
        digester: Makes the digests.
        sent: The digests that the workflow keeps.
        forms: The canonical forms of both sides.

    Returns:
        Their paths; `NOT_RETURNED` for those with a name of their own, such as a variable.
    """
    known = set(digester.known(sent, _digested_paths(forms)))
    if len(known) >= len(sent.digests):
        return []
    unseen = {path for form in forms for path in documented_fields(form)}
    named = [path for path in unseen if digester.knows(sent, (RewriteKind.REWRITTEN.value, *path))]
    return sorted(named) if len(known) + len(named) >= len(sent.digests) else [*sorted(named), NOT_RETURNED]


def _digested_paths(forms: Iterable[JsonObject]) -> Iterator[Path]:
    paths: set[Path] = set()
    for form in forms:
        yield from write_only_fields(form)
        paths.update(path[:depth] for path, _ in leaves(form) for depth in {_ITEM_DEPTH, len(path)})
    for path in paths:
        yield from ((outcome.value, *path) for outcome in RewriteKind)
