"""Snapshot of the tenant for a plan: the list, the matched workflows and the default resource.

A read that fails is never "absent": it ends the plan with the client's own error. Only a workflow that the
platform refuses to describe (400, 422) leaves the others alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from reconciler.api import TenantReader
from reconciler.client import BadRequestException, NotFoundException, PageWalk, is_refused_for_content
from reconciler.concurrency import CONCURRENCY, OnProgress, in_background, no_progress, read_ahead, read_all
from reconciler.errors import ReconcilerError, UnexpectedAnswerError
from reconciler.manifests import Manifest, WorkflowManifest
from reconciler.plan.compare_options import CompareOptions
from reconciler.plan.matching import Found, Match, New, match_manifests, unmatched
from reconciler.plan.orphans import Orphans
from reconciler.plan.platform_facts import DefaultResource
from reconciler.plan.scope import Scope
from reconciler.values import JsonObject, as_list, as_object
from reconciler.workflow import Listed, Live, OwnTags, schedules

_PAGE_SIZE: Final = 100
_READING: Final = "reading workflows"
_LISTINGS: Final = 3
"""How often the list is read when pages do not add up, because workflows come and go meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What was read of the tenant for a plan.

    Args:
        matches: Each manifest, with the live workflow that it matches.
        live: The live workflows of the run, by id.
        refusals: Why the platform does not describe others of them, by id.
        default_resource: The tenant's default resource.
        unmanaged: The live workflows that no manifest matches.
        orphaned: Those of them that the owner of the run owns.
        orphans: The same, read and counted, with pruning; `None` without.
        ids: The ids of all live workflows.
        notes: Remarks on manifests for the changes that they make, by the name of the workflow.
    """

    matches: tuple[tuple[Manifest, Match], ...]
    live: dict[int, Live]
    refusals: dict[int, ReconcilerError] = field(default_factory=dict)
    default_resource: DefaultResource = field(default_factory=DefaultResource)
    unmanaged: tuple[Listed, ...] = ()
    orphaned: tuple[Listed, ...] = ()
    orphans: Orphans | None = None
    ids: frozenset[int] = frozenset()
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def take_snapshot(  # noqa: PLR0913 - the last two by name
    api: TenantReader,
    manifests: Iterable[Manifest],
    options: CompareOptions,
    scope: Scope | None = None,
    *,
    concurrency: int = CONCURRENCY,
    listed: tuple[Listed, ...] | None = None,
    on_progress: OnProgress = no_progress,
) -> Snapshot:
    """Read the tenant for a plan of `manifests`.

    Args:
        api: The tenant.
        manifests: The manifests.
        options: The owner of the run, for orphans.
        scope: The workflows of the run.
        concurrency: The number of workflows to read at a time.
        listed: The list of all workflows, if it was just read.
        on_progress: Called with how far the list and the workflows are read.

    Raises:
        UsageError: The scope names a workflow that does not exist.
        ReconcilerError: A workflow, or the list, cannot be read.
    """
    scope = scope or Scope()
    default_resource = in_background(partial(read_default_resource, api))
    if listed is None:
        listed = list_tenant(api, on_progress=on_progress, concurrency=concurrency)
    matches = tuple(match_manifests(manifests, listed))
    unmanaged = unmatched(matches, listed)
    selection = scope.selection.resolved(names_of(matches, unmanaged))
    matched = [
        identity
        for manifest, match in matches
        if (identity := _needed(match)) is not None and selection.takes(manifest.name)
    ]
    live, refusals = _described(api, matched, concurrency, partial(on_progress, _READING))
    owner = options.owner if scope.whole else None
    orphaned: tuple[Listed, ...] = ()
    if owner is not None:
        others = _to_read(owner, matches, listed, unmanaged, prune=scope.prune)
        live |= describe_all(api, (item for item in others if item not in {*live, *refusals}), concurrency)
        orphaned = tuple(item for item in unmanaged if _is_owned(item, owner, live))
    return Snapshot(
        matches=matches,
        live=live,
        refusals=refusals,
        default_resource=default_resource(),
        unmanaged=unmanaged,
        orphaned=orphaned,
        orphans=_orphans(owner, matches, listed, orphaned, live) if owner and scope.prune else None,
        ids=frozenset(item.id for item in listed),
    )


def _needed(match: Match) -> int | None:
    """Return the id of the live workflow to read for a manifest, if any."""
    match match:
        case Found(identity) | New(identity):
            return identity
    return None


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


def list_tenant(
    api: TenantReader,
    name: str | None = None,
    on_progress: OnProgress = no_progress,
    concurrency: int = CONCURRENCY,
) -> tuple[Listed, ...]:
    """Return every workflow of the tenant, over all pages, by id.

    The first page says how many workflows there are; the pages with the others are read side by side.

    Args:
        api: The tenant.
        name: Only those whose name is exactly this one.
        on_progress: Called after each page, where the server says how many workflows there are.
        concurrency: The number of pages to read at a time.

    Raises:
        UnexpectedAnswerError: The pages do not add up to the number of workflows that the server reports, so
            that one may be missing.
        ReconcilerError: As the client.
    """
    for _ in range(_LISTINGS):
        found, totals = _read_pages(api, name, on_progress, concurrency)
        if not totals or set(totals) == {len(found)}:
            break
    if totals and totals[-1] != len(found):
        raise UnexpectedAnswerError(
            f"the list of workflows is incomplete: {len(found)} of {totals[-1]} were returned",
            hint="Workflows may be coming and going; try again.",
        )
    listed = (found[identity] for identity in sorted(found))
    return tuple(item for item in listed if name is None or item.name == name)


def _read_pages(
    api: TenantReader, name: str | None, on_progress: OnProgress, concurrency: int
) -> tuple[dict[int, Listed], list[int]]:
    """Return the workflows on all pages, and the number of all workflows as each page states it."""

    def read(number: int) -> JsonObject | ReconcilerError:
        try:
            return api.list_workflows(
                page_size=_PAGE_SIZE, page_number=number, name=name, return_iterator=False
            )
        except (BadRequestException, NotFoundException) as error:
            return error

    found: dict[int, Listed] = {}
    totals: list[int] = []
    walk = PageWalk(_PAGE_SIZE, "workflowsCount")
    while True:
        for page in read_ahead(read, walk.counted, concurrency):
            if isinstance(page, ReconcilerError):
                if walk.ends_with(page):
                    return found, totals
                raise page
            items = [_listed(as_object(item)) for item in as_list(page["workflows"])]
            found |= {item.id: item for item in items}
            walk.take(page, (item.id for item in items))
            if walk.total is not None:
                totals.append(walk.total)
                on_progress("listing workflows", len(found), walk.total)
            if not walk.goes_on:
                return found, totals


def _listed(item: JsonObject) -> Listed:
    tags = item.get("tags")
    ownership = OwnTags.of(tags).ownership if isinstance(tags, list) else None
    health: JsonObject = {key: item[key] for key in ("status", "lastExecution", "triggers") if key in item}
    return Listed(
        id=int(str(item["id"])),
        name=str(item["name"]),
        ownership=ownership,
        schedules=schedules(item),
        health=health,
    )


def describe(api: TenantReader, workflow_id: int, before: Live | None = None) -> Live:
    """Return the live workflow with the given id.

    Args:
        api: The tenant.
        workflow_id: The id.
        before: The same workflow, read earlier: what has not changed is not computed again.

    Raises:
        ReconcilerError: As the client.
    """
    return Live.of(workflow_id, api.describe_workflow(workflow_id), before)


def describe_all(api: TenantReader, ids: Iterable[int], concurrency: int) -> dict[int, Live]:
    """Return the live workflows with the given ids, `concurrency` of them read at a time.

    Raises:
        ReconcilerError: As the client, for the first that cannot be read.
    """
    return read_all(partial(describe, api), ids, concurrency)


def _described(
    api: TenantReader, ids: Iterable[int], concurrency: int, on_read: Callable[[int, int], None]
) -> tuple[dict[int, Live], dict[int, ReconcilerError]]:
    """Return the live workflows with the given ids, and why the platform refuses to describe others of them.

    Raises:
        ReconcilerError: As the client, for the first that cannot be read for a reason that is not its own.
    """

    def read(identity: int) -> Live | ReconcilerError:
        try:
            return describe(api, identity)
        except ReconcilerError as error:
            if is_refused_for_content(error):
                return error
            raise

    found = read_all(read, ids, concurrency, on_read)
    live = {identity: item for identity, item in found.items() if isinstance(item, Live)}
    return live, {identity: item for identity, item in found.items() if not isinstance(item, Live)}


def read_default_resource(api: TenantReader) -> DefaultResource:
    """Return the tenant's default resource; a refusal counts only where the resource is needed."""
    try:
        return DefaultResource(answer=api.get_default_resource())
    except ReconcilerError as error:
        return DefaultResource(refusal=error)
