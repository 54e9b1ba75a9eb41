"""Reads what a plan needs of the tenant, and no more: the list, the workflows that are meant, the default."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.api import TenantReader
from reconciler.concurrency import CONCURRENCY
from reconciler.errors import ReconcilerError
from reconciler.manifests import Manifest, WorkflowManifest
from reconciler.plan.comparing import Tenancy, needs_default_resource
from reconciler.plan.deciding import wanted_of
from reconciler.plan.live import Listed, LiveWorkflow
from reconciler.plan.matching import Found, Match, match_manifests, unmatched
from reconciler.plan.pruning import Orphans
from reconciler.plan.scope import Scope
from reconciler.plan.tenant import DefaultResource, describe_all, list_tenant
from reconciler.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What was read for a plan.

    Args:
        matches: Each manifest, and which live workflow it means.
        live: The live workflows that the run is about, by id.
        default_resource: The tenant's default resource; empty where it cannot matter.
        unmanaged: The live workflows that no manifest means.
        leftovers: Those of them that may be pruned; `None` without pruning.
    """

    matches: tuple[tuple[Manifest, Match], ...]
    live: dict[int, LiveWorkflow]
    default_resource: JsonObject
    unmanaged: tuple[Listed, ...] = ()
    leftovers: Orphans | None = None


def take_snapshot(  # noqa: PLR0913 - one by name
    api: TenantReader,
    manifests: Iterable[Manifest],
    default_resource: DefaultResource,
    tenancy: Tenancy,
    scope: Scope | None = None,
    *,
    concurrency: int = CONCURRENCY,
) -> Snapshot:
    """Return what was read for a plan of `manifests`.

    Args:
        api: The tenant.
        manifests: What Git wants.
        default_resource: Asked only where a step's resources differ.
        tenancy: Says who owns what is pruned.
        scope: What the run is about.
        concurrency: How many workflows are read at a time.

    Raises:
        ReconcilerError: Anything that is needed cannot be read.
    """
    scope = scope or Scope()
    listed = list_tenant(api)
    matches = tuple(match_manifests(manifests, listed))
    meant = [
        match.id
        for manifest, match in matches
        if isinstance(match, Found) and scope.selection.takes(manifest.name)
    ]
    unmanaged = unmatched(matches, listed)
    owner = tenancy.owner if scope.prune else None
    wanted = meant if owner is None else [*meant, *_maybe_owned(listed, unmanaged, owner)]
    live = describe_all(api, wanted, concurrency)
    needed = any(
        _needs_default(manifest, live[match.id])
        for manifest, match in matches
        if isinstance(match, Found) and match.id in live
    )
    return Snapshot(
        matches=matches,
        live=live,
        default_resource=default_resource() if needed else {},
        unmanaged=unmanaged,
        leftovers=None if owner is None else _leftovers(owner, matches, listed, unmanaged, live),
    )


def _maybe_owned(listed: Iterable[Listed], unmanaged: Iterable[Listed], owner: str) -> list[int]:
    """The ids of those that must be read before it is known what is owned, and of what may be deleted."""
    leftover = [item.id for item in unmanaged if item.marks is None or owner in item.marks.owners]
    return [*leftover, *(item.id for item in listed if item.marks is None)]


def _leftovers(
    owner: str,
    matches: Iterable[tuple[Manifest, Match]],
    listed: Iterable[Listed],
    unmanaged: Iterable[Listed],
    live: dict[int, LiveWorkflow],
) -> Orphans:
    def owned(item: Listed) -> bool:
        marks = live[item.id].marks if item.id in live else item.marks
        return marks is not None and owner in marks.owners

    return Orphans(
        owner=owner,
        workflows=tuple(live[item.id] for item in unmanaged if owned(item)),
        owned=sum(map(owned, listed)),
        any_manifest=any(isinstance(manifest, WorkflowManifest) for manifest, _ in matches),
    )


def _needs_default(manifest: Manifest, live: LiveWorkflow) -> bool:
    try:
        desired, _ = wanted_of(manifest, live)
    except ReconcilerError:  # the plan says it
        return False
    return needs_default_resource(live.body, desired)
