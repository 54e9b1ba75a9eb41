"""What is to be done about one live workflow that a manifest means."""

from __future__ import annotations

from reconciler.manifests import Manifest, PatchManifest
from reconciler.manifests.manifest import WhenRunning
from reconciler.plan.bodies import choose_method, desired_body, has_webhook, replaced_unknown_keys, sent_body
from reconciler.plan.comparing import Comparison, Tenancy, compare, unseen_note
from reconciler.plan.ignoring import Pattern, read_patterns, with_live_values
from reconciler.plan.live import LiveWorkflow
from reconciler.plan.masking import masked, paused_change, sensitive_fields
from reconciler.plan.model import (
    Action,
    Blocked,
    Method,
    SetPaused,
    Unchanged,
    Update,
)
from reconciler.plan.owning import owned_by_others, ownership_after, ownership_notes
from reconciler.secrecy import is_mask
from reconciler.values import JsonObject, as_list, as_object, display_path
from reconciler.workflow.patching import sendable_body
from reconciler.workflow.sent_digests import Digester, SentDigests, write_only_field


class Difference:
    """A manifest and the live workflow that it means, compared.

    Args:
        manifest: What Git wants.
        live: What the tenant has.
        default_resource: The tenant's default resource; empty where it cannot matter.
        tenancy: What holds for all workflows of the run.

    Raises:
        InvalidParameterException: A patch names a step that the live workflow does not have.
        UnexpectedAnswerError: The live workflow has a shape that cannot be sent back.
    """

    def __init__(
        self, manifest: Manifest, live: LiveWorkflow, default_resource: JsonObject, tenancy: Tenancy
    ) -> None:
        self._manifest = manifest
        self._live = live
        self._default_resource = default_resource
        self._tenancy = tenancy
        self._desired, ignored = wanted_of(manifest, live)
        self._sensitive = sensitive_fields(manifest, self._desired)
        self._marks = ownership_after(manifest, live.marks, tenancy)
        self._comparison: Comparison = compare(
            live=live.body,
            desired=self._desired,
            name=live.name,
            tenancy=tenancy,
            default_resource=default_resource,
            ignored=ignored,
            owns_all=not isinstance(manifest, PatchManifest),
        )

    def action(self) -> Action:
        """Return what is to be done."""
        others = owned_by_others(self._manifest, self._live.marks, self._tenancy.owner)
        if others:
            return Blocked(manifest=self._manifest, reason=others, id=self._live.id)
        settings = self._manifest.settings
        changes = bool(self._comparison.changes) or self._marks != self._live.marks
        paused = settings.paused if settings.paused not in {None, self._live.paused} else None
        if not changes and paused is None:
            return Unchanged(manifest=self._manifest, live=self._live, notes=self._notes())
        if not changes and paused is not None:
            return SetPaused(
                manifest=self._manifest,
                live=self._live,
                paused=paused,
                changes=paused_change(before=self._live.paused, after=paused),
                notes=self._notes(),
            )
        reason = self._refusal()
        if reason:
            return Blocked(manifest=self._manifest, reason=reason, id=self._live.id)
        return self._update(paused)

    def _refusal(self) -> str:
        if self._live.running and self._manifest.settings.when_running is WhenRunning.SKIP:
            return "it is running, and reconcile.whenRunning is skip; run again when it has ended"
        lost = self._lost_credentials()
        if lost and isinstance(self._manifest, PatchManifest):
            return (
                f"the platform masks {lost[0]}, and any update would remove it, because the API replaces "
                "workflows whole; state it in the patch as well"
            )
        return ""

    def _update(self, paused: bool | None) -> Update:
        live, desired, changes = self._live.body, self._desired, self._comparison.changes
        method, reason = Method.PATCH, "a patch manifest owns only what it states"
        if not isinstance(self._manifest, PatchManifest):
            method, reason = choose_method(live, desired, changes, self._default_resource)
        rotates = _asks_to_generate(desired) and bool(self._live.webhooks)
        along = self._comparison.sent_along
        shown = [*changes, *along, *paused_change(before=self._live.paused, after=paused)]
        return Update(
            manifest=self._manifest,
            sensitive=self._sensitive,
            live=self._live,
            desired=desired,
            body=sent_body(method, desired, live, self._memory(), self._marks),
            method=method,
            reason=reason if changes else "only tags of the reconciler's own change",
            changes=tuple(masked(change, self._sensitive) for change in shown),
            marks=self._marks,
            paused=paused,
            rotates_webhook=rotates,
            warnings=self._warnings(method, rotates=rotates),
            notes=ownership_notes(self._live.marks, self._marks),
        )

    def _memory(self) -> SentDigests:
        """What will have to be remembered: what was not told so far, or is of a kind that is not told."""
        if not self._tenancy.remember:
            return SentDigests()
        old, known = Digester(self._tenancy.key, self._live.name), SentDigests.of(self._live.body)
        fields = [
            (path, value)
            for path, value in self._comparison.untold
            if old.remembers(known, path) or write_only_field(path) in self._tenancy.untold
        ]
        return Digester(self._tenancy.key, self._manifest.wanted_name).memory(fields)

    def _notes(self) -> tuple[str, ...]:
        unseen = self._comparison.unseen
        return (unseen_note(unseen),) if unseen else ()

    def _warnings(self, method: Method, *, rotates: bool) -> tuple[str, ...]:
        warnings = []
        if rotates:
            warnings.append(
                "webhookPolicy: generate gives the webhook a new URL; whoever calls the old one fails"
            )
        elif self._live.webhooks and not has_webhook(self._desired):
            warnings.append("the webhook goes away; whoever calls its URL fails")
        if method is Method.CREATE_OR_UPDATE:
            unknown = replaced_unknown_keys(self._live.body, self._desired)
            if unknown:
                warnings.append(
                    f"a full replacement drops fields that are not documented: {', '.join(unknown)}"
                )
        lost = self._lost_credentials()
        if lost:
            warnings.append(
                f"the live workflow has {', '.join(lost)}, which the manifest leaves out; this removes it"
            )
        if self._comparison.sent_along:
            paths = ", ".join(display_path(change.path) for change in self._comparison.sent_along)
            warnings.append(f"the live value of {paths} is not told; whatever it is, Git's takes its place")
        if self._comparison.foreign:
            warnings.append(
                "what was remembered of this workflow was keyed with another RECONCILER_REMEMBER_KEY, "
                "or under another name; what the platform does not tell is sent again"
            )
        return tuple(warnings)

    def _lost_credentials(self) -> list[str]:
        """The tokens that show as masked on the live side, and are not in the body that Git wants."""
        wanted = as_object(self._desired.get("steps"))
        return [
            display_path(("steps", name, "repository", "token"))
            for name, step in as_object(self._live.body.get("steps")).items()
            if (token := as_object(as_object(step).get("repository")).get("token"))
            and is_mask(token)
            and name in wanted
            and as_object(as_object(wanted[name]).get("repository")).get("token") is None
        ]


def wanted_of(manifest: Manifest, live: LiveWorkflow) -> tuple[JsonObject, tuple[Pattern, ...]]:
    """Return the body that Git wants, with ignored fields at their live value, and what is ignored.

    Raises:
        InvalidParameterException: A patch names a step that the live workflow does not have.
        UnexpectedAnswerError: The live workflow has a shape that cannot be sent back.
    """
    desired = desired_body(manifest, live.body)
    ignored = read_patterns(manifest.settings.ignore, desired)
    return with_live_values(desired, sendable_body(live.body), ignored), ignored


def _asks_to_generate(body: JsonObject) -> bool:
    return any(
        as_object(trigger).get("webhookPolicy") == "generate" for trigger in as_list(body.get("triggers"))
    )
