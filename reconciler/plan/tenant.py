"""Snapshot of the tenant for a plan: the list, the matched workflows and the default resource.

A read that fails is never "absent": it ends the plan with the client's own error. Only a workflow that the
platform refuses to describe (400, 422) leaves the others alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Final

from reconciler.api import TenantReader
from reconciler.client import NotFoundException, is_refused_for_content
from reconciler.concurrency import CONCURRENCY, OnProgress, no_progress
from reconciler.errors import ReconcilerError
from reconciler.manifests import Manifest, PatchManifest, WorkflowManifest
from reconciler.plan.compare_options import CompareOptions
from reconciler.plan.early_decisions import ReadWorkflow
from reconciler.plan.expectations import Expectations
from reconciler.plan.listing import Listing, list_tenant
from reconciler.plan.matching import Found, Match, New, match_manifests, unmatched
from reconciler.plan.orphans import Orphans
from reconciler.plan.platform_facts import PlatformFacts
from reconciler.plan.scope import Scope
from reconciler.plan.tenant_reads import TenantReads, describe_all
from reconciler.workflow import Listed, Live

_READING: Final = "reading workflows"


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """What was read of the tenant for a plan.

    Args:
        matches: Each manifest, with the live workflow that it matches.
        read: The live workflows of the run that were read, by id.
        refusals: Why the platform does not describe others of them, by id.
        known: The live workflows of the run that are known to be in sync and were not read, by id.
        facts: What the platform is known to do.
        unmanaged: The live workflows that no manifest matches.
        orphaned: Those of them that the owner of the run owns.
        orphans: The same, read and counted, with pruning; `None` without.
        listing: The list.
        notes: Remarks on manifests for the changes that they make, by the name of the workflow.
    """

    matches: tuple[tuple[Manifest, Match], ...]
    read: Mapping[int, ReadWorkflow]
    refusals: dict[int, ReconcilerError] = field(default_factory=dict)
    known: Mapping[int, Listed] = field(default_factory=dict)
    facts: PlatformFacts = field(default_factory=PlatformFacts)
    unmanaged: tuple[Listed, ...] = ()
    orphaned: tuple[Listed, ...] = ()
    orphans: Orphans | None = None
    listing: Listing
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def live(self) -> dict[int, Live]:
        """The workflows that were read and not forgotten, by id."""
        return _live(self.read)


def _live(read: Mapping[int, ReadWorkflow]) -> dict[int, Live]:
    return {identity: live for identity, item in read.items() if (live := item.live) is not None}


def take_snapshot(  # noqa: PLR0913 - the last by name
    reads: TenantReads,
    manifests: Iterable[Manifest],
    options: CompareOptions,
    scope: Scope | None = None,
    on_progress: OnProgress = no_progress,
    *,
    expected: Expectations | None = None,
    forgets: bool = False,
) -> Snapshot:
    """Read the tenant for a plan of `manifests`.

    Args:
        reads: The reads of the tenant, begun or not.
        manifests: The manifests.
        options: The owner of the run, for orphans.
        scope: The workflows of the run.
        on_progress: Called with how far the list and the workflows are read.
        expected: What the profile of the tenant says; `None` for nothing.
        forgets: Whether to keep nothing of a workflow that is in sync but what a plan needs.

    Raises:
        UsageError: The scope names a workflow that does not exist.
        ReconcilerError: A workflow, or the list, cannot be read.
    """
    scope = scope or Scope()
    listing = reads.listing(on_progress)
    listed = tuple(listing.by_id.values())
    matches = tuple(match_manifests(manifests, listed))
    unmanaged = unmatched(matches, listed)
    selection = scope.selection.resolved(names_of(matches, unmanaged))
    chosen = [(manifest, match) for manifest, match in matches if selection.takes(manifest.name)]
    known = reads.known(chosen, listing)
    needed = _needed(chosen)
    # Known before workflows are decided about: a decision without it would be made again.
    known_first = PlatformFacts(
        expected=expected or Expectations(), default_resource=reads.default_resource()
    )
    forgets = forgets and not any(isinstance(manifest, PatchManifest) for manifest, _ in chosen)
    described = partial(
        reads.described,
        options=options,
        expected=known_first.expected,
        may_forget=partial(_may_forget, listing=listing, forgets=forgets, prune=scope.prune),
    )
    in_turn = partial(described, refusals=is_refused_for_content, on_read=partial(on_progress, _READING))
    read, refusals = in_turn({key: manifest for key, manifest in needed.items() if key not in known})
    owner = options.owner if scope.whole else None
    orphaned: tuple[Listed, ...] = ()
    if owner is not None:
        others = _to_read(owner, matches, listed, unmanaged, prune=scope.prune)
        unread = dict.fromkeys(item for item in others if item not in {*read, *refusals})
        # Another shard, which runs at the same time, deletes its own orphans.
        found, gone = described(unread, refusals=_is_gone) if selection.shard else described(unread)
        read |= found
        live = _live(read)
        listed, unmanaged = (
            tuple(item for item in items if item.id not in gone) for items in (listed, unmanaged)
        )
        orphaned = tuple(item for item in unmanaged if _is_owned(item, owner, live))
    facts = known_first.with_kinds(item.kinds for item in read.values())
    if reads.cache is not None:
        believed = reads.cache.facts_with(known, facts)
        if not reads.cache.is_valid(read.values(), listing, options, believed):
            more, refused = in_turn({identity: needed[identity] for identity in known})
            read, refusals, known = {**read, **more}, {**refusals, **refused}, {}
            believed = known_first.with_kinds(item.kinds for item in read.values())
        facts = believed
    return Snapshot(
        matches=matches,
        read=read,
        refusals=refusals,
        known=known,
        facts=facts,
        unmanaged=unmanaged,
        orphaned=orphaned,
        orphans=_orphans(owner, matches, listed, orphaned, _live(read)) if owner and scope.prune else None,
        listing=listing,
    )


def _is_gone(error: ReconcilerError) -> bool:
    return isinstance(error, NotFoundException)


def _needed(matches: Iterable[tuple[Manifest, Match]]) -> dict[int, Manifest | None]:
    """Return the ids of the live workflows to read for manifests, each with the one that matches it."""
    needed: dict[int, Manifest | None] = {}
    for manifest, match in matches:
        match match:
            case Found(identity):
                needed[identity] = manifest
            case New(int(identity)):
                needed.setdefault(identity, None)
    return needed


def _may_forget(identity: int, listing: Listing, *, forgets: bool, prune: bool) -> bool:
    """Return whether nothing but its own manifest needs a workflow: its owner may be known only from it."""
    return forgets and (not prune or listing.by_id[identity].ownership is not None)


def list_managed(
    api: TenantReader,
    manifests: Iterable[Manifest],
    owner: str | None,
    *,
    concurrency: int = CONCURRENCY,
    on_progress: OnProgress = no_progress,
) -> tuple[tuple[Listed, ...], tuple[Listed, ...]]:
    """Return the live workflows that are managed, and the others.

    Args:
        api: The tenant.
        manifests: The manifests; a live workflow that one of them matches is managed.
        owner: The owner whose workflows are managed, too.
        concurrency: The number of workflows to read at a time, where the list does not show their owner.
        on_progress: Called with how far the list is read.

    Raises:
        ReconcilerError: As the client.
    """
    listed = list_tenant(api, on_progress=on_progress)
    free = unmatched(match_manifests(manifests, listed), listed)
    others = {item.id for item in free}
    if owner is not None:
        hidden = [item.id for item in free if item.ownership is None]
        live = describe_all(api, hidden, concurrency)
        others -= {item.id for item in free if _is_owned(item, owner.casefold(), live)}
    managed = tuple(item for item in listed if item.id not in others)
    return managed, tuple(item for item in listed if item.id in others)


def names_of(matches: Iterable[tuple[Manifest, Match]], unmanaged: Iterable[Listed]) -> frozenset[str]:
    """Return the names that a plan knows workflows by: those in Git, and of live ones without a manifest."""
    return frozenset({*(manifest.name for manifest, _ in matches), *(item.name for item in unmanaged)})


def _to_read(
    owner: str,
    matches: Iterable[tuple[Manifest, Match]],
    listed: Iterable[Listed],
    unmanaged: Iterable[Listed],
    *,
    prune: bool,
) -> list[int]:
    """Return the ids of the workflows without a manifest, and others, that must be read besides the list.

    Those are the ones whose owner the list does not show, for pruning even with a manifest, because owned
    workflows are counted; and orphans, if they are to be deleted or compared with a workflow to create.
    """
    compared = prune or any(isinstance(match, New) for _, match in matches)
    orphans = [item for item in unmanaged if compared and _is_owned(item, owner, {})]
    hidden = [item for item in (listed if prune else unmanaged) if item.ownership is None]
    return [item.id for item in (*orphans, *hidden)]


def _is_owned(item: Listed, owner: str, live: dict[int, Live]) -> bool:
    ownership = live[item.id].ownership if item.id in live else item.ownership
    return ownership is not None and owner in ownership.owners


def _orphans(
    owner: str,
    matches: Iterable[tuple[Manifest, Match]],
    listed: Iterable[Listed],
    orphaned: Iterable[Listed],
    live: dict[int, Live],
) -> Orphans:
    return Orphans(
        owner=owner,
        workflows=tuple(live[item.id] for item in orphaned),
        owned=sum(_is_owned(item, owner, live) for item in listed),
        any_manifest=any(isinstance(manifest, WorkflowManifest) for manifest, _ in matches),
    )
