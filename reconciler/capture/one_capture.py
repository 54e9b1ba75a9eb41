"""Capture of one workflow: the edited text of its manifest's file, which is read back and compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from reconciler.capture.live_values import NotCapturableError, captured_documents
from reconciler.errors import ReconcilerError
from reconciler.findings import Severity
from reconciler.manifests import (
    Manifest,
    ManifestFile,
    NotEditableError,
    Overlays,
    PatchManifest,
    ReadOptions,
    edited_text,
    read_file,
)
from reconciler.plan import (
    HIDDEN,
    CompareOptions,
    Desired,
    EarlierManifests,
    PlatformFacts,
    changes_with_known_origins,
    compare,
    hidden_fields,
    masked_live_texts,
    sensitive_fields,
)
from reconciler.rules import check_manifest
from reconciler.secrecy import Redactor, SecretFields, is_credential_name, is_masked, why_secret
from reconciler.text import first_few, printable
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

T = TypeVar("T")
_PAUSED: Final[Path] = ("reconcile", "paused")
_INCLUDE: Final = "pass --include-unapplied"


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
        into_overlay: Whether a file of theirs is edited, rather than the manifest.
        with_ids: Returns a manifest with ids in place of names.
        with_names: Returns a body with names in place of ids.
        base: The earlier commit that differences are attributed by, as it is shown; empty for the last apply.
        earlier: The manifests of that commit; `None` for the last apply.
        plain_text: Whether values may be captured that a plan masks because they may be secrets.
        unapplied: Whether fields are captured that Git changed, and the tenant did not.
        unproven: Whether fields are captured that both changed, or may have changed.
    """

    options: CompareOptions
    facts: PlatformFacts
    redactor: Redactor
    env: Mapping[str, str] = field(repr=False)
    reading: ReadOptions
    overlays: Overlays | None = None
    into_overlay: bool = False
    with_ids: Callable[[Manifest], Manifest] = _as_it_is
    with_names: Callable[[JsonObject], JsonObject] = _as_it_is
    base: str = ""
    earlier: EarlierManifests | None = None
    plain_text: bool = False
    unapplied: bool = False
    unproven: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """How a live workflow differs from its manifest, and what becomes of each difference.

    Args:
        captured: What is captured, with the values as they are.
        doubtful: The fields among them that Git changed as well, or may have.
        left: Why each other field is left as it is.
    """

    captured: tuple[FieldChange, ...] = ()
    doubtful: tuple[Path, ...] = ()
    left: Mapping[Path, str] = field(default_factory=dict)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The fields that are captured."""
        return tuple(change.path for change in self.captured)

    def leaving(self, reasons: Mapping[Path, str]) -> Differences:
        """Return the same where more fields are left as they are, each for a reason."""
        return Differences(
            captured=tuple(change for change in self.captured if change.path not in reasons),
            doubtful=tuple(path for path in self.doubtful if path not in reasons),
            left={**self.left, **reasons},
        )

    def remain_in(self, changes: Iterable[FieldChange]) -> bool:
        """Whether `changes`, those after a capture, are what was to stay, and no other."""
        return {change.path for change in changes} == set(self.left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """What capturing a workflow comes to.

    Args:
        manifest: The manifest.
        live: The live workflow.
        text: The new text of the file that is edited; the old one if nothing is captured.
        differences: What is captured, and what is left.
        refusal: Why nothing of it can be captured, with the place; empty if it can.
    """

    manifest: Manifest
    live: Live
    text: str = field(repr=False)
    differences: Differences
    refusal: str = ""

    @property
    def differs(self) -> bool:
        """Whether there is any difference."""
        return bool(self.differences.captured or self.differences.left or self.refusal)

    @property
    def is_complete(self) -> bool:
        """Whether all that differs is captured."""
        return not (self.refusal or self.differences.left)


def capture_workflow(manifest: Manifest, live: Live, file: ManifestFile, view: TenantView) -> Capture:
    """Return the text of a manifest's file in which it states what is live; a refusal where it cannot.

    Args:
        manifest: The manifest, as the plan knows it.
        live: The live workflow that it matches.
        file: Its file, with the text to edit.
        view: How manifests are read and compared.
    """

    def edited(differences: Differences) -> str:
        index = manifest.source.document.index
        _, known = read_back(file, index, view)
        written, _ = read_back(file, index, dataclasses.replace(view, overlays=None))
        if written is None or (view.overlays is None and not _is_same(written, manifest)):
            raise NotCapturableError(
                f"{manifest.source}: not all of its values are written in this file; edit where they "
                "are, or run apply to restore them"
            )
        return _edited(written, live, differences, file, view, known)

    return captured_as_far_as_possible(manifest, live, file.text or "", view, edited)


def captured_as_far_as_possible(
    manifest: Manifest,
    live: Live,
    text: str,
    view: TenantView,
    edited: Callable[[Differences], str],
) -> Capture:
    """Return a capture in which a field that cannot be edited is left, and the others are captured.

    Args:
        manifest: The manifest, as the plan knows it.
        live: The live workflow that it matches.
        text: The text of the file that is edited.
        view: How manifests are read and compared.
        edited: Returns the text in which the captured differences are written.
    """
    differences = Differences()
    try:
        differences = differences_of(manifest, live, view)
        while differences.captured:
            try:
                text = edited(differences)
                break
            except NotEditableError as error:
                refused = {
                    change.path: error.reason
                    for change in differences.captured
                    if error.path is not None and _is_near(_document_path(manifest, change.path), error.path)
                }
                if not refused:
                    raise
                differences = differences.leaving(refused)
    except ReconcilerError as error:
        kept = dataclasses.replace(differences, captured=(), doubtful=())
        refusal = printable(error.message)
        return Capture(manifest=manifest, live=live, text=text, differences=kept, refusal=refusal)
    return Capture(manifest=manifest, live=live, text=text, differences=differences)


def differences_of(manifest: Manifest, live: Live, view: TenantView) -> Differences:
    """Return how a live workflow differs from its manifest, and what of it is to be captured."""
    desired = _desired(manifest, live, view)
    changes = live_changes(manifest, live, view)
    if view.earlier is not None:
        known = tuple(view.earlier.attributed(changes, live, desired, view.facts))
    else:
        known = changes_with_known_origins(changes, live, desired, view.options)
    was_applied = view.options.remember and desired.owns_all and bool(live.body.own_tags.sent_manifests)
    secrets = sensitive_fields(manifest, manifest.body)
    left: dict[Path, str] = {}
    doubtful: list[Path] = []
    for change, attributed in zip(changes, known, strict=True):
        unknown = view.earlier is None and was_applied and attributed.origin is None
        is_sensitive = secrets.contains(change.path)
        why = secret_problem(change, view) or _masked_by_base(
            change, attributed, view, is_sensitive=is_sensitive
        )
        if attributed.origin is Origin.GIT and not view.unapplied:
            left[change.path] = _changed_in_git(view)
        elif (unknown or attributed.origin is Origin.CONFLICT) and not (view.unproven or view.unapplied):
            left[change.path] = _changed_by_both(view)
        elif why or (place := _overlay_place(manifest, change.path, view)):
            left[change.path] = why or f"{place}: an overlay states the value; edit it there"
        elif unknown or attributed.origin is Origin.CONFLICT:
            doubtful.append(change.path)
    return Differences(captured=changes, doubtful=tuple(doubtful)).leaving(left)


def _changed_in_git(view: TenantView) -> str:
    since = view.base or "the last apply"
    return f"Git changed it since {since}, the tenant did not; run apply, or {_INCLUDE} to undo it in Git"


def _changed_by_both(view: TenantView) -> str:
    if view.base:
        return f"Git changed it as well since {view.base}; leave out --yes to decide, or {_INCLUDE}"
    return (
        "the last apply does not show whether Git or the tenant changed it; leave out --yes to decide, "
        f"pass --base REV, or {_INCLUDE}"
    )


def _masked_by_base(
    change: FieldChange, attributed: FieldChange, view: TenantView, *, is_sensitive: bool
) -> str:
    """Return why a live value that was a secret at the earlier commit is not written; empty for another.

    It is empty, too, where the manifest still has a secret: its place says where that comes from.
    """
    before, seen = change.before, attributed.before
    if view.plain_text or is_sensitive or before is ABSENT or seen is ABSENT or same_json(before, seen):
        return ""
    return (
        f"it was a secret at {view.base} (plan --base masks it); write it as !env NAME, or pass --plain-text"
    )


def _document_path(manifest: Manifest, path: Path) -> Path:
    """Return the path in the manifest's document of a field."""
    if path[:1] == _PAUSED[:1]:
        return path
    inside = ("body",) if isinstance(manifest, PatchManifest) else ()
    return (*manifest.source.base, *inside, *path)


