"""Export of a live workflow as a manifest, which is read back and compared with the workflow."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from reconciler.errors import ReconcilerError
from reconciler.export.manifest_body import (
    has_undocumented_trigger,
    manifest_body,
    without_invalid_fields,
    without_secrets,
)
from reconciler.export.recovering import Recovered, recover_fields
from reconciler.export.variables import (
    SecretHandling,
    Variable,
    VariableNames,
    credential_names,
    secret_variables,
)
from reconciler.findings import Finding, Severity
from reconciler.manifests import ManifestFile, WorkflowManifest, manifest_text, read_file
from reconciler.plan import (
    CompareOptions,
    Desired,
    PlatformFacts,
    compare,
)
from reconciler.portable import CatalogueFacts, portable_body, resolve_manifest
from reconciler.rules import check_manifest
from reconciler.secrecy import Redactor
from reconciler.text import first_few
from reconciler.values import JsonObject, JsonValue, Path, as_object, display_path, lookup
from reconciler.workflow import Live, WriteOnlyField, lost_fields


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportResult:
    """A live workflow with its manifest.

    Args:
        live: The workflow.
        text: The manifest, one YAML document; empty when there is none for such a workflow.
        variables: The variables in place of its secrets.
        credential_names: The secret fields that are written as they are: they hold names of credentials.
        notes: Remarks for the reader of the manifest.
        problems: Differences that a plan of the manifest will show, or why there is no manifest.
        secrets: Its secrets that the platform returns, to be removed from every output.
    """

    live: Live
    text: str = field(repr=False)
    variables: tuple[Variable, ...] = ()
    credential_names: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


class Exporter:
    """Exporter of the workflows of one tenant.

    Args:
        options: The key of the sent digests.
        facts: What the platform is known to do.
        redactor: Knows the secrets of the run.
        secrets: What is written for secrets.
        catalogue: The names that are written in place of ids; `None` to write ids.
    """

    def __init__(
        self,
        options: CompareOptions,
        facts: PlatformFacts,
        redactor: Redactor,
        secrets: SecretHandling = SecretHandling.NAMES,
        catalogue: CatalogueFacts | None = None,
    ) -> None:
        self._options = options
        self._facts = facts
        self._redactor = redactor
        self._secrets = secrets
        self._catalogue = catalogue
        self._names = VariableNames()

    def export(self, live: Live, *, pinned: bool = False) -> ExportResult:
        """Return a live workflow with its manifest; a workflow that has none becomes a problem, not an error.

        Args:
            live: The workflow.
            pinned: Whether the manifest states its id, because other workflows have the same name.
        """
        default = self._default_of(live)
        recovered = recover_fields(live, self._options, self._facts)
        hoist = WriteOnlyField.STEP_RETRY not in recovered.from_digests
        bodies = [manifest_body(recovered.body, default, hoist=hoist)]
        if WriteOnlyField.RETRY in recovered.from_digests:
            bodies.append(manifest_body(recovered.body, default, hoist=hoist, defaults_inherit=True))
        try:
            results = [self._manifest(live, recovered, body, pinned=pinned) for body in bodies]
        except ReconcilerError as error:
            return ExportResult(live=live, text="", problems=(error.message,))
        return next((result for result in results if not result.problems), results[0])

    def _manifest(self, live: Live, recovered: Recovered, whole: JsonObject, *, pinned: bool) -> ExportResult:
        ignored: dict[Path, str] = {}
        if self._secrets is SecretHandling.IGNORE:
            found = self._variables(live, recovered, whole)
            whole, ignored = without_secrets(whole, {variable.path: variable.why for variable in found})
        body, invalid = without_invalid_fields(whole)
        left_out = {**invalid, **ignored}
        named: tuple[Path, ...] = ()
        variables = self._variables(live, recovered, body)
        if self._secrets is SecretHandling.NAMES:
            named = credential_names(body, self._redactor)
            variables = tuple(variable for variable in variables if variable.path not in named)
        document = _document(live, body, [*recovered.lost, *left_out], pinned=pinned)
        notes = [
            *_notes(live, recovered, body, self._options.owner),
            *(_kept(path, why) for path, why in left_out.items()),
        ]
        result = self._checked(live, document, variables, notes)
        return dataclasses.replace(result, credential_names=named)

    def _variables(self, live: Live, recovered: Recovered, body: JsonObject) -> tuple[Variable, ...]:
        return secret_variables(body, recovered.hidden, self._redactor, self._names, f"WORKFLOW_{live.id}")

    def _checked(
        self, live: Live, document: JsonObject, variables: tuple[Variable, ...], notes: list[str]
    ) -> ExportResult:
        """Return `document` as text, read back: it is valid, and a plan of it finds no change in `live`."""
        body = document["body"]
        values = {variable.name: str(lookup(body, variable.path)) for variable in variables}
        secrets = frozenset(values[variable.name] for variable in variables if variable.returned)
        redactor = self._redactor.joined(Redactor.of(secrets))
        notes = [redactor.text(note) for note in notes]
        places = {("body", *variable.path): variable.name for variable in variables}
        text = manifest_text(document, places, _comment(variables, notes))
        reading = _read(text, values)
        broken = reading.broken_rules
        if broken:
            text = _with_ignores(text, broken)
            reading = _read(text, values)
            notes += [f"{found.message} [{found.rule}, ignored on its line]" for found in broken]
        problems = [*reading.problems, *(found.message for found in reading.broken_rules)]
        hidden = {variable.path for variable in variables if not variable.returned}
        if reading.manifest is not None:
            problems += self._differences(live, reading.manifest, hidden)
        usable = reading.manifest is not None and not reading.broken_rules
        if usable and self._catalogue is not None:
            named = self._with_names(document, places, _comment(variables, notes), values)
            manifest = _with_ids(named, values, self._catalogue)
            is_same = manifest is not None and not any(self._differences(live, manifest, hidden))
            text = named if is_same else text
        return ExportResult(
            live=live,
            text=text if usable else "",
            variables=variables,
            notes=tuple(notes),
            problems=tuple(problems),
            secrets=secrets,
        )

    def _with_names(
        self, document: JsonObject, places: dict[Path, str], comment: Iterable[str], values: dict[str, str]
    ) -> str:
        """Return the text of the same manifest with names in place of ids, each of which leads back."""
        body = portable_body(as_object(document["body"]), self._catalogue or CatalogueFacts())
        text = manifest_text({**document, "body": body}, places, comment)
        reading = _read(text, values)
        if reading.broken_rules:
            text = _with_ignores(text, reading.broken_rules)
        return text

    def _default_of(self, live: Live) -> JsonObject:
        stated = any(step.resources for step in live.body.steps.values())
        return self._facts.default_resource.resources if stated else {}

    def _differences(self, live: Live, manifest: WorkflowManifest, hidden: set[Path]) -> Iterator[str]:
        """Yield the differences that a plan would show, except in secrets whose value is unknown."""
        comparison = compare(live, Desired.of(manifest, live), self._options, self._facts)
        for change in comparison.changes:
            if change.path not in hidden:
                yield f"{display_path(change.path)} cannot be stated in a manifest; a plan will show a change"


def _document(live: Live, body: JsonObject, ignored: Iterable[Path], *, pinned: bool) -> JsonObject:
    paths = set(ignored)
    settings: JsonObject = {
        "id": live.id if pinned else None,
        "ignore": list[JsonValue](sorted(map(display_path, _outermost(paths)))),
        "prevent_delete": live.ownership.protected,
        "paused": live.paused,
    }
    settings = {key: value for key, value in settings.items() if value}
    return {**({"reconcile": settings} if settings else {}), "body": body}


def _outermost(paths: set[Path]) -> Iterator[Path]:
    return (path for path in paths if not any(path[:end] in paths for end in range(1, len(path))))


def _kept(path: Path, why: str) -> str:
    return f"{display_path(path)} is left out and ignored (reconcile.ignore): {why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """A manifest read back: `None` with the problems, or with the rules that it breaks."""

    manifest: WorkflowManifest | None
    problems: tuple[str, ...] = ()
    broken_rules: tuple[Finding, ...] = ()


def _read(text: str, values: dict[str, str]) -> _Reading:
    file = ManifestFile(FilePath("export.yaml"), FilePath(), text)
    content = read_file(file, values)
    problems = [found.message for found in content.summary.findings if _is_error(found)]
    manifests = [found for found in content.manifests if isinstance(found, WorkflowManifest)]
    if problems or len(manifests) != 1:
        return _Reading(manifest=None, problems=tuple(problems))
    return _Reading(
        manifest=manifests[0], broken_rules=tuple(filter(_is_error, check_manifest(manifests[0])))
    )


def _with_ids(text: str, values: dict[str, str], facts: CatalogueFacts) -> WorkflowManifest | None:
    """Return the manifest in a text with ids in place of names; `None` if it has none without errors."""
    reading = _read(text, values)
    if reading.manifest is None or reading.broken_rules:
        return None
    resolved = resolve_manifest(reading.manifest, facts, str, allow_latest=False).manifest
    return resolved if isinstance(resolved, WorkflowManifest) else None


def _is_error(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR


def _with_ignores(text: str, findings: Iterable[Finding]) -> str:
    """Return `text` with a comment on the line of each finding that ignores its rule there."""
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
        yield "Variables for secrets:"
        paths: dict[str, list[Path]] = {}
        for variable in variables:
            paths.setdefault(variable.name, []).append(variable.path)
        yield from (f"  {name}: {', '.join(map(display_path, found))}" for name, found in paths.items())
    yield from (f"Note: {note}" for note in notes)


def _notes(live: Live, recovered: Recovered, body: JsonObject, owner: str | None) -> Iterator[str]:
    if recovered.lost:
        yield (
            f"the API does not return {_some(recovered.lost)}: add the value and remove the path from "
            "reconcile.ignore, or the next update removes the value"
        )
    if recovered.uncertain:
        yield (
            f"the API does not return {_some(recovered.uncertain)}: if it is set, add the value, or the "
            "next update removes it"
        )
    if recovered.foreign:
        yield "its sent digests were made with another RECONCILER_REMEMBER_KEY and cannot be used"
    unknown = lost_fields(body, live.body.sendable, live.body.undocumented)
    if unknown:
        yield (
            f"{_some(unknown)} is not documented and is not in the manifest: updates keep it, and "
            "reconcile.extra states it"
        )
    if has_undocumented_trigger(live.body):
        yield "it has a trigger of an undocumented kind, which a manifest cannot state"
    for other in live.ownership.others(owner):
        yield f"owned by {other}: plan it with --ownership-tag {other}"


def _some(paths: Iterable[Path]) -> str:
    return first_few(map(display_path, paths))
