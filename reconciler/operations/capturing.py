"""Capture: bring live changes of workflows back into the files of their manifests."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.capture import Capture, TenantView, capture_into_overlay, capture_workflow
from reconciler.errors import BlockedError, ExitCode, ReconcilerError, UsageError, reason_of
from reconciler.files import UnreadableError, write_atomically
from reconciler.manifests import STDIN, ManifestFile, find_files, read_overlays, read_text
from reconciler.operations.engine import open_engine
from reconciler.operations.listener import Listener
from reconciler.operations.name_resolution import with_known_ids
from reconciler.operations.plan_for_tenant import manifests_since
from reconciler.operations.settings import Settings
from reconciler.plan import Create, EarlierManifests, Scope, Selection, Snapshot, make_plan
from reconciler.portable import ids_of, portable_body
from reconciler.secrecy import Redactor
from reconciler.text import printable

BASE: Final = "base"
"""The place of an edit that is for every environment: the manifest below the overlays."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedFile:
    """A file whose text changes.

    Args:
        file: The file.
        before: Its text.
        after: Its new text.
    """

    file: ManifestFile
    before: str = field(repr=False)
    after: str = field(repr=False)

    def write(self) -> None:
        """Write the new text in one step.

        Raises:
            BlockedError: The file has changed meanwhile.
            ReconcilerError: It cannot be written.
        """
        path = self.file.path
        try:
            if read_text(path, self.file.root) != self.before:
                raise BlockedError(
                    f"{printable(str(path))} has changed meanwhile; it was not written",
                    hint="Run capture again.",
                )
            mark = _BYTE_ORDER_MARK if path.read_bytes().startswith(_BYTE_ORDER_MARK) else b""
            write_atomically(path, [mark + self.after.encode("utf-8")])
        except (OSError, UnreadableError) as error:
            reason = reason_of(error) if isinstance(error, OSError) else str(error)
            raise ReconcilerError(f"{printable(str(path))} cannot be written: {reason}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """The result of a capture; nothing is written until `write` is called.

    Args:
        workflows: The workflows that differ, captured or refused.
        files: The files that change.
        redactor: Removes known secrets from text about them.
        missing: Why each manifest without a live workflow may have lost it to a rename, by name; empty for
            no reason.
        base: The commit that differences were attributed by, as it is shown; empty for the last apply.
    """

    workflows: tuple[Capture, ...]
    files: tuple[EditedFile, ...]
    redactor: Redactor
    missing: Mapping[str, str] = field(default_factory=dict)
    base: str = ""

    @property
    def exit_code(self) -> ExitCode:
        """`FAILED` when a difference is not captured, else `OK`."""
        return ExitCode.OK if all(item.is_complete for item in self.workflows) else ExitCode.FAILED

    def write(self) -> None:
        """Write the files.

        Raises:
            ReconcilerError: One has changed meanwhile, or cannot be written.
        """
        for edited in self.files:
            edited.write()


def capture(  # noqa: PLR0913 - the last by name
    settings: Settings,
    names: tuple[str, ...] = (),
    listener: Listener | None = None,
    *,
    everything: bool = False,
    into: str | None = None,
    base: str | None = None,
    plain_text: bool = False,
    unapplied: bool = False,
    unproven: bool = True,
    env: Mapping[str, str] = os.environ,
) -> Captured:
    """Return what the files of manifests would be if Git stated what is live. Sends no request but GET.

    Args:
        settings: The manifests and the tenant.
        names: Names of workflows, or globs over names.
        listener: Receives findings and requests.
        everything: Whether to capture all workflows that have a manifest.
        into: Where changes go in an environment with overlays: `base` for the manifests that all
            environments share, or the file of an overlay; `None` asks the listener.
        base: As for `plan`: what Git changed is separated from what the tenant did by the manifests of an
            earlier commit; `None` for what the last apply shows.
        plain_text: Whether to capture values that a plan masks because they may be secrets.
        unapplied: Whether to capture fields that Git changed and the tenant did not, which undoes that.
        unproven: Whether to capture fields that both changed, or may have.
        env: Variables for `!env`, the address and the credential.

    Raises:
        UsageError: No workflow is named, a manifest is on standard input, or git does not know the base.
        InvalidInputError: A manifest is invalid, or there is no usable token.
        ReconcilerError: Something cannot be read.
    """
    settings.require_manifests()
    if not (names or everything):
        raise UsageError("name the workflows: by NAME or GLOB, or --all for every one that has a manifest")
    if STDIN in settings.paths:
        raise UsageError("standard input has no file to write to: name files or directories")
    scope = Scope(selection=Selection(targets=() if everything else names), whole=settings.whole)
    since = None if base is None else manifests_since(settings, base, listener or Listener(), env)
    with open_engine(
        settings, env, purpose="capture", selection=scope.selection, listener=listener
    ) as engine:
        snapshot = engine.snapshot(scope)
        files = {
            printable(str(file.path)): file
            for file in find_files(settings.paths, settings.reading.excludes)[0]
        }
        view = TenantView(
            options=engine.options,
            facts=snapshot.facts,
            redactor=engine.redactor,
            env=env,
            reading=engine.settings.reading,
            overlays=read_overlays(env, engine.settings.reading, []),
            with_ids=lambda manifest: with_known_ids([manifest], engine.catalogue)[0],
            with_names=lambda body: portable_body(body, engine.catalogue.facts_for_ids(ids_of([body]))),
            base="" if since is None else since.commit,
            earlier=None
            if since is None
            else EarlierManifests(with_known_ids(since.manifests, engine.catalogue), engine.options),
            plain_text=plain_text,
            unapplied=unapplied,
            unproven=unproven,
        )
        result = _captured(view, snapshot, scope, files, _overlay(settings, into))
        if not result.files or into is not None or settings.reading.overlays.is_empty:
            return result
        chosen = _chosen(settings, listener or Listener())
        if chosen == BASE:
            return result
        return _captured(view, snapshot, scope, files, _overlay(settings, chosen))


def _chosen(settings: Settings, listener: Listener) -> str:
    """Return where the listener wants changes to go: `base`, or the file of an overlay.

    Raises:
        UsageError: It does not say.
    """
    overlays = (str(file.path) for file in find_files(settings.reading.overlays.paths)[0])
    chosen = listener.choose("Which file should the changes go into?", (BASE, *overlays))
    if chosen is None:
        raise UsageError(
            "this environment has overlays: the changes belong to every environment, or to an overlay",
            hint=f"Pass --into {BASE} for the shared manifests, or --into FILE for the file of an overlay.",
        )
    return chosen


def _overlay(settings: Settings, into: str | None) -> ManifestFile | None:
    """Return the file of the overlay that changes go into; `None` for the manifests.

    Raises:
        UsageError: It is not one of the environment's.
    """
    if into is None or into == BASE:
        return None
    overlays = settings.reading.overlays
    for file in find_files(overlays.paths)[0]:
        if file.path.resolve() == Path(into).resolve():
            return dataclasses.replace(file, root=overlays.root, text=read_text(file.path, overlays.root))
    raise UsageError(f"--into {printable(into)!r} is neither {BASE} nor an overlay of this environment")


def _captured(
    view: TenantView,
    snapshot: Snapshot,
    scope: Scope,
    files: Mapping[str, ManifestFile],
    overlay: ManifestFile | None,
) -> Captured:
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    edited: dict[str, ManifestFile] = {}
    workflows: list[Capture] = []
    selection = scope.selection.among({manifest.name for manifest, _ in snapshot.matches})
    for manifest, match in snapshot.matches:
        live = snapshot.live.get(getattr(match, "id", 0))
        if live is None or manifest.source.file not in files or not selection.takes(manifest.name):
            continue
        file = files[manifest.source.file]
        target = file if overlay is None else overlay
        name = str(target.path)
        if name not in before:
            edited[name] = target
            before[name] = after[name] = read_text(target.path, target.root)
        current = dataclasses.replace(target, text=after[name])
        if overlay is None:
            found = capture_workflow(manifest, live, current, view)
        else:
            stated = dataclasses.replace(file, text=read_text(file.path, file.root))
            found = capture_into_overlay(manifest, live, stated, current, view)
        after[name] = found.text
        workflows += [found] if found.differs else []
    return Captured(
        workflows=tuple(workflows),
        files=tuple(
            EditedFile(file=edited[name], before=text, after=after[name])
            for name, text in before.items()
            if text != after[name]
        ),
        redactor=view.redactor,
        missing=_missing(view, snapshot, scope),
        base=view.base,
    )


def _missing(view: TenantView, snapshot: Snapshot, scope: Scope) -> dict[str, str]:
    """Return why each manifest of the run without a live workflow may have lost it to a rename, by name."""
    if all(getattr(match, "id", 0) in snapshot.live for _, match in snapshot.matches):
        return {}
    actions = make_plan(snapshot, view.options, scope).actions
    return {action.name: "; ".join(action.warnings) for action in actions if isinstance(action, Create)}
