"""Capture of one workflow: the edited text of its manifest's file, which is read back and compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

from reconciler.capture.live_values import NotCapturableError, captured_documents
from reconciler.errors import ReconcilerError
from reconciler.findings import Severity
from reconciler.manifests import Manifest, ManifestFile, Overlays, ReadOptions, edited_text, read_file
from reconciler.plan import (
    HIDDEN,
    CompareOptions,
    Desired,
    PlatformFacts,
    changes_with_known_origins,
    compare,
    hidden_fields,
    masked_live_texts,
)
from reconciler.rules import check_manifest
from reconciler.secrecy import Redactor, SecretFields, is_credential_name, is_masked, why_secret
from reconciler.text import first_few
from reconciler.value_classes import dataclass, field
from reconciler.values import (
    ABSENT,
    JsonObject,
    Path,
    as_object,
    display_path,
    display_paths,
    same_json,
    texts,
)
from reconciler.workflow import FieldChange, Live, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """What capturing a workflow comes to.

    Args:
        manifest: The manifest.
        live: The live workflow.
        text: The new text of the manifest's file; the old one if nothing is captured.
        paths: The fields that are captured; empty for none.
        unapplied: The fields that Git changed since the last apply and the tenant did not; left as they are.
        unproven: The fields that both may have changed since: captured, or left like `unapplied`.
        unproven_stays: Whether they are left.
        refusal: Why the workflow cannot be captured, with the place; empty if it can.
    """

    manifest: Manifest
    live: Live
    text: str = field(repr=False)
    paths: tuple[Path, ...] = ()
    unapplied: tuple[Path, ...] = ()
    unproven: tuple[Path, ...] = ()
    unproven_stays: bool = False
    refusal: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether all that differs is captured."""
        return not (self.refusal or self.unapplied or (self.unproven and self.unproven_stays))


T = TypeVar("T")
_PAUSED: Final[Path] = ("reconcile", "paused")


def _as_it_is(value: T) -> T:
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantView:
    """How manifests are read and compared.

    Args:
        options: The choices of the run.
        facts: What the platform is known to do.
        redactor: Knows the secrets of the run.
        env: The variables for `!env`.
        reading: How manifests are read.
        overlays: What the environment lays over them; `None` for nothing.
        with_ids: Returns a manifest with ids in place of names.
        with_names: Returns a body with names in place of ids.
        plain_text: Whether values may be captured that a plan masks because they may be secrets.
        unapplied: Whether fields are captured that Git changed since the last apply.
        unproven: Whether fields are captured that Git may have changed since.
    """

    options: CompareOptions
    facts: PlatformFacts
    redactor: Redactor
    env: Mapping[str, str] = field(repr=False)
    reading: ReadOptions
    overlays: Overlays | None = None
    with_ids: Callable[[Manifest], Manifest] = _as_it_is
    with_names: Callable[[JsonObject], JsonObject] = _as_it_is
    plain_text: bool = False
    unapplied: bool = False
    unproven: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """How a live workflow differs from its manifest, with the values as they are.

    Args:
        captured: What is to be captured.
        was_applied: Whether the live workflow has a digest of the last apply, which leaves out `paused`.
        unapplied: What stays, because Git changed it since the last apply and the tenant did not.
        unproven: The fields that the last apply sent and that both may have changed since.
        unproven_stays: Whether these stay, too.
    """

    captured: tuple[FieldChange, ...]
    was_applied: bool
    unapplied: tuple[Path, ...] = ()
    unproven: tuple[Path, ...] = ()
    unproven_stays: bool = False

    @property
    def staying(self) -> tuple[Path, ...]:
        """The fields that are left as they are."""
        return (*self.unapplied, *(self.unproven if self.unproven_stays else ()))

    def remain_in(self, changes: Iterable[FieldChange]) -> bool:
        """Whether `changes`, those after a capture, are what was to stay, and no other."""
        return {change.path for change in changes} == set(self.staying)


