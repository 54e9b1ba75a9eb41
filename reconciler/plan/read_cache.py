"""Cache of reads: the workflows that an earlier plan read and found in sync, for plans that write nothing.

A plan reads such a workflow again only if its entry in the list, its manifest, or anything else that the
comparison depends on has changed. An entry holds digests, never content, and is believed with care:

- It is made only where the time of the last change (`updatedAt`) is the same in the list and in the workflow,
  and clearly earlier than the read by the server's own clock: a later change then has another time.
- Each plan reads a part of them all the same, those that were not read for longest first. If one has changed
  while its time has not, the times of that platform say nothing: all are read, now and from then on.

Nothing of it is used before a write: `apply` reads for itself. Pure.
"""

from __future__ import annotations

import hashlib
import heapq
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler import __version__
from reconciler.manifests import Manifest, WorkflowManifest
from reconciler.plan.compare_options import CompareOptions
from reconciler.plan.early_decisions import ReadWorkflow
from reconciler.plan.listing import Listing
from reconciler.plan.model import Action, Unchanged
from reconciler.plan.platform_facts import PlatformFacts
from reconciler.values import JsonObject, JsonValue, dump_compact
from reconciler.workflow import Listed, WriteOnlyField

if TYPE_CHECKING:
    from reconciler.plan.tenant import Snapshot

MOST_ENTRIES: Final = 200_000

_ALWAYS_READ: Final = 100
"""The least number of workflows that a plan reads although they are known."""

_PART_READ: Final = 20
"""The number of known workflows of which a plan reads one."""

_SETTLED: Final = 10.0
"""The seconds from a change to a read after which no other change can have the same time."""


_DIGEST: Final = 32
"""The length of a digest in the cache."""


class KnownInSync(NamedTuple):
    """A workflow that was read and found in sync.

    Args:
        stamp: The digest of its entry in the list.
        manifest: The digest of its manifest.
        content: The digest of what was read.
        returned: The kinds of write-only fields that it shows.
        write_only: The kinds that it has and does not show.
        plans: The number of plans since it was read.
    """

    stamp: str
    manifest: str
    content: str
    returned: frozenset[WriteOnlyField] = frozenset()
    write_only: frozenset[WriteOnlyField] = frozenset()
    plans: int = 0


