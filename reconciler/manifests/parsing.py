"""Parser of one document into a manifest: body, patch and settings, each checked by its schema."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from reconciler.findings import Finding, Position, Severity, has_errors
from reconciler.manifests.documents import Document
from reconciler.manifests.file_findings import MAX_FINDINGS
from reconciler.manifests.manifest import (
    EXTRA_PATH,
    Manifest,
    PatchManifest,
    ReconcileSettings,
    Source,
    WhenRunning,
    WorkflowManifest,
)
from reconciler.manifests.other_kinds import other_kind
from reconciler.schema import SchemaProblem, manifest_only_step_fields, validate
from reconciler.text import clip, printable
from reconciler.values import (
    ABSENT,
    JsonObject,
    JsonValue,
    Packed,
    Path,
    Pattern,
    as_list,
    as_object,
    display_path,
    is_below,
    leaves,
    lookup,
    nodes,
)
from reconciler.workflow import undocumented_fields, with_values

_BODY_KEYS = frozenset({"name", "steps", "metadata", "triggers", "watchers", "retryOptions", "tags"})
_NO_KEY_OF_A_WORKFLOW = (
    "this is not a workflow: its body has none of name, steps, triggers, watchers, retryOptions, tags; "
    "list a file of another kind under exclude in reconciler.yaml"
)
_NOT_A_MANIFEST = (
    "this document is not a manifest; write a workflow under body:, its name: and steps: at the top level, "
    "or a patch under patch:"
)


def parse_manifest(
    document: Document, findings: list[Finding], extra: Sequence[Pattern] = ()
) -> Manifest | None:
    """Return the manifest in `document`, or `None` if it is invalid; what is wrong is added to `findings`.

    Args:
        document: The document.
        findings: The findings so far.
        extra: The undocumented fields that a body may state.
    """
    value = document.value
    kind = other_kind(value)
    if kind:
        message = (
            f"this is {kind}, not a workflow, and is left out; list the file under exclude in "
            f"reconciler.yaml: exclude: [{document.file}]"
        )
        finding = Finding(
            file=document.file,
            rule="other-kind",
            message=printable(message),
            position=document.position(()),
            severity=Severity.WARNING,
        )
        findings.append(finding)
        return None
    message = _not_a_manifest(value)
    if message:
        position = document.position(())
        findings.append(
            Finding(file=document.file, rule="not-a-manifest", message=message, position=position)
        )
        return None
    parser = _DocumentParser(document, as_object(value), extra)
    manifest = parser.parse()
    findings.extend(parser.findings)
    return None if has_errors(tuple(parser.findings)) else manifest


_NEW_FIELD = "; a new field of the API goes under reconcile: {extra: …}"


def _not_a_manifest(value: JsonValue) -> str:
    """Return why a document is not a manifest; empty if it may be one."""
    if not isinstance(value, dict) or not ({"body", "patch"} & set(value) or _BODY_KEYS & set(value)):
        return _NOT_A_MANIFEST
    body = as_object(value.get("body"))
    return _NO_KEY_OF_A_WORKFLOW if body and not _BODY_KEYS & set(body) else ""


def _body_of(base: Path) -> Path:
    """Return the path of the body in a document whose manifest is at `base`."""
    return ("patch", "body") if base == ("patch",) else base


class _DocumentParser:
    """A parser of one document, which collects findings."""

    def __init__(self, document: Document, value: JsonObject, extra: Sequence[Pattern]) -> None:
        self._document = document
        self._value = value
        self._allowed = extra
        self.findings: list[Finding] = []

    def parse(self) -> Manifest:
        settings = self._settings()
        key = next((key for key in ("body", "patch") if key in self._value), None)
        if key is None:
            body = {name: item for name, item in self._value.items() if not self._is_beside(name)}
            return self._workflow((), body, settings)
        self._only({key, "reconcile"})
        if key == "patch":
            return self._patch(self._value[key], settings)
        return self._workflow((key,), self._value[key], settings)

    def _workflow(self, base: Path, value: JsonValue, settings: ReconcileSettings) -> WorkflowManifest:
        self._check(value, "workflow", base)
        body, extra = self._with_extra(as_object(value), base)
        source = Source(document=self._document, base=base)
        return WorkflowManifest(
            name=str(body.get("name", "")),
            packed=Packed.of(body),
            settings=settings,
            source=source,
            sensitive=source.sensitive,
            extra=extra,
        )

    def _patch(self, value: JsonValue, settings: ReconcileSettings) -> PatchManifest:
        self._check(value, "patch", ("patch",))
        patch = as_object(value)
        body, extra = self._with_extra(as_object(patch.get("body")), ("patch", "body"))
        source = Source(document=self._document, base=("patch",))
        return PatchManifest(
            name=str(patch.get("name", "")),
            packed=Packed.of(body),
            keywords=as_object(patch.get("set")),
            step_names=tuple(str(name) for name in as_list(patch.get("stepNames"))),
            settings=settings,
            source=source,
            sensitive=source.sensitive,
            extra=extra,
        )

    def _with_extra(self, body: JsonObject, base: Path) -> tuple[JsonObject, frozenset[Path]]:
        """Return a body with the fields of `reconcile.extra`, and its undocumented fields."""
        extra = as_object(as_object(self._value.get("reconcile")).get("extra"))
        if has_errors(tuple(self.findings)) or not (extra or self._allowed):
            return body, frozenset()
        whole = with_values(body, extra)
        undocumented = frozenset(path for path in undocumented_fields(whole) if not _is_manifest_only(path))
        stated = [path for path, _ in nodes(extra) if path in undocumented]
        for path, _ in leaves(extra) if extra else ():
            problem = ""
            if not any(path[: len(known)] == known for known in stated):
                problem = "is a documented field, or part of one: state it in the body"
            elif path[0] == "steps" and base != ("patch", "body") and lookup(body, path[:2]) is ABSENT:
                problem = "is in a step that the body does not have"
            elif lookup(body, path) is not ABSENT:
                problem = "is in the body as well: state it once"
            if problem:
                where = (*EXTRA_PATH, *path)
                message = printable(f"{clip(display_path(path), 200)} {problem}")
                self._report("extra-field", message, where, self._document.position(where, at_key=True))
        return whole, undocumented

    def _settings(self) -> ReconcileSettings:
        value = self._value.get("reconcile")
        if value is None:
            return ReconcileSettings()
        self._check(value, "reconcile", ("reconcile",))
        if has_errors(tuple(self.findings)):
            return ReconcileSettings()
        given: dict[str, Any] = as_object(value)
        return ReconcileSettings(
            id=int(given["id"]) if "id" in given else None,
            renamed_from=tuple(given.get("renamedFrom", ())),
            ignore=tuple(given.get("ignore", ())),
            prevent_delete=given.get("prevent_delete", False),
            paused=given.get("paused"),
            when_running=WhenRunning(given.get("whenRunning", WhenRunning.PROCEED)),
        )

    def _check(self, value: JsonValue, schema: str, base: Path) -> None:
        for problem in islice(validate(value, schema), MAX_FINDINGS + 1):
            path = (*base, *problem.path)
            if problem.rule == "schema-unknown-key" and self._is_allowed(path, base):
                continue  # a rule warns of it
            unset = self._document.unset.get(path)
            if unset is not None and (unset.type == "json" or problem.rule != "schema-type"):
                continue  # the value is unknown; only its type may be known
            position = self._document.position(path, at_key=problem.at_key)
            message = problem.message + self._found(problem, path) + self._if_new(problem, path, base)
            self._report(problem.rule, message, path, position)

    def _found(self, problem: SchemaProblem, path: Path) -> str:
        """Return what was found, as the end of a message: no value of a variable."""
        if path in self._document.variables or path in self._document.unset:
            if not isinstance(lookup(self._document.value, path), str):
                return "; the value is from !env"
            hint = ": state its type, as in !env {name: NAME, type: integer}"
            return "; the value from !env is text" + (hint if problem.rule == "schema-type" else "")
        if path in self._document.parameters:
            return f"{problem.found}, the value of the parameter {self._document.parameters[path]!r}"
        return problem.found

    @staticmethod
    def _if_new(problem: SchemaProblem, path: Path, base: Path) -> str:
        """Return what to do about an unknown key of a body that is no misspelling, else nothing."""
        unknown = problem.rule == "schema-unknown-key" and "did you mean" not in problem.message
        body = _body_of(base)
        return _NEW_FIELD if unknown and base != ("reconcile",) and path[: len(body)] == body else ""

    def _is_allowed(self, path: Path, base: Path) -> bool:
        """Whether the configuration knows the undocumented field at `path` of the document."""
        body = _body_of(base)
        return path[: len(body)] == body and any(
            is_below(path[len(body) :], pattern) for pattern in self._allowed
        )

    def _only(self, allowed: set[str]) -> None:
        for key in sorted(key for key in self._value if key not in allowed and not self._is_beside(key)):
            position = self._document.position((key,), at_key=True)
            message = f"unknown key {clip(key, 60)!r}; only {' and '.join(sorted(allowed))} are allowed here"
            self._report("schema-unknown-key", printable(message), (key,), position)

    @staticmethod
    def _is_beside(key: str) -> bool:
        """Whether a top-level key is no part of the body: settings, or a place for anchors (`x-…`)."""
        return key == "reconcile" or key.startswith("x-")

    def _report(self, rule: str, message: str, path: Path, position: Position | None) -> None:
        self.findings.append(
            Finding(file=self._document.file, rule=rule, message=message, path=path, position=position)
        )


def _is_manifest_only(path: Path) -> bool:
    return path[:1] == ("steps",) and path[2:] in manifest_only_step_fields()
