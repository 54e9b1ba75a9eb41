"""Check of manifests against the rules: of one manifest, of one file, and of all files below some paths."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.concurrency import OnProgress, no_progress
from reconciler.findings import CheckResult, Finding, Position, Severity, has_errors
from reconciler.manifests import (
    MAX_FINDINGS,
    FileContent,
    FileSummary,
    FindingLimit,
    IncludedFiles,
    LoadResult,
    Manifest,
    ManifestFile,
    ReadOptions,
    WorkflowManifest,
    combine_findings,
    find_files,
    load_manifests,
    read_file,
    read_overlays,
    read_within_bounds,
    reading_files,
    unmatched_overlays,
    with_excerpt,
    with_required_variables,
)
from reconciler.rules import (
    dependencies,
    literal_credentials,
    names,
    new_fields,
    step_outputs,
    step_types,
    triggers,
    unrendered_templates,
)
from reconciler.rules.rule import BaseRule, Problem, Rule, Unknown
from reconciler.secrecy import Redactor
from reconciler.text import clip, printable
from reconciler.values import (
    KEEP,
    JsonObject,
    JsonValue,
    Path,
    Verdict,
    as_object,
    display_path,
    lookup,
    rewrite,
)
from reconciler.workflow import Body

if TYPE_CHECKING:
    from reconciler.manifests import Overlays

RULES: Final[tuple[Rule, ...]] = (
    *dependencies.RULES,
    *step_outputs.RULES,
    *step_types.RULES,
    *triggers.RULES,
    *names.RULES,
    *literal_credentials.RULES,
    *unrendered_templates.RULES,
    *new_fields.RULES,
)
"""Every rule that needs no tenant; of two that find the same cause, the earlier one reports it."""

_OF_DOCUMENTED: Final = tuple(rule for rule in RULES if rule not in new_fields.RULES)
"""The rules for a manifest without undocumented fields, which need not be searched for."""

_OF_PATCHES: Final = tuple(rule for rule in RULES if rule.of_patches)

_OF_TEMPLATES: Final = frozenset(rule.id for rule in unrendered_templates.RULES)
_WARNINGS: Final = frozenset(rule.id for rule in RULES if rule.severity is Severity.WARNING)
_COMMENT: Final = re.compile(r"#\s*reconciler:\s*ignore\[([a-z0-9, -]+)\]")
MOST_FINDINGS: Final = 200
"""The maximum number of findings that one rule reports in one manifest."""

_MOST_CONSIDERED: Final = 400
"""The maximum number of problems taken from one rule, with those whose cause is reported already."""

ExtraCheck: TypeAlias = Callable[[Sequence[FileContent]], Iterable[Finding]]
"""A check that needs more than the files, such as the tenant."""


def check_paths(  # noqa: PLR0913 - each has its default
    paths: Sequence[str],
    env: Mapping[str, str],
    options: ReadOptions | None = None,
    *,
    off: frozenset[str] = frozenset(),
    only: frozenset[FilePath] | None = None,
    extra_check: ExtraCheck | None = None,
    on_progress: OnProgress = no_progress,
) -> CheckResult:
    """Check all manifests below `paths`; errors become findings, never exceptions.

    Many files are checked in several processes. Manifests are not kept.

    Args:
        paths: Files and directories, or `-` for standard input.
        env: The variables for `!env`; an unset variable is a warning.
        options: How the files are read.
        off: The ids of rules that are turned off.
        only: The files, resolved, to report on, together with the files that include them and with findings
            that hold between one of them and any other file. `None` reports on all files.
        extra_check: A further check of the files to report on, which are read again for it.
        on_progress: Called after each file.
    """
    options = (options or ReadOptions())._replace(require_env=False)
    files, problems = find_files(tuple(paths), options.excludes)
    overlays = read_overlays(env, options, problems)
    check = partial(
        _summary, env=dict(env), options=options, off=off, overlays=overlays, files=IncludedFiles()
    )
    limit = FindingLimit()
    reported: list[bool] = []

    def within_limit(file: ManifestFile, summary: FileSummary) -> FileSummary:
        reported.append(_is_reported(file, summary, only))
        return limit.kept_summary(summary) if reported[-1] else summary.without_details

    with reading_files(files, check) as found:
        kept = map(within_limit, files, found)
        summaries = read_within_bounds(files, kept, lambda summary: summary.extent, problems, on_progress)
    files = files[: len(summaries)]
    if extra_check is not None:
        shown = (file for file, is_reported in zip(files, reported, strict=True) if is_reported)
        problems += extra_check([read_file(file, env, options, overlays=overlays) for file in shown])
    if overlays is not None:
        problems += unmatched_overlays(overlays, problems, summaries)
    return CheckResult(
        findings=combine_findings(problems, files, summaries, limit, reported.__getitem__),
        files=len(files),
        manifests=sum(summary.manifests for summary in summaries),
    )


def load_checked(  # noqa: PLR0913 - each has its default
    paths: Sequence[str],
    env: Mapping[str, str],
    options: ReadOptions | None = None,
    *,
    off: frozenset[str] = frozenset(),
    needs: Callable[[Manifest], bool] = lambda _: True,
    on_progress: OnProgress = no_progress,
    on_manifest: Callable[[Manifest], None] = lambda _: None,
) -> LoadResult:
    """Load the manifests below `paths` for a plan; what a rule calls an error is a finding, too.

    Takes what `check_paths` does, and whether the plan `needs` a manifest: an unset variable is an error in
    those, and a warning in the others. `on_manifest` is called with each manifest as soon as it is parsed,
    before it is known whether all are valid. Raises what `load_manifests` does.
    """
    options = (options or ReadOptions())._replace(require_env=False)
    check = partial(_check_file, off=off, errors_only=True)
    loaded = load_manifests(paths, env, options, check, on_progress, on_manifest=on_manifest)
    return with_required_variables(loaded, needs)


def check_manifest(manifest: Manifest, off: frozenset[str] = frozenset()) -> Iterator[Finding]:
    """Yield the findings of the rules that are not `off` in a manifest that is valid by the schema.

    A patch states a part of a workflow: only the rules that hold for every value are applied to it.

    A comment `# reconciler: ignore[rule-id]` on a line suppresses the findings of that rule on the line.
    """
    yield from reported_findings(manifest, _problems(manifest, off))


def _summary(  # noqa: PLR0913 - each is the same for all files
    file: ManifestFile,
    *,
    env: Mapping[str, str],
    options: ReadOptions,
    off: frozenset[str],
    overlays: Overlays | None,
    files: IncludedFiles,
) -> FileSummary:
    return read_file(file, env, options, partial(_check_file, off=off), overlays, files).summary


def _is_reported(file: ManifestFile, summary: FileSummary, only: frozenset[FilePath] | None) -> bool:
    if only is None or file.text is not None:
        return True  # standard input belongs to no revision
    return file.path.resolve() in only or bool(summary.included & only)


def _check_file(
    manifests: Sequence[Manifest], off: frozenset[str], *, errors_only: bool = False
) -> list[Finding]:
    """Return the findings of the rules in the manifests of one file.

    After `MAX_FINDINGS` findings, the rest is only searched for one error.
    """
    findings: list[Finding] = []
    has_error = False
    for manifest in manifests:
        enough = len(findings) > MAX_FINDINGS
        if not (enough and has_error):
            found = tuple(check_manifest(manifest, off | _WARNINGS if enough or errors_only else off))
            has_error = has_error or has_errors(found)
            findings += found
    return findings


def _problems(manifest: Manifest, off: frozenset[str]) -> Iterator[tuple[Rule, Problem]]:
    unknown = manifest.sensitive | manifest.source.unset
    body = Body(_with_unknown(_stated(manifest), unknown))
    causes: set[tuple[str, ...]] = set()
    stated_rules = RULES if manifest.extra else _OF_DOCUMENTED
    for rule in stated_rules if isinstance(manifest, WorkflowManifest) else _OF_PATCHES:
        is_rendered = rule.id in _OF_TEMPLATES and manifest.source.document.origins is not None
        if rule.id not in off and not is_rendered:
            left = MOST_FINDINGS
            for problem in islice(rule.check(body), _MOST_CONSIDERED):
                if problem.cause in causes or _is_unknown(problem.path, unknown):
                    continue
                if problem.cause:
                    causes.add(problem.cause)
                yield rule, problem
                left -= 1
                if not left:
                    break


def _stated(manifest: Manifest) -> JsonObject:
    """Return what a manifest states: the body, or the patch, with the fields of `reconcile.extra`."""
    if isinstance(manifest, WorkflowManifest):
        return manifest.body
    patch = as_object(lookup(manifest.source.document.value, manifest.source.base))
    return {**patch, "body": manifest.body} if manifest.body else patch


def _with_unknown(body: JsonObject, paths: frozenset[Path]) -> JsonObject:
    def replace(_value: JsonValue, path: Path) -> JsonValue | Verdict:
        return Unknown(f"!env at {display_path(path)}") if path in paths else KEEP

    return as_object(rewrite(body, replace)) if paths else body


def _is_unknown(path: Path, unknown: frozenset[Path]) -> bool:
    return bool(unknown) and any(path[:length] in unknown for length in range(len(path) + 1))


def reported_findings(
    manifest: Manifest, found: Iterable[tuple[BaseRule, Problem]], *, suppressible: bool = True
) -> Iterator[Finding]:
    """Yield a finding for each problem that no comment on its line suppresses."""
    document = manifest.source.document
    redactor: Redactor | None = None
    for rule, problem in found:
        finding = _finding(manifest, rule, problem)
        lines = document.lines(finding.file)
        if suppressible and rule.id in _ignored(lines, finding.position):
            continue
        if redactor is None:
            redactor = Redactor.of(str(lookup(document.value, path)) for path in document.sensitive)
        yield finding if problem.secret else with_excerpt(finding, lines, redactor)


def _finding(manifest: Manifest, rule: BaseRule, problem: Problem) -> Finding:
    source = manifest.source
    return Finding(
        file=source.file,
        rule=rule.id,
        severity=rule.severity,
        message=printable(clip(problem.message, 500)),
        path=(*source.base, *problem.path),
        position=source.position(problem.path, at_key=problem.at_key),
    )


def _ignored(lines: Sequence[str], position: Position | None) -> frozenset[str]:
    """Return the ids of the rules that a comment on the line turns off."""
    line = lines[position.line - 1] if position is not None and position.line <= len(lines) else ""
    match = _COMMENT.search(line)
    return frozenset(part.strip() for part in match.group(1).split(",")) if match else frozenset()
