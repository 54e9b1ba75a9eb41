"""Profile check: what a tenant does not keep or return of a manifest, as warnings and as notes of a plan."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.findings import Finding, Severity
from reconciler.manifests import FileContent, WorkflowManifest
from reconciler.plan import Action, Create, Plan, Update
from reconciler.probing import not_kept, not_returned
from reconciler.tenant_profile import TenantProfile
from reconciler.text import first_few
from reconciler.values import Path, display_path

_MOST_NOTED: Final = 200
"""The most changed workflows of a plan that get notes: each is tried on an emulated tenant."""


@dataclass(frozen=True, slots=True)
class ProfileCheck:
    """A check of manifests against the profile of a tenant.

    Args:
        profile: The profile.
    """

    profile: TenantProfile

    def __call__(self, contents: Sequence[FileContent]) -> Iterator[Finding]:
        """Yield a warning for each value that the tenant does not keep."""
        for content in contents:
            for manifest in content.manifests:
                if isinstance(manifest, WorkflowManifest):
                    yield from self._of(manifest)

    def _of(self, manifest: WorkflowManifest) -> Iterator[Finding]:
        for item in not_kept(manifest.body, self.profile.switches):
            place = f"{display_path(item.path)}: " if item.path else ""
            yield Finding(
                file=manifest.source.file,
                rule="tenant-profile",
                message=f"{place}{item.reason}",
                position=manifest.source.position(item.path) or manifest.source.position(),
                path=item.path,
                severity=Severity.WARNING,
            )


def with_profile_notes(plan: Plan, profile: TenantProfile) -> Plan:
    """Return a plan that says of its creates and updates what the tenant will not keep or return.

    Args:
        plan: The plan.
        profile: The profile of the tenant.
    """
    noted = [action for action in plan.actions if isinstance(action, Create | Update)][:_MOST_NOTED]
    notes = {id(action): tuple(_notes(action, profile)) for action in noted}
    actions = tuple(_with_notes(action, notes.get(id(action), ())) for action in plan.actions)
    return dataclasses.replace(plan, actions=actions)


def _with_notes(action: Action, notes: tuple[str, ...]) -> Action:
    return dataclasses.replace(action, notes=(*action.notes, *notes)) if notes else action


def _notes(action: Create | Update, profile: TenantProfile) -> Iterator[str]:
    """Yield what the profile says of the fields that a create or an update sends or changes."""
    body, words = action.desired.body.raw, profile.switches
    sent: dict[str, list[Path]] = {}
    for item in not_kept(body, words):
        if _is_changed(item.path, action):
            sent.setdefault(item.reason, []).append(item.path)
    for reason, paths in sent.items():
        yield f"{_listed(paths)}{reason} (tenant profile)"
    hidden = [path for path in not_returned(body, words) if _is_changed(path, action)]
    if hidden:
        yield (
            f"this tenant does not return {first_few(map(display_path, hidden))} (tenant profile): "
            "a change at the platform does not show"
        )


def _listed(paths: Iterable[Path]) -> str:
    listed = first_few(display_path(path) for path in paths if path)
    return f"{listed}: " if listed else ""


def _is_changed(path: Path, action: Create | Update) -> bool:
    """Return whether an action sends a new value at a path; the empty one is for the whole workflow."""
    if isinstance(action, Create) or not path:
        return True
    return any(change.path[: len(path)] == path[: len(change.path)] for change in action.changes)
