"""Reads what a plan needs of the tenant, and no more: the list, the workflows that are meant, the default."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.api import TenantReader
from reconciler.errors import ReconcilerError
from reconciler.manifests import Manifest
from reconciler.plan.building import Snapshot
from reconciler.plan.comparing import needs_default_resource
from reconciler.plan.difference import wanted_of
from reconciler.plan.matching import Found, match_manifests
from reconciler.plan.model import LiveWorkflow
from reconciler.plan.tenant import DefaultResource, describe_all, list_tenant


def take_snapshot(
    api: TenantReader, manifests: Iterable[Manifest], default_resource: DefaultResource
) -> Snapshot:
    """Return what was read for a plan of `manifests`.

    Args:
        api: The tenant.
        manifests: What Git wants.
        default_resource: Asked only where a step's resources differ.

    Raises:
        ReconcilerError: Anything that is needed cannot be read.
    """
    matches = tuple(match_manifests(manifests, list_tenant(api)))
    live = describe_all(api, [match.id for _, match in matches if isinstance(match, Found)])
    needed = any(
        _needs_default(manifest, live[match.id]) for manifest, match in matches if isinstance(match, Found)
    )
    return Snapshot(matches=matches, live=live, default_resource=default_resource() if needed else {})


def _needs_default(manifest: Manifest, live: LiveWorkflow) -> bool:
    try:
        desired, _ = wanted_of(manifest, live)
    except ReconcilerError:  # the plan says it
        return False
    return needs_default_resource(live.body, desired)
