"""Decision about one workflow: the action that makes it match its manifest. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Final, NamedTuple

from reconciler.errors import ReconcilerError
from reconciler.manifests import Manifest, PatchManifest, WhenRunning
from reconciler.plan.bodies import Method, choose_method, sent_body
from reconciler.plan.compare_options import CompareOptions
from reconciler.plan.comparing import Comparison, compare, rewrites_note, unseen_note
from reconciler.plan.desired import Desired, is_ignored
from reconciler.plan.masked_changes import masked, reads_back, sensitive_fields
from reconciler.plan.model import PAUSED_PATH, Action, Blocked, Create, SetPaused, Unchanged, Update
from reconciler.plan.platform_facts import PlatformFacts, hidden_fields
from reconciler.secrecy import SecretFields
from reconciler.values import (
    ABSENT,
    Absent,
    JsonObject,
    Packed,
    Path,
    display_path,
    display_paths,
    leaves,
    lookup,
)
from reconciler.workflow import (
    NOT_RETURNED,
    Digester,
    FieldChange,
    Live,
    Ownership,
    PackedBody,
    PackedChanges,
    Rewrite,
    SentDigests,
    extra_values,
    gone_fields,
    hoisted_form,
    kept_fields,
    lost_fields,
    owner_tag,
    tokens_left_out,
    write_only_field,
    write_only_fields,
)

_NO_ROTATION: Final = (
    "webhookPolicy: generate has no effect without another change of the workflow; with the next one, the "
    "webhook gets a new URL"
)


class Decision(NamedTuple):
    """An action, and whether it depends on what the platform is known to do."""

    action: Action
    needs_facts: bool = True


def decide(desired: Desired, live: Live, options: CompareOptions, facts: PlatformFacts) -> Action:
    """Return the action for a workflow that a manifest matches.

    Args:
        desired: The workflow as its manifest describes it.
        live: The live workflow.
        options: The choices of the run.
        facts: What the platform is known to do.

    Raises:
        UnexpectedAnswerError: The live workflow has a shape that cannot be sent back.
        ReconcilerError: The default resource is needed, and the platform refused to return it.
    """
    return _decision(desired, live, options, facts).action


def decide_match(manifest: Manifest, live: Live, options: CompareOptions, facts: PlatformFacts) -> Decision:
    """Return the decision about a workflow that `manifest` matches: blocked, if the two cannot be compared.

    Takes what `decide` does.

    Raises:
        ReconcilerError: The default resource is needed, and the platform refused to return it.
    """
    try:
        desired = Desired.as_packed(manifest)
        if desired is None:
            desired = Desired.of(manifest, live, hidden_fields(live, options, facts))
        return _decision(desired, live, options, facts)
    except ReconcilerError as error:
        if error is facts.default_resource.refusal:
            raise
        return Decision(action=Blocked(manifest=manifest, reason=error.message, id=live.id))


def _decision(desired: Desired, live: Live, options: CompareOptions, facts: PlatformFacts) -> Decision:
    manifest = desired.manifest
    others = owned_by_others(manifest, live.ownership, options.owner)
    if others:
        return Decision(action=Blocked(manifest=manifest, reason=others, id=live.id))
    same = _is_certainly_same(desired, live, options)
    fresh = live.unpacked() if live.body.is_packed and not same else live
    action = _decided(desired if same else desired.unpacked(), fresh, options, facts, is_same=same)
    if fresh is not live and isinstance(action, Update | SetPaused):
        action = dataclasses.replace(action, live=live)
    return Decision(action=action, needs_facts=not (same and isinstance(action, Unchanged)))


def _is_certainly_same(desired: Desired, live: Live, options: CompareOptions) -> bool:
    """Return whether nothing differs, whatever the platform is known to do.

    `False` where the platform hides more than credentials, or where the forms of a packed workflow are to be
    computed.
    """
    if not desired.is_fixed or desired.manifest.extra:
        return False
    if live.body.own_tags.digests:
        return _hides_only_what_was_sent(desired, live, options)
    return live.body.is_known_to_equal(desired.body) or live.body.takes_form_of(desired.body)


def _hides_only_what_was_sent(desired: Desired, live: Live, options: CompareOptions) -> bool:
    """Return whether a workflow shows all but the credentials, and each is the one that was sent last."""
    stated = desired.body.stated
    if options.resend or not options.remember or not isinstance(stated, PackedBody) or live.body.is_packed:
        return False
    digester = Digester.of(options.key, live.name)
    return (
        live.body.digest == stated.shown_digest
        and digester.digests(stated.credentials) == live.body.own_tags.digests
    )


def _decided(
    desired: Desired, live: Live, options: CompareOptions, facts: PlatformFacts, *, is_same: bool
) -> Action:
    manifest = desired.manifest
    ownership = ownership_after(manifest, live.ownership, options)
    if is_same and ownership == live.ownership:
        comparison = Comparison(changes=())
    else:
        comparison = compare(live, desired.unpacked(), options, facts)
    paused = manifest.settings.paused if manifest.settings.paused not in {None, live.paused} else None
    if comparison.changes or ownership != live.ownership:
        desired = desired.unpacked()
        reason = _refusal(desired, live, options)
        if reason:
            return Blocked(manifest=manifest, reason=reason, id=live.id)
        return _update(desired, live, comparison, ownership, paused, options, facts)
    stuck = tuple(rewrite for rewrite in comparison.rewrites if not rewrite.converges)
    if stuck:
        sensitive = sensitive_fields(manifest, desired.body.raw)
        return Blocked(manifest=manifest, reason=not_converging(stuck, sensitive), id=live.id)
    notes = _notes(comparison)
    if live.webhooks and desired.body.generates_webhook:
        notes = (*notes, _NO_ROTATION)
    if paused is None:
        return Unchanged(manifest=manifest, id=live.id, notes=notes)
    changes = _paused_change(before=live.paused, after=paused)
    return SetPaused(manifest=manifest, live=live, paused=paused, changes=changes, notes=notes)


def not_converging(rewrites: Iterable[Rewrite], sensitive: SecretFields) -> str:
    """Return why a workflow is not written again, and what to do.

    Args:
        rewrites: The fields that do not become what was sent.
        sensitive: The secret fields.
    """
    clauses = reads_back([rewrite.change for rewrite in rewrites], sensitive)
    return (
        f"it is not converging: after two writes, {'; '.join(clauses)}; "
        "it is not written again until this changes, in Git or live"
    )


def _notes(comparison: Comparison) -> tuple[str, ...]:
    unseen = (unseen_note(comparison.unseen),) if comparison.unseen else ()
    return (*unseen, rewrites_note(comparison.rewrites)) if comparison.rewrites else unseen


def decide_create(manifest: Manifest, options: CompareOptions, facts: PlatformFacts) -> Create:
    """Return the action for a manifest without a live workflow."""
    desired = Desired.of(manifest)
    sensitive = sensitive_fields(manifest, desired.body.raw)
    form = hoisted_form(desired.body)
    ownership = ownership_after(manifest, Ownership(), options)
    paused = manifest.settings.paused is True
    stated = [*leaves(form), *extra_values(desired.body.raw, manifest.extra)]
    fields = [
        FieldChange(path=path, before=ABSENT, after=value)
        for path, value in sorted(stated, key=lambda field: str(field[0]))
    ]
    changes = [*fields, *_paused_change(before=ABSENT, after=paused)] if paused else fields
    return Create(
        manifest=manifest,
        sensitive=sensitive,
        desired=desired.packed(),
        packed_body=Packed.of(created_body(desired, ownership, options, facts)),
        packed_changes=PackedChanges(masked(change, sensitive) for change in changes),
        ownership=ownership,
        pause=paused,
    )


def created_body(
    desired: Desired, ownership: Ownership, options: CompareOptions, facts: PlatformFacts
) -> JsonObject:
    """Return the exact body of a create, with the digests that it will need.

    The digests are a guess from what is known of the platform; what reading back shows is what counts.
    """
    digests = SentDigests()
    if options.remember:
        form = hoisted_form(desired.body)
        stated = [*leaves(form), *((path, None) for path in tokens_left_out(form))]
        fields = [(path, value) for path, value in stated if write_only_field(path) in facts.not_returned]
        digests = Digester.of(options.key, desired.name).digests(fields)
    return sent_body(Method.CREATE_OR_UPDATE, desired.body, None, digests, ownership)


def _refusal(desired: Desired, live: Live, options: CompareOptions) -> str:
    if live.running and desired.manifest.settings.when_running is WhenRunning.SKIP:
        return "it is running, and reconcile.whenRunning is skip; apply again after the execution has ended"
    kept = [path for path in live.body.masks_lost_in(desired.body.raw) if _is_left_to_others(path, desired)]
    hidden = [] if desired.owns_all else _sent_and_hidden(desired, live, options)
    if hidden:
        return (
            f"{display_paths(hidden)} was sent before and is not returned, and any update would remove it, "
            "because the API replaces workflows whole; state it in the patch as well"
        )
    if not kept:
        return ""
    where = "the body" if desired.owns_all else "the patch"
    return (
        f"the platform masks {display_paths(kept)}, and any update would remove it, "
        f"because the API replaces workflows whole; state it in {where} as well"
    )


def _sent_and_hidden(desired: Desired, live: Live, options: CompareOptions) -> list[Path]:
    """Return the fields that digests know to be there, and that neither the API nor a patch states."""
    sent = live.body.own_tags.digests if options.remember else SentDigests()
    if not sent:
        return []
    digester, form = Digester.of(options.key, live.name), hoisted_form(desired.body)
    known = [
        path
        for path in write_only_fields(form)
        if digester.knows(sent, path)
        and not digester.agrees(sent, path, None)
        and lookup(form, path) is ABSENT
    ]
    gone = gone_fields(digester, sent, live.hoisted_form, form)
    return [*known, *(path for path in gone if path != NOT_RETURNED)]


def _is_left_to_others(path: Path, desired: Desired) -> bool:
    """Return whether the manifest does not own the field at `path`."""
    return not desired.owns_all or is_ignored(path, desired.ignored)


def _update(  # noqa: PLR0913, PLR0917 - the whole of what was found out
    desired: Desired,
    live: Live,
    comparison: Comparison,
    ownership: Ownership,
    paused: bool | None,
    options: CompareOptions,
    facts: PlatformFacts,
) -> Update:
    manifest, changes = desired.manifest, comparison.changes
    sensitive = sensitive_fields(manifest, desired.body.raw)
    method, reason, patched = Method.PATCH, "a patch manifest owns only what it states", None
    if desired.owns_all:
        method, reason, patched = choose_method(live.body, desired.body, changes, facts)
    digests = _digests_after(desired, live, comparison, options, facts)
    body = sent_body(method, desired.body, live.body, digests, ownership, patched=patched)
    shown = [*changes, *comparison.sent_along, *_paused_change(before=live.paused, after=paused)]
    rotates = desired.body.generates_webhook and bool(live.webhooks)
    kept = tuple(kept_fields(body, live.body.sendable, live.body.undocumented))
    return Update(
        manifest=manifest,
        sensitive=sensitive,
        live=live,
        desired=desired,
        packed_body=Packed.of(body),
        method=method,
        reason=reason if changes else "only tags of the reconciler's own change",
        changes=tuple(masked(change, sensitive) for change in shown),
        ownership=ownership,
        paused=paused,
        rotates_webhook=rotates,
        warnings=_warnings(desired, live, comparison, body, rotates=rotates),
        notes=(*ownership_notes(live.ownership, ownership), *_kept_note(kept)),
        kept=kept,
    )


def _digests_after(
    desired: Desired, live: Live, comparison: Comparison, options: CompareOptions, facts: PlatformFacts
) -> SentDigests:
    """Return the digests to keep: of fields that have one, or whose kind the platform does not return."""
    if not options.remember:
        return SentDigests()
    before, sent = Digester.of(options.key, live.name), live.body.own_tags.digests
    fields = [
        (path, value)
        for path, value in comparison.write_only
        if before.knows(sent, path) or write_only_field(path) in facts.not_returned
    ]
    known = (rewrite.digested for rewrite in comparison.rewrites)
    return Digester.of(options.key, desired.name).digests([*fields, *known])


def _warnings(
    desired: Desired, live: Live, comparison: Comparison, body: JsonObject, *, rotates: bool
) -> tuple[str, ...]:
    warnings = []
    if rotates:
        warnings.append("webhookPolicy: generate gives the webhook a new URL; calls to the old one will fail")
    elif live.webhooks and not desired.body.has_webhook:
        warnings.append("its webhook is removed; calls to its URL will fail")
    unknown = lost_fields(body, live.body.sendable, live.body.undocumented)
    if unknown:
        warnings.append(f"this drops fields that are not documented: {display_paths(unknown)}")
    lost = live.body.masks_lost_in(desired.body.raw)
    if lost:
        warnings.append(
            f"the live workflow has {display_paths(lost)}, which the manifest leaves out; this removes it"
        )
    if comparison.sent_along:
        paths = ", ".join(display_path(change.path) for change in comparison.sent_along)
        warnings.append(f"the API does not return the live value of {paths}; the value in Git replaces it")
    if comparison.foreign:
        warnings.append(
            "its sent digests were made with another RECONCILER_REMEMBER_KEY "
            "or under another name; its write-only fields are sent again"
        )
    return tuple(warnings)


def _kept_note(kept: tuple[Path, ...]) -> tuple[str, ...]:
    """Return the note of a plan about undocumented fields that an update sends back."""
    if not kept:
        return ()
    paths = display_paths(kept)
    return (f"{paths} is not documented: it is sent back as it is, or left out if the API refuses it",)


def owned_by_others(manifest: Manifest, live: Ownership, owner: str | None) -> str:
    """Return why a workflow that others own is not touched, and what to do; empty when it may be.

    A patch manifest may: it is about a workflow that somebody else has.

    Args:
        manifest: The manifest that matches the workflow.
        live: Who owns it.
        owner: The owner of this run; `None` when nobody is named.
    """
    others = live.others(owner)
    if not others or isinstance(manifest, PatchManifest):
        return ""
    names = " and ".join(others)
    if owner is None:
        return f"it is owned by {names}, and this run names no owner; if that is you, pass --ownership-tag"
    return f"it is owned by {names} (its tag {owner_tag(others[0])}), not by {owner}, and is never taken over"


def ownership_after(manifest: Manifest, live: Ownership, options: CompareOptions) -> Ownership:
    """Return the ownership of a workflow after this run.

    Protection stays once it is there, also when its line in the manifest goes: only `--allow-protected`
    lifts it. A patch manifest leaves all of it alone.

    Args:
        manifest: The manifest that matches the workflow.
        live: Who owns it now; nobody for a workflow that does not exist yet.
        options: The owner of this run, and the workflows whose protection is lifted.
    """
    if isinstance(manifest, PatchManifest):
        return live
    owners = live.owners if options.owner is None else frozenset({options.owner})
    kept = live.protected and manifest.name not in options.allow_protected
    return Ownership(owners=owners, protected=manifest.settings.prevent_delete or kept)


def ownership_notes(live: Ownership, after: Ownership) -> tuple[str, ...]:
    """Return the notes of a plan about an ownership that changes."""
    notes = [f"it becomes owned by {owner}" for owner in sorted(after.owners - live.owners)]
    if after.protected and not live.protected:
        notes.append("it becomes protected (prevent_delete): pruning never deletes it")
    if live.protected and not after.protected:
        notes.append("its protection from being deleted is lifted (--allow-protected)")
    return tuple(notes)


def _paused_change(*, before: bool | Absent, after: bool | None) -> tuple[FieldChange, ...]:
    """Return the change of whether a workflow is paused; empty when the manifest does not state it."""
    return () if after is None else (FieldChange(path=PAUSED_PATH, before=before, after=after),)