def capture_workflow(manifest: Manifest, live: Live, file: ManifestFile, view: TenantView) -> Capture:
    """Return the text of a manifest's file in which it states what is live; a refusal where it cannot.

    Args:
        manifest: The manifest, as the plan knows it.
        live: The live workflow that it matches.
        file: Its file, with the text to edit.
        view: How manifests are read and compared.
    """
    text = file.text or ""
    nothing = Capture(manifest=manifest, live=live, text=text)
    try:
        differences = differences_of(manifest, live, view)
        changes = differences.captured
        nothing = left_by(nothing, differences)
        paused_differs = manifest.settings.paused not in {None, live.paused}
        paused: tuple[Path, ...] = (_PAUSED,) if paused_differs else ()
        unproven = (*differences.unproven, *(paused if differences.was_applied else ()))
        nothing = dataclasses.replace(nothing, unproven=unproven if differences.unproven_stays else ())
        pauses = paused_differs and not (differences.was_applied and differences.unproven_stays)
        if not changes and not pauses:
            return nothing
        index = manifest.source.document.index
        _, known = read_back(file, index, view)
        written, _ = read_back(file, index, dataclasses.replace(view, overlays=None))
        if written is None or (view.overlays is None and not _is_same(written, manifest)):
            raise NotCapturableError(
                f"{manifest.source}: not all of its values are written in this file; edit where they "
                "are, or run apply to restore them"
            )
        overlaid = [place for change in changes if (place := _overlay_place(manifest, change.path))]
        if overlaid:
            raise NotCapturableError(f"{first_few(overlaid)}: an overlay states the value; edit it there")
        refusals = [why for change in changes if (why := secret_problem(change, view))]
        if refusals:
            raise NotCapturableError(f"{manifest.source}: {'; '.join(refusals)}")
        edited = _edited(written, live, differences, file, view, known, with_paused=pauses)
    except ReconcilerError as error:
        return dataclasses.replace(nothing, refusal=error.message)
    return dataclasses.replace(
        nothing,
        text=edited,
        paths=(*(change.path for change in changes), *(paused if pauses else ())),
        unproven=unproven,
    )


def left_by(nothing: Capture, differences: Differences) -> Capture:
    """Return a capture with what is left as it is."""
    return dataclasses.replace(
        nothing,
        unapplied=differences.unapplied,
        unproven=differences.unproven if differences.unproven_stays else (),
        unproven_stays=differences.unproven_stays,
    )


def differences_of(manifest: Manifest, live: Live, view: TenantView) -> Differences:
    """Return how a live workflow differs from its manifest, and what of it is to be captured."""
    desired = _desired(manifest, live, view)
    changes = compare(live, desired, view.options, view.facts).changes
    known = changes_with_known_origins(changes, live, desired, view.options)
    unapplied = [change.path for change in known if change.origin is Origin.GIT and not view.unapplied]
    unknown = [change.path for change in known if change.origin is None]
    was_applied = view.options.remember and desired.owns_all and bool(live.body.own_tags.sent_manifests)
    unproven = tuple(unknown) if was_applied else ()
    stays = not (view.unproven or view.unapplied)
    left = {*unapplied, *(unproven if stays else ())}
    return Differences(
        captured=tuple(change for change in changes if change.path not in left),
        was_applied=was_applied,
        unapplied=tuple(unapplied),
        unproven=unproven,
        unproven_stays=stays,
    )


def live_changes(manifest: Manifest, live: Live, view: TenantView) -> tuple[FieldChange, ...]:
    """Return how a live workflow differs from its manifest, with the values as they are."""
    return compare(live, _desired(manifest, live, view), view.options, view.facts).changes


def _desired(manifest: Manifest, live: Live, view: TenantView) -> Desired:
    return Desired.of(manifest, live, hidden_fields(live, view.options, view.facts))