class ReadCache:
    """What earlier plans know of a tenant, and what this plan adds.

    Args:
        key: The key of the digests: of the tenant and its token, so that a digest says nothing elsewhere.
        entries: The known workflows, by id.
        context: The digest of what all comparisons depended on.
        unreliable: Whether a workflow of the tenant changed while the time of its last change did not.
        refresh: Whether to read all workflows again.
    """

    def __init__(
        self,
        key: bytes,
        entries: Mapping[int, KnownInSync] | None = None,
        context: str = "",
        *,
        unreliable: bool = False,
        refresh: bool = False,
    ) -> None:
        self.entries = dict(entries or {})
        self.context = context
        self.unreliable = unreliable
        self._key = key
        self._manifests: dict[int, tuple[Manifest, str]] = {}
        due = max(_ALWAYS_READ, len(self.entries) // _PART_READ)
        oldest = heapq.nlargest(due, self.entries, key=lambda item: self.entries[item].plans)
        self._due = frozenset(self.entries if refresh or unreliable else oldest)

    def knows(self, manifest: Manifest, item: Listed) -> bool:
        """Return whether the live workflow `item` is known to be in sync with `manifest`."""
        entry = self.entries.get(item.id)
        return (
            entry is not None
            and item.id not in self._due
            and entry.stamp == item.stamp
            and entry.manifest == self._manifest(manifest)
        )

    def facts_with(self, ids: Iterable[int], facts: PlatformFacts) -> PlatformFacts:
        """Return `facts` with what the known workflows with the given ids show."""
        known = [self.entries[identity] for identity in ids]
        return facts._replace(
            returned=facts.returned.union(*(entry.returned for entry in known)),
            write_only=facts.write_only.union(*(entry.write_only for entry in known)),
        )

    def is_valid(
        self, read: Iterable[ReadWorkflow], listing: Listing, options: CompareOptions, facts: PlatformFacts
    ) -> bool:
        """Return whether what is known still holds, as far as what this plan read shows.

        Args:
            read: The workflows that were read.
            listing: The list.
            options: The choices of the run.
            facts: What the platform is known to do.
        """
        if any(self._is_contradicted(workflow, listing) for workflow in read):
            self.unreliable = True
            self.entries = {}
        return not self.unreliable and self.context == self.context_of(options, facts)

    def _is_contradicted(self, read: ReadWorkflow, listing: Listing) -> bool:
        """Return whether a workflow changed and neither its entry in the list nor its time did."""
        entry, item = self.entries.get(read.id), listing.by_id.get(read.id)
        return (
            entry is not None
            and item is not None
            and entry.stamp == item.stamp
            and read.updated == item.updated
            and entry.content != self._content(read)
        )

    def context_of(self, options: CompareOptions, facts: PlatformFacts) -> str:
        """Return the digest of what all comparisons of a plan depend on."""
        default = facts.default_resource
        parts: JsonObject = {
            "version": __version__,
            "options": repr(replace(options, allow_protected=frozenset())),
            "allow_protected": [*sorted(options.allow_protected)],
            "returned": [*sorted(facts.returned)],
            "write_only": [*sorted(facts.not_returned)],
            "default_resource": default.answer,
            "key": options.key.hex(),
            "refusal": str(default.refusal),
        }
        return self._digest(parts)

    def learn(self, actions: Iterable[Action], snapshot: Snapshot, options: CompareOptions) -> None:
        """Take over what a plan found.

        Args:
            actions: The actions of the plan.
            snapshot: What it was made from.
            options: The choices of the run.
        """
        listing, read = snapshot.listing, snapshot.read
        context = self.context_of(options, snapshot.facts)
        kept = self.entries if context == self.context else {}
        self.context = context
        self.entries = {
            identity: entry._replace(plans=entry.plans + 1)
            for identity, entry in kept.items()
            if identity in listing.by_id and identity not in read
        }
        for action in actions:
            if self.unreliable or len(self.entries) >= MOST_ENTRIES:
                return
            if not isinstance(action, Unchanged) or action.notes:
                continue
            found = read.get(action.id)
            if found is None or not _may_be_kept(action.manifest, found, listing):
                continue
            returned, write_only = found.kinds
            self.entries[found.id] = KnownInSync(
                stamp=listing.by_id[found.id].stamp,
                manifest=self._manifest(action.manifest),
                content=self._content(found),
                returned=returned,
                write_only=write_only,
            )

    def _manifest(self, manifest: Manifest) -> str:
        """Return the digest of a manifest, which is asked for several times in a plan."""
        _, digest = self._manifests.get(id(manifest), (None, ""))
        if not digest:
            digest = self._digest([manifest.name, manifest.packed.digest.hex(), repr(manifest.settings)])
            self._manifests[id(manifest)] = manifest, digest
        return digest

    def _content(self, read: ReadWorkflow) -> str:
        return self._digest([read.fingerprint])

    def _digest(self, value: JsonValue) -> str:
        text = dump_compact(value).encode("utf-8", "surrogatepass")
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()[:_DIGEST]


def _may_be_kept(manifest: Manifest, read: ReadWorkflow, listing: Listing) -> bool:
    """Return whether the list would show any change of a workflow since it was read.

    Its entry must have its tags and its status, and the time of its last change must be the one that was read
    and that no later change can have.
    """
    item = listing.by_id[read.id]
    changed = item.updated
    return (
        isinstance(manifest, WorkflowManifest)
        and not manifest.extra
        and item.ownership is not None
        and "status" in item.health
        and changed is not None
        and changed == read.updated
        and listing.moment is not None
        and changed <= listing.moment - _SETTLED
    )
