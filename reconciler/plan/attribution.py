"""Attribution of differences to Git or to the tenant, by the manifests at an earlier commit. Pure.

A three-way comparison, as a merge makes it: what only the manifest changed since then comes from Git, what
only the live workflow changed is drift, and what both changed, to different values, is a conflict.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, Literal

from reconciler.errors import ReconcilerError
from reconciler.manifests import Manifest
from reconciler.plan.compare_options import CompareOptions
from reconciler.plan.comparing import comparable, compare
from reconciler.plan.desired import Desired
from reconciler.plan.masked_changes import sensitive_fields
from reconciler.plan.model import Action, BlockedDelete, Create, Delete, Plan, SetPaused, Update
from reconciler.plan.platform_facts import PlatformFacts, hidden_fields
from reconciler.secrecy import SecretFields
from reconciler.values import ABSENT, JsonObject, Path, same_json
from reconciler.workflow import Body, FieldChange, Live, Origin, PackedChanges, diff, extra_forms

_WEBHOOK: Final[Path] = ("triggers", "webhook")

_RETRY_OPTIONS: Final = "retryOptions"
"""What a form has at the top or in its steps, whichever is shorter."""


def with_origins(plan: Plan, base: Iterable[Manifest], commit: str, options: CompareOptions) -> Plan:
    """Return `plan` with the origin of each difference.

    Args:
        plan: The plan.
        base: The manifests at the earlier commit.
        commit: The commit, as it is shown.
        options: The choices of the run.
    """
    earlier = EarlierManifests(base, options)
    actions = tuple(_attributed(action, earlier, options, plan.facts) for action in plan.actions)
    return dataclasses.replace(plan, actions=actions, base=commit)


def count_origins(plan: Plan) -> dict[str, int]:
    """Return the number of differences of each origin: a field, or a workflow to create or delete."""
    found = Counter(origin.value for action in plan.actions for origin in _origins(action))
    return {origin.value: found[origin.value] for origin in Origin}


def count_unattributed(plan: Plan) -> int:
    """Return the number of differences without an origin: fields, and workflows to create or delete."""
    found = 0
    for action in plan.actions:
        if isinstance(action, Update | SetPaused):
            found += sum(change.origin is None for change in action.changes)
        elif isinstance(action, Create | Delete | BlockedDelete):
            found += action.origin is None
    return found


def replaces_webhook(action: Action) -> bool:
    """Return whether an action gives a webhook a new URL, so that a former one no longer works.

    A webhook that the live workflow does not have may have been deleted there, unless it is new in Git.
    """
    match action:
        case Create():
            return action.desired.body.has_webhook and action.origin in {Origin.DRIFT, Origin.CONFLICT}
        case Update():
            return action.rotates_webhook or _added_webhook(action) not in {None, Origin.GIT}
        case _:
            return False


def with_webhook_warnings(plan: Plan) -> Plan:
    """Return `plan` with a warning of each webhook that is added again, and so gets another URL."""
    return dataclasses.replace(plan, actions=tuple(map(_with_webhook_warning, plan.actions)))


def _with_webhook_warning(action: Action) -> Action:
    if not replaces_webhook(action) or (isinstance(action, Update) and action.rotates_webhook):
        return action
    origin = _added_webhook(action) if isinstance(action, Update) else action.origin
    text = (
        "its webhook was deleted live: it gets a new URL; the former one no longer works"
        if origin is Origin.DRIFT
        else "its webhook gets a new URL; if it had one before, that no longer works"
    )
    return dataclasses.replace(action, warnings=(*action.warnings, text))


def _added_webhook(action: Update) -> Origin | Literal["unknown"] | None:
    """Return the origin of the webhook that an update adds; `None` if it adds none."""
    found = next((change for change in action.changes if _touches(change.path, _WEBHOOK)), None)
    if found is None or action.live.body.has_webhook or not action.desired.body.has_webhook:
        return None
    return found.origin or "unknown"


def _origins(action: Action) -> Iterator[Origin]:
    if action.origin is not None:
        yield action.origin
    elif isinstance(action, Update | SetPaused):
        yield from (change.origin for change in action.changes if change.origin is not None)


class EarlierManifests:
    """The manifests at an earlier commit, by name and by pinned id.

    Args:
        manifests: The manifests.
        options: The choices of the run.
    """

    def __init__(self, manifests: Iterable[Manifest], options: CompareOptions) -> None:
        self._options = options
        self._by_name: dict[str, Manifest] = {}
        self._by_id: dict[int, Manifest] = {}
        for manifest in manifests:
            self._by_name.setdefault(manifest.name, manifest)
            if manifest.settings.id is not None:
                self._by_id.setdefault(manifest.settings.id, manifest)

    def find(self, name: str, live: Live | None = None) -> Manifest | None:
        """Return the manifest of a workflow: by its id, its name in Git, or its live name."""
        found = self._by_name.get(name)
        if live is None:
            return found
        return self._by_id.get(live.id) or found or self._by_name.get(live.name)

    def attributed(
        self, changes: Iterable[FieldChange], live: Live, desired: Desired, facts: PlatformFacts
    ) -> Iterator[FieldChange]:
        """Yield the differences of one workflow with their origins.

        Without a manifest at that commit, it counts as empty there. What was a secret there is masked on the
        live side.

        Args:
            changes: The differences, masked or not.
            live: The live workflow.
            desired: The workflow as its manifest describes it.
            facts: What the platform is known to do.
        """
        manifest, options = self.find(desired.manifest.name, live), self._options
        base = None if manifest is None else _desired(manifest, live, options, facts)
        body = Body({}) if base is None else base.body
        marked = _marked(manifest, base)
        forms = comparable(body, desired.body, facts)
        extra = extra_forms(body.raw, desired.body.raw, desired.manifest.extra)
        in_git = [*_paths(forms.live, forms.desired), *_paths(*extra)]
        if base is None:
            live_forms = comparable(live.body, body, facts)
            in_live = _paths(live_forms.live, live_forms.desired)
        else:
            in_live = [change.path for change in compare(live, base, options, facts).changes]
        for change in changes:
            if change.path[:1] == ("reconcile",):
                yield _pause(change, manifest)
                continue
            git, drifted = (any(_touches(change.path, path) for path in paths) for paths in (in_git, in_live))
            origin = (Origin.CONFLICT if git else Origin.DRIFT) if drifted else Origin.GIT
            yield dataclasses.replace(_masked_before(change, marked), origin=origin)


def _attributed(
    action: Action, earlier: EarlierManifests, options: CompareOptions, facts: PlatformFacts
) -> Action:
    match action:
        case Create():
            return _create(action, earlier.find(action.name))
        case Update():
            changes = tuple(earlier.attributed(action.changes, action.live, action.desired, facts))
            return dataclasses.replace(action, changes=changes)
        case SetPaused():
            manifest = earlier.find(action.name, action.live)
            changes = tuple(_pause(change, manifest) for change in action.changes)
            return dataclasses.replace(action, changes=changes)
        case Delete() | BlockedDelete():
            manifest = earlier.find(action.name, action.live)
            return dataclasses.replace(action, origin=_of_delete(action.live, manifest, options, facts))
        case _:
            return action


def _create(action: Create, manifest: Manifest | None) -> Create:
    """Return a create with its origin: somebody deleted a workflow whose manifest was there before."""
    if manifest is None:
        origin = Origin.GIT
    else:
        same = same_json(Body(manifest.body).form, action.desired.unpacked().body.form)
        origin = Origin.DRIFT if same else Origin.CONFLICT
    changes = PackedChanges(dataclasses.replace(change, origin=origin) for change in action.changes)
    return dataclasses.replace(action, packed_changes=changes, origin=origin)


def _of_delete(
    live: Live, manifest: Manifest | None, options: CompareOptions, facts: PlatformFacts
) -> Origin:
    if manifest is None:
        return Origin.DRIFT
    desired = _desired(manifest, live, options, facts)
    changed = desired is None or compare(live, desired, options, facts).changes
    return Origin.CONFLICT if changed else Origin.GIT


def _marked(manifest: Manifest | None, base: Desired | None) -> SecretFields:
    """Return the fields that came through `!env` at the earlier commit, also from a variable now unset."""
    if manifest is None:
        return SecretFields()
    fields = dataclasses.replace(manifest, sensitive=manifest.sensitive | manifest.source.unset)
    return sensitive_fields(fields, manifest.body if base is None else base.body.raw)


def _masked_before(change: FieldChange, marked: SecretFields) -> FieldChange:
    """Return `change` with the live value masked that was a secret when it was sent."""
    before = change.before if change.before is ABSENT else marked.mask(change.before, change.path)
    return dataclasses.replace(change, before=before)


def _desired(manifest: Manifest, live: Live, options: CompareOptions, facts: PlatformFacts) -> Desired | None:
    """Return what an earlier manifest described; `None` if it no longer fits the live workflow."""
    try:
        return Desired.of(manifest, live, hidden_fields(live, options, facts))
    except ReconcilerError:
        return None


def _paths(before: JsonObject, after: JsonObject) -> list[Path]:
    return [] if same_json(before, after) else [change.path for change in diff(before, after)]


def _touches(path: Path, other: Path) -> bool:
    """Return whether one of two paths leads to the other."""
    depth = min(len(path), len(other))
    if path[:depth] == other[:depth]:
        return True
    lifted = _RETRY_OPTIONS in (path[0], other[0])
    return lifted and _RETRY_OPTIONS in path and _RETRY_OPTIONS in other


def _pause(change: FieldChange, manifest: Manifest | None) -> FieldChange:
    """Return the change of whether a workflow is paused, with its origin."""
    known = None if manifest is None else manifest.settings.paused
    return dataclasses.replace(change, origin=Origin.DRIFT if known is change.after else Origin.GIT)