def _overlay_place(manifest: Manifest, path: Path) -> str:
    """Return where an overlay states the field at `path`, or a part of it; empty where none does."""
    document = manifest.source.document
    whole = (*manifest.source.base, *path)
    lists = {(*manifest.source.base, key) for key in ("tags", "triggers", "watchers")}
    for stated in document.overlaid:
        near = min(len(stated), len(whole))
        in_list = any(stated[: len(key)] == key == whole[: len(key)] for key in lists)
        if in_list or stated[:near] == whole[:near]:
            return document.place(stated)
    return ""


def _is_same(one: Manifest, other: Manifest) -> bool:
    return same_json(one.body, other.body) and same_json(
        one.source.document.value, other.source.document.value
    )


def _edited(  # noqa: PLR0913, PLR0917 - one call
    manifest: Manifest,
    live: Live,
    differences: Differences,
    file: ManifestFile,
    view: TenantView,
    known: frozenset[str],
    *,
    with_paused: bool,
) -> str:
    """Return the edited text, of which a plan has no difference but those that are to stay.

    It has no errors but those that are `known`.

    Raises:
        ReconcilerError: There is none.
    """
    stated = any(step.resources for step in live.body.steps.values())
    resource = view.facts.default_resource.resources if stated else {}
    problem = ""

    def named() -> JsonObject:
        return as_object(view.with_names(live.body.raw).get("steps"))

    documents = captured_documents(
        manifest, live, differences.captured, resource, named, with_paused=with_paused
    )
    for document in documents:
        text = edited_text(manifest.source.document, file.text or "", document)
        edited = dataclasses.replace(file, text=text)
        found, errors = read_back(edited, manifest.source.document.index, view)
        if found is None or errors - known:
            listed = first_few(sorted(errors - known))
            problem = problem or f"the live values are not valid in a manifest: {listed}"
            continue
        left = live_changes(found, live, view)
        if differences.remain_in(left):
            return text
        problem = not_stated(left, differences, "manifest")
    raise NotCapturableError(f"{manifest.source}: {problem}")


def read_back(file: ManifestFile, index: int, view: TenantView) -> tuple[Manifest | None, frozenset[str]]:
    """Return the manifest in the document `index` of a file, and the errors in it."""
    content = read_file(file, view.env, view.reading, overlays=view.overlays)
    found = next((item for item in content.manifests if item.source.document.index == index), None)
    findings = [*content.summary.findings, *(check_manifest(found) if found else ())]
    found = None if found is None else view.with_ids(found)
    return found, frozenset(item.message for item in findings if item.severity is Severity.ERROR)


def not_stated(left: Iterable[FieldChange], differences: Differences, file: str) -> str:
    """Return what is wrong with a capture after which `left` differs in a manifest or an overlay, `file`."""
    paths = {change.path for change in left} - set(differences.unapplied)
    if paths:
        return f"{display_paths(paths)} cannot be stated in this {file}"
    return (
        f"the live change cannot be separated from {display_paths(differences.unapplied)}, which Git changed "
        "since the last apply; run apply, or pass --include-unapplied to undo that"
    )


def secret_problem(change: FieldChange, view: TenantView) -> str:
    """Return why the live value of a difference must not be written into a file; empty if it may."""
    if change.before is ABSENT:
        return ""
    where = display_path(change.path)
    if change.before == HIDDEN:
        return f"the API does not return {where}"
    hidden = frozenset(() if view.plain_text else masked_live_texts(change, SecretFields()))
    for path, text in texts(change.before):
        whole = (*change.path, *path)
        if is_masked(whole, text):
            return f"the platform masks {display_path(whole)}"
        if is_credential_name(whole, text, view.redactor):
            continue
        value = f"the live value of {display_path(whole)}"
        why = why_secret(whole, text, SecretFields(), view.redactor)
        if why:
            return f"{value} is {why}; write it as !env NAME"
        if whole in hidden:
            return f"{value} may be a secret (plan masks it); write it as !env NAME, or pass --plain-text"
    return ""