def _is_near(path: Path, written: Path) -> bool:
    """Return whether a field is at or below a written value, or that at or below the field.

    A list has names in the one path and numbers in the other: any number is taken for any name.
    """
    return all(
        one == other or isinstance(one, int) or isinstance(other, int)
        for one, other in zip(path, written, strict=False)
    )


def live_changes(manifest: Manifest, live: Live, view: TenantView) -> tuple[FieldChange, ...]:
    """Return how a live workflow differs from its manifest, with the values as they are."""
    changes = compare(live, _desired(manifest, live, view), view.options, view.facts).changes
    return (*changes, *_paused_change(manifest, live))


def _paused_change(manifest: Manifest, live: Live) -> tuple[FieldChange, ...]:
    """Return the difference in whether the workflow is paused, where the manifest says."""
    stated = manifest.settings.paused
    return (
        ()
        if stated in {None, live.paused}
        else (FieldChange(path=_PAUSED, before=live.paused, after=stated),)
    )


def _desired(manifest: Manifest, live: Live, view: TenantView) -> Desired:
    return Desired.of(manifest, live, hidden_fields(live, view.options, view.facts))


def _overlay_place(manifest: Manifest, path: Path, view: TenantView) -> str:
    """Return where an overlay states the field at `path`, or a part of it; empty where none does.

    It is empty, too, where an overlay is edited.
    """
    if view.into_overlay:
        return ""
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

    fields = [change for change in differences.captured if change.path != _PAUSED]
    documents = captured_documents(
        manifest, live, fields, resource, named, with_paused=_PAUSED in differences.paths
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
    paths = {change.path for change in left} - set(differences.left)
    if paths:
        return f"{display_paths(paths)} cannot be stated in this {file}"
    return (
        f"the other live changes cannot be written without {display_paths(differences.left)}; edit this "
        f"{file} by hand"
    )


def secret_problem(change: FieldChange, view: TenantView) -> str:
    """Return why the live value of a difference must not be written into a file; empty if it may."""
    if change.before is ABSENT:
        return ""
    if change.before == HIDDEN:
        return "the API does not return the live value"
    hidden = frozenset(() if view.plain_text else masked_live_texts(change, SecretFields()))
    for path, text in texts(change.before):
        whole = (*change.path, *path)
        value = "the live value" if whole == change.path else f"the live value of {display_path(whole)}"
        if is_masked(whole, text):
            return f"the platform masks {value}"
        if is_credential_name(whole, text, view.redactor):
            continue
        why = why_secret(whole, text, SecretFields(), view.redactor)
        if why:
            return f"{value} is {why}; write it as !env NAME"
        if whole in hidden:
            return f"{value} may be a secret (plan masks it); write it as !env NAME, or pass --plain-text"
    return ""
