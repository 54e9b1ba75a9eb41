"""One live workflow to the text of a manifest, read back and compared with the workflow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Final

from reconciler.errors import ReconcilerError
from reconciler.export.body import manifest_body, undocumented_triggers
from reconciler.export.fitting import fitting
from reconciler.export.hidden_fields import Told, find_out
from reconciler.export.variables import Variable, VariableNames, find_variables
from reconciler.findings import Finding, Severity
from reconciler.manifests import WorkflowManifest
from reconciler.manifests.files import ManifestFile
from reconciler.manifests.one_file import read_file
from reconciler.manifests.writing import manifest_text
from reconciler.plan import DefaultResource, LiveWorkflow, Tenancy
from reconciler.plan.bodies import replaced_unknown_keys
from reconciler.plan.comparing import compare
from reconciler.plan.deciding import wanted_of
from reconciler.rules import check_manifest
from reconciler.secrecy import Redactor
from reconciler.values import JsonObject, Path, as_object, display_path, lookup
from reconciler.workflow.sent_digests import WriteOnlyField

_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What came of exporting a workflow.

    Args:
        live: The workflow.
        text: The manifest, one YAML document; empty when there is none for such a workflow.
        variables: The variables that stand in the place of its secrets.
        notes: What whoever keeps the manifest should know.
        problems: What the manifest cannot say, so that it does not plan clean.
        secrets: The secrets that the platform tells, so that nothing repeats them.
    """

    live: LiveWorkflow
    text: str = field(repr=False)
    variables: tuple[Variable, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


class Exporter:
    """Exports the workflows of one tenant.

    Args:
        tenancy: The key of what is remembered, and what the tenant is seen to tell.
        default_resource: Asked only where a step states resources.
        redactor: Knows the secrets of the run.
    """

    def __init__(self, tenancy: Tenancy, default_resource: DefaultResource, redactor: Redactor) -> None:
        self._tenancy = tenancy
        self._default_resource = default_resource
        self._redactor = redactor
        self._names = VariableNames()

    def export(self, live: LiveWorkflow, *, pinned: bool = False) -> Exported:
        """Return the manifest of a live workflow; nothing is raised for what it is.

        Args:
            live: The workflow.
            pinned: Whether the manifest names its id, because others have the same name.
        """
        default = self._default_of(live)
        told = find_out(live, self._tenancy)
        lift = WriteOnlyField.STEP_RETRY not in told.from_memory
        bodies = [manifest_body(told.body, default, lift=lift)]
        if WriteOnlyField.RETRY in told.from_memory:
            bodies.append(manifest_body(told.body, default, lift=lift, defaults_inherit=True))
        try:
            results = [self._manifest(live, told, body, pinned=pinned) for body in bodies]
        except ReconcilerError as error:
            return Exported(live=live, text="", problems=(error.message,))
        return next((result for result in results if not result.problems), results[0])

    def _manifest(self, live: LiveWorkflow, told: Told, whole: JsonObject, *, pinned: bool) -> Exported:
        body, left_out = fitting(whole)
        variables = find_variables(body, told.hidden, self._redactor, self._names, f"WORKFLOW_{live.id}")
        document = _document(live, body, [*told.lost, *left_out], pinned=pinned)
        notes = [*_notes(live, told, body), *(_kept(path, why) for path, why in left_out.items())]
        return self._proved(live, document, variables, notes)

    def _proved(
        self, live: LiveWorkflow, document: JsonObject, variables: tuple[Variable, ...], notes: list[str]
    ) -> Exported:
        """Write `document`, read it back, and see that it is valid and that nothing differs from `live`."""
        body = document["body"]
        values = {variable.name: str(lookup(body, variable.path)) for variable in variables}
        secrets = frozenset(values[variable.name] for variable in variables if variable.told)
        redactor = self._redactor.joined(Redactor.of(secrets))
        notes = [redactor.text(note) for note in notes]
        places = {("body", *variable.path): variable.name for variable in variables}
        text = manifest_text(document, places, _comment(variables, notes))
        reading = _read(text, values)
        broken = reading.broken_rules
        if broken:
            text = _with_switches(text, broken)
            reading = _read(text, values)
            notes += [f"{found.message} [{found.rule}, switched off on its line]" for found in broken]
        problems = [*reading.problems, *(found.message for found in reading.broken_rules)]
        if reading.manifest is not None:
            hidden = {variable.path for variable in variables if not variable.told}
            problems += self._differences(live, reading.manifest, hidden)
        return Exported(
            live=live,
            text="" if reading.manifest is None or reading.broken_rules else text,
            variables=variables,
            notes=tuple(notes),
            problems=tuple(problems),
            secrets=secrets,
        )

    def _default_of(self, live: LiveWorkflow) -> JsonObject:
        steps = as_object(live.body.get("steps")).values()
        return self._default_resource() if any(as_object(step).get("resources") for step in steps) else {}

    def _differences(
        self, live: LiveWorkflow, manifest: WorkflowManifest, hidden: set[Path]
    ) -> Iterator[str]:
        """Yield what a plan would find, but for secrets whose value nobody here knows."""
        desired, ignored = wanted_of(manifest, live)
        comparison = compare(
            live=live.body,
            desired=desired,
            name=live.name,
            tenancy=self._tenancy,
            default_resource=self._default_of(live),
            ignored=ignored,
            owns_all=True,
        )
        for change in comparison.changes:
            if change.path not in hidden:
                yield f"{display_path(change.path)} cannot be written as it is; a plan will show a difference"


def _document(live: LiveWorkflow, body: JsonObject, ignored: Iterable[Path], *, pinned: bool) -> JsonObject:
    settings: JsonObject = {
        "id": live.id if pinned else None,
        "ignore": [display_path(path) for path in ignored],
        "prevent_delete": live.marks.protected,
        "paused": live.paused,
    }
    settings = {key: value for key, value in settings.items() if value}
    return {**({"reconcile": settings} if settings else {}), "body": body}


def _kept(path: Path, why: str) -> str:
    return f"{display_path(path)} is not written, and stays as it is by reconcile.ignore: {why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """A written manifest as it is read back: `None` with the problems, or with the rules that it breaks."""

    manifest: WorkflowManifest | None
    problems: tuple[str, ...] = ()
    broken_rules: tuple[Finding, ...] = ()


def _read(text: str, values: dict[str, str]) -> _Reading:
    file = ManifestFile(FilePath("export.yaml"), FilePath(), text)
    content = read_file(file, values, require_env=True)
    problems = [found.message for found in content.findings if _is_error(found)]
    manifests = [found for found in content.manifests if isinstance(found, WorkflowManifest)]
    if problems or len(manifests) != 1:
        return _Reading(manifest=None, problems=tuple(problems))
    return _Reading(
        manifest=manifests[0], broken_rules=tuple(filter(_is_error, check_manifest(manifests[0])))
    )


def _is_error(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR


def _with_switches(text: str, findings: Iterable[Finding]) -> str:
    """Return `text` with a comment on the line of each finding that switches its rule off there."""
    rules: dict[int, set[str]] = {}
    for finding in findings:
        if finding.position is not None:
            rules.setdefault(finding.position.line, set()).add(finding.rule)
    lines = text.splitlines()
    for number, names in rules.items():
        lines[number - 1] += f"  # reconciler: ignore[{', '.join(sorted(names))}]"
    return "\n".join(lines) + "\n"


def _comment(variables: tuple[Variable, ...], notes: list[str]) -> Iterator[str]:
    if variables:
        yield "Variables for its secrets:"
        yield from (f"  {variable.name}: {display_path(variable.path)}" for variable in variables)
    yield from (f"Note: {note}" for note in notes)


def _notes(live: LiveWorkflow, told: Told, body: JsonObject) -> Iterator[str]:
    if told.lost:
        yield (
            f"the platform does not tell {_some(told.lost)}, and remembers a digest only: write it in and "
            "take it out of reconcile.ignore, or the next update removes it"
        )
    if told.uncertain:
        yield (
            f"the platform does not tell whether there is {_some(told.uncertain)}: if there is, write it in, "
            "or the next update removes it"
        )
    if told.foreign:
        yield "what is remembered of it was keyed with another RECONCILER_REMEMBER_KEY, and tells nothing"
    unknown = replaced_unknown_keys(live.body, body)
    if unknown:
        yield (
            f"{_listed(unknown)} is not documented, and so in no manifest: a patch keeps it, a full "
            "replacement does not"
        )
    if undocumented_triggers(live.body):
        yield "it has a trigger of a kind that is not documented, which a manifest cannot state"
    for owner in sorted(live.marks.owners):
        yield f"it is owned by {owner}: plan it with --ownership-tag {owner}"


def _some(paths: Iterable[Path]) -> str:
    return _listed([display_path(path) for path in paths])


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")
