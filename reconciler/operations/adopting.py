"""Adopt: write manifests for live workflows that have none, tag these as owned, and check the plan.

Nothing but the ownership tag changes on the tenant: a plan that would change more is not applied.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.client import Workflow
from reconciler.errors import ExitCode, InvalidInputError, ReconcilerError, UsageError
from reconciler.export import ExportResult, SecretHandling
from reconciler.files import UnreadableError, place_files, read_bounded, remove
from reconciler.findings import Severity
from reconciler.manifests import SUFFIXES, Manifest, WorkflowManifest
from reconciler.operations.apply_and_reconcile import ApplyOptions, apply_planned
from reconciler.operations.engine import Engine, open_engine, open_session
from reconciler.operations.export_workflows import ExportedWorkflows, chosen_workflows, export_live
from reconciler.operations.listener import Listener
from reconciler.operations.plan_for_tenant import Planned
from reconciler.operations.run_recording import Recording, recording
from reconciler.operations.settings import Settings
from reconciler.plan import (
    Action,
    Blocked,
    Found,
    Scope,
    Selection,
    Unchanged,
    Update,
    describe_all,
    list_tenant,
    match_manifests,
    names_matching,
    unmatched,
)
from reconciler.rules import load_checked
from reconciler.secrecy import Redactor
from reconciler.text import counted, first_few, printable
from reconciler.values import display_paths
from reconciler.workflow import Listed, Live

_EMPTY_DIRECTORY: Final = frozenset({"no-manifests", "no-such-path"})
"""The errors of a directory without manifests, which adoption is about to fill."""

_EXAMPLE: Final = "example.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptOptions:
    """What is adopted, and where its manifests go.

    Args:
        names: Names of workflows, or globs over names; without any, all that no manifest describes.
        exclude: Globs over the names of workflows to leave out.
        directory: The directory for the manifests; `None` for the first that the configuration names.
        secrets: What is written for secrets.
        example: The text of an example manifest, which is removed if its file is unchanged.
        dry_run: Whether only to find out what would be adopted.
    """

    names: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    directory: Path | None = None
    secrets: SecretHandling = SecretHandling.NAMES
    example: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A workflow that is not adopted, or not to the end.

    Args:
        name: Its name.
        id: Its id.
        reason: Why, and what to do.
        failed: Whether it was to be adopted.
    """

    name: str
    id: int
    reason: str
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """The result of an adoption.

    Args:
        exported: The adopted workflows with their manifests.
        files: The files of the manifests; empty in a dry run.
        left_out: The workflows that are not adopted, or not to the end.
        untagged: The names of those that have a manifest already, but not the ownership tag.
        owner: The ownership tag that they carry now; `None` for none.
        redactor: Removes known secrets from text about them.
        exit_code: The documented exit code of this result.
    """

    exported: tuple[ExportResult, ...] = ()
    files: tuple[Path, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    untagged: tuple[str, ...] = ()
    owner: str | None = None
    redactor: Redactor = field(default_factory=Redactor)
    exit_code: ExitCode = ExitCode.OK


def adopt(
    settings: Settings,
    options: AdoptOptions | None = None,
    applying: ApplyOptions | None = None,
    listener: Listener | None = None,
    *,
    env: Mapping[str, str] = os.environ,
) -> Adopted:
    """Write manifests for live workflows that no manifest describes, and make this repository their owner.

    The manifests are written first; then the plan that adds the ownership tag is shown, confirmed and
    applied, and a last plan must be empty.

    Args:
        settings: The manifests, the tenant and the ownership tag.
        options: What is adopted.
        applying: How the plan is applied.
        listener: Receives the names of the files and the plan, confirms it, and receives progress.
        env: Variables for `!env`, the address and the credential.

    Raises:
        UsageError: No directory for the manifests is known, manifests are not read from it, or the
            environment adds to names.
        InvalidInputError: A manifest is invalid, or there is no usable token; nothing was written.
        ReconcilerError: A name matches no workflow, the plan was not confirmed, or as the client.
    """
    settings.require_manifests()
    names = settings.reading.overlays
    if names.prefix or names.suffix:
        raise UsageError(
            "this environment adds to the names of workflows, so no manifest has the name of a live one",
            hint="Adopt without names: in reconciler.yaml, and add that key afterwards.",
        )
    options, listener = options or AdoptOptions(), listener or Listener()
    applying = applying or ApplyOptions()
    if not options.dry_run:
        settings.require_named_environment()
    directory = _directory(settings, options.directory)
    with recording(applying.run_record, listener=listener) as record:
        found = _find(settings, options, directory, listener, record, env)
        result = found
        waiting = _waiting(found, env)
        if waiting:
            listener.warning(_not_tagged_until_set(waiting))
        if found.exported and not options.dry_run:
            found = dataclasses.replace(found, files=_write(found, directory, options.example, listener))
            try:
                result = _tag(settings, found, waiting, applying, listener, record, env)
            except ReconcilerError:
                listener.note(_written(len(found.files), settings.owner))
                raise
        unfinished = any(item.failed for item in result.left_out) or (result.untagged and not result.exported)
        failed = result.exit_code is ExitCode.OK and unfinished
        result = dataclasses.replace(result, exit_code=ExitCode.FAILED) if failed else result
        record.exit_code = result.exit_code
        return result


def _written(number: int, owner: str | None) -> str:
    """Return what an adoption leaves that ends between the manifests and the ownership tag."""
    what, whose, them = (
        ("1 manifest is", "its workflow", "it")
        if number == 1
        else (f"{number} manifests are", "their workflows", "them")
    )
    todo = f"to own {whose}, run apply; " if owner else ""
    return f"note: {what} written; {todo}to undo that, delete {them}"


def _directory(settings: Settings, stated: Path | None) -> Path:
    """Return the directory for the manifests, one that the manifests of later runs are read from.

    Raises:
        UsageError: There is none, or it is not one.
    """
    folders = [Path(path) for path in settings.paths if path != "-" and not path.lower().endswith(SUFFIXES)]
    if stated is None:
        if not folders:
            raise UsageError(
                "no directory for the manifests: the configuration names only files",
                hint="Name a directory under manifests in reconciler.yaml.",
            )
        return folders[0]
    if not any(stated.resolve().is_relative_to(folder.resolve()) for folder in folders):
        raise UsageError(
            f"the manifests are not read from {printable(str(stated))}: its manifests would have no effect",
            hint="Name that directory under manifests in reconciler.yaml.",
        )
    return stated


def _find(  # noqa: PLR0913, PLR0917 - one call
    settings: Settings,
    options: AdoptOptions,
    directory: Path,
    listener: Listener,
    record: Recording,
    env: Mapping[str, str],
) -> Adopted:
    manifests = _manifests(settings, options, directory, listener, env)
    with open_session(settings, env, purpose="adopt", listener=listener, observe=record.observe) as session:
        reader = Workflow(session.as_read_only())
        listed = list_tenant(reader)
        free = unmatched(match_manifests(manifests, listed), listed)
        described = [item for item in listed if item not in free]
        chosen = chosen_workflows(listed, options.names) if options.names else list(free)
        excluded = _excluded(options.exclude, listed)
        chosen = [item for item in chosen if item.name not in excluded]
        untagged = _untagged(settings, options.names, reader, manifests, listed, excluded)
        live = describe_all(reader, [item.id for item in chosen if item in free], settings.concurrency)
        reasons = {item.id: _reason(item, settings.owner, options.names) for item in live.values()}
        exported = export_live(
            session,
            settings,
            env,
            listed,
            [item for item in live.values() if not reasons[item.id]],
            options.secrets,
        )
        left_out = [
            *_with_manifest((item for item in chosen if item in described), manifests),
            *(
                LeftOut(
                    name=item.name, id=item.id, reason=reasons[item.id], failed=item.name in options.names
                )
                for item in live.values()
                if reasons[item.id]
            ),
            *(
                LeftOut(name=item.live.name, id=item.live.id, reason="; ".join(item.problems), failed=True)
                for item in exported
                if item.problems
            ),
        ]
        adopted = tuple(item for item in exported if not item.problems)
        secrets = frozenset[str]().union(*(item.secrets for item in exported))
        return Adopted(
            exported=adopted,
            left_out=tuple(sorted(left_out, key=lambda item: (item.name, item.id))),
            untagged=untagged,
            owner=settings.owner,
            redactor=session.redactor().joined(Redactor.of(secrets)),
        )


def _untagged(  # noqa: PLR0913, PLR0917 - one call
    settings: Settings,
    names: Collection[str],
    reader: Workflow,
    manifests: Iterable[Manifest],
    listed: Iterable[Listed],
    excluded: Collection[str],
) -> tuple[str, ...]:
    """Return the names of the workflows that nobody owns and whose manifest is to own them; none if named."""
    if settings.owner is None or names:
        return ()
    matched = {
        match.id
        for manifest, match in match_manifests(manifests, listed)
        if isinstance(match, Found) and isinstance(manifest, WorkflowManifest)
    }
    asked = [item for item in listed if item.id in matched and item.name not in excluded]
    unlisted = [item.id for item in asked if item.ownership is None]
    live = describe_all(reader, unlisted, settings.concurrency)
    owned = {item.id: item.ownership or live[item.id].ownership for item in asked}
    return tuple(sorted(item.name for item in asked if not owned[item.id].owners))


def _manifests(
    settings: Settings,
    options: AdoptOptions,
    directory: Path,
    listener: Listener,
    env: Mapping[str, str],
) -> list[Manifest]:
    """Return the manifests that there are, without an unchanged example.

    Raises:
        InvalidInputError: One is invalid.
    """
    loaded = load_checked(
        settings.paths,
        env,
        settings.reading,
        off=settings.off,
        needs=lambda manifest: ("name",) in manifest.source.unset,
    )
    redactor = Redactor.of(loaded.secrets)
    broken = 0
    for finding in loaded.findings:
        if finding.severity is Severity.ERROR and finding.rule not in _EMPTY_DIRECTORY:
            listener.finding(finding, redactor)
            broken += 1
    if broken:
        raise InvalidInputError("the manifests are invalid; nothing was written")
    example = directory / _EXAMPLE if _is_example(directory, options.example) else None
    return [
        manifest for manifest in loaded.manifests if example is None or Path(manifest.source.file) != example
    ]


def _is_example(directory: Path, example: str) -> bool:
    try:
        return bool(example) and read_bounded(directory / _EXAMPLE, 100_000) == example.encode()
    except UnreadableError:
        return False


def _excluded(globs: Iterable[str], listed: Iterable[Listed]) -> set[str]:
    names = {item.name for item in listed}
    return {name for glob in globs for name in names_matching(glob, names)}


def _reason(live: Live, owner: str | None, names: Iterable[str]) -> str:
    """Return why a live workflow is not adopted; empty when it is."""
    owner = None if owner is None else owner.casefold()
    others = live.ownership.others(owner)
    if others:
        hint = "" if owner else "; if that is you, pass --ownership-tag"
        return f"it is owned by {' and '.join(others)}{hint}"
    if live.name in names:
        return ""
    if owner in live.ownership.owners:
        return f"it is orphaned: {owner} owns it, and its manifest is gone; name it to adopt it again"
    if live.deployment:
        return (
            f"a Press deployment owns it ({live.deployment}), which would undo your changes; "
            "name it to adopt it all the same"
        )
    return ""


def _with_manifest(described: Iterable[Listed], manifests: Iterable[Manifest]) -> Iterable[LeftOut]:
    places = {
        name: manifest.source for manifest in manifests for name in (manifest.name, manifest.wanted_name)
    }
    for item in described:
        where = f"{places[item.name]} describes it" if item.name in places else "a manifest describes it"
        yield LeftOut(name=item.name, id=item.id, reason=f"{where}; to add the ownership tag, run apply")


def _write(found: Adopted, directory: Path, example: str, listener: Listener) -> tuple[Path, ...]:
    exported = ExportedWorkflows(workflows=found.exported, redactor=found.redactor)
    taken = {path.name for path in directory.iterdir()} if directory.is_dir() else set[str]()
    replaced = _is_example(directory, example)
    files = exported.files(taken - {_EXAMPLE} if replaced else taken)
    if replaced:
        remove(directory / _EXAMPLE)
        listener.note(printable(f"removed {directory / _EXAMPLE}, the unchanged example of init"))
    paths = tuple(place_files(directory, files, hint="Nothing was changed on the tenant."))
    for path in paths:
        listener.note(printable(f"wrote {path}"))
    return paths


def _tag(  # noqa: PLR0913, PLR0917 - one call
    settings: Settings,
    found: Adopted,
    waiting: Mapping[int, tuple[str, ...]],
    applying: ApplyOptions,
    listener: Listener,
    record: Recording,
    env: Mapping[str, str],
) -> Adopted:
    """Add the ownership tag to the adopted workflows, and check that a plan of them is empty.

    Those that are `waiting` for variables are left out.
    """
    names = tuple(sorted(item.live.name for item in found.exported if item.live.id not in waiting))
    left_out = (
        *found.left_out,
        *(
            LeftOut(
                name=item.live.name,
                id=item.live.id,
                reason=f"its manifest needs variables that are not set: set {first_few(unset)}, "
                "then run apply",
                failed=True,
            )
            for item in found.exported
            if (unset := waiting.get(item.live.id))
        ),
    )
    if not names:
        return dataclasses.replace(found, left_out=left_out)
    selection = Selection(targets=names).among(names)
    scope = Scope(selection=selection, safety=settings.safety, whole=settings.whole)
    with open_engine(
        settings, env, purpose="adopt", selection=selection, listener=listener, observe=record.observe
    ) as engine:
        record.opened(engine)
        code = _apply_tags(engine, scope, applying, listener, record)
        ids = {item.live.name: item.live.id for item in found.exported}
        unfinished = [
            LeftOut(name=action.name, id=ids[action.name], reason=_difference(action), failed=True)
            for action in engine.plan(scope).actions
            if not isinstance(action, Unchanged)
        ]
        return dataclasses.replace(found, left_out=(*left_out, *unfinished), exit_code=code)


def _apply_tags(
    engine: Engine, scope: Scope, applying: ApplyOptions, listener: Listener, record: Recording
) -> ExitCode:
    plan = engine.plan(scope)
    tags = tuple(action for action in plan.actions if _changes_only_tags(action))
    if not tags:
        return ExitCode.OK
    planned = Planned(plan=dataclasses.replace(plan, actions=tags), engine=engine, scope=scope)
    listener.planned(planned)
    return apply_planned(planned, applying, listener, record).exit_code


def _waiting(found: Adopted, env: Mapping[str, str]) -> dict[int, tuple[str, ...]]:
    """Return the variables that are not set and that a manifest needs, by the id of its workflow."""
    needed = {
        item.live.id: sorted({variable.name for variable in item.variables if not env.get(variable.name)})
        for item in found.exported
    }
    return {identity: tuple(names) for identity, names in needed.items() if names}


def _not_tagged_until_set(waiting: Mapping[int, tuple[str, ...]]) -> str:
    """Return the warning of workflows that are not tagged, because of the variables that they wait for."""
    names = sorted({name for unset in waiting.values() for name in unset})
    return (
        f"{counted(len(waiting), 'workflow')} {'is' if len(waiting) == 1 else 'are'} not tagged until "
        f"{counted(len(names), 'variable')} {'is' if len(names) == 1 else 'are'} set: {first_few(names)}"
    )


def _changes_only_tags(action: Action) -> bool:
    return (
        isinstance(action, Update)
        and not (action.changes or action.renames or action.rotates_webhook)
        and action.paused is None
    )


def _difference(action: Action) -> str:
    if isinstance(action, Blocked):
        return action.reason
    paths = [change.path for change in getattr(action, "changes", ())]
    if not paths:
        return "it does not have the ownership tag; run apply"
    return f"a plan changes more than the ownership tag: {display_paths(paths)}; review it with plan"
