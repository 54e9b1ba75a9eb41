"""Whose a workflow is and is to be: what a plan refuses because of it, and which marks it leaves. Pure."""

from __future__ import annotations

from reconciler.manifests import Manifest, PatchManifest
from reconciler.plan.comparing import Tenancy
from reconciler.workflow.ownership import Ownership, owner_tag


def owned_by_others(manifest: Manifest, live: Ownership, owner: str | None) -> str:
    """Return why a workflow that others own is not touched, and what to do; empty when it may be.

    A patch manifest may: it is about a workflow that somebody else has.

    Args:
        manifest: What means the workflow.
        live: What its tags say.
        owner: Who this run is for; `None` when it does not say.
    """
    others = live.others(owner)
    if not others or isinstance(manifest, PatchManifest):
        return ""
    names = " and ".join(others)
    if owner is None:
        return f"it is owned by {names}, and this run says no ownership tag; if that is you: --ownership-tag"
    return f"it is owned by {names} (its tag {owner_tag(others[0])}), not by {owner}, and never taken over"


def ownership_after(manifest: Manifest, live: Ownership, tenancy: Tenancy) -> Ownership:
    """Return what the tags of a workflow are to say of whose it is.

    Protection stays once it is there, also when its line in the manifest goes: only `--allow-protected`
    lifts it. A patch manifest leaves all of it alone.

    Args:
        manifest: What means the workflow.
        live: What its tags say; nothing for one that does not exist yet.
        tenancy: Says who this run is for, and whose protection is lifted.
    """
    if isinstance(manifest, PatchManifest):
        return live
    owners = live.owners if tenancy.owner is None else frozenset({tenancy.owner})
    kept = live.protected and manifest.name not in tenancy.allow_protected
    return Ownership(owners=owners, protected=manifest.settings.prevent_delete or kept)


def ownership_notes(live: Ownership, wanted: Ownership) -> tuple[str, ...]:
    """Return what a plan says where the marks of a workflow change."""
    notes = [f"it becomes owned by {owner}" for owner in sorted(wanted.owners - live.owners)]
    if wanted.protected and not live.protected:
        notes.append("it becomes protected (prevent_delete): pruning never deletes it")
    if live.protected and not wanted.protected:
        notes.append("its protection from being deleted is lifted (--allow-protected)")
    return tuple(notes)
