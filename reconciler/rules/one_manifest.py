"""Registry of all rules, and the check of one manifest against them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final

from reconciler.findings import Finding, Position, Severity, has_errors
from reconciler.manifests import MAX_FINDINGS, Manifest, WorkflowManifest, with_excerpt
from reconciler.rules import dependencies, literal_credentials, names, step_outputs, step_types, triggers
from reconciler.rules.online import ONLINE_RULES, TenantFacts, references_of
from reconciler.rules.rule import BaseRule, Problem, Rule
from reconciler.rules.unknown_values import with_unknown
from reconciler.secrecy import Redactor
from reconciler.text import clip, printable
from reconciler.values import Path, lookup
from reconciler.workflow import Body

RULES: Final[tuple[Rule, ...]] = (
    *dependencies.RULES,
    *step_outputs.RULES,
    *step_types.RULES,
    *triggers.RULES,
    *names.RULES,
    *literal_credentials.RULES,
)
"""Every rule that needs no tenant; of two that find the same cause, the earlier one reports it."""

ALL_RULES: Final[tuple[BaseRule, ...]] = (*RULES, *ONLINE_RULES)
"""Every rule, those that need the tenant last."""

_WARNINGS: Final = frozenset(rule.id for rule in RULES if rule.severity is Severity.WARNING)
_COMMENT: Final = re.compile(r"#\s*reconciler:\s*ignore\[([a-z0-9, -]+)\]")
_MOST_FINDINGS: Final = 200
"""The maximum number of findings that one rule reports in one manifest."""

_MOST_CONSIDERED: Final = 400
"""The maximum number of problems taken from one rule, with those whose cause is reported already."""


def rule_ids() -> frozenset[str]:
    """Return the ids of all rules."""
    return frozenset(rule.id for rule in ALL_RULES)


def check_manifest(manifest: WorkflowManifest, off: frozenset[str] = frozenset()) -> Iterator[Finding]:
    """Yield the findings of the rules in a manifest that is valid by the schema.

    A comment `# reconciler: ignore[rule-id]` on a line suppresses the findings of that rule on the line.

    Args:
        manifest: The manifest.
        off: The ids of rules that are turned off.
    """
    yield from _reported(manifest, _problems(manifest, off))


def check_file(
    manifests: Sequence[Manifest], off: frozenset[str] = frozenset(), *, errors_only: bool = False
) -> list[Finding]:
    """Return the findings of the rules in the manifests of one file.

    After `MAX_FINDINGS` findings, the rest is only searched for one error.

    Args:
        manifests: The manifests.
        off: The ids of rules that are turned off.
        errors_only: Whether to leave out warnings.
    """
    findings: list[Finding] = []
    has_error = False
    for manifest in manifests:
        enough = len(findings) > MAX_FINDINGS
        if isinstance(manifest, WorkflowManifest) and not (enough and has_error):
            found = tuple(check_manifest(manifest, off | _WARNINGS if enough or errors_only else off))
            has_error = has_error or has_errors(found)
            findings += found
    return findings


def check_online(
    manifest: Manifest, facts: TenantFacts, off: frozenset[str] = frozenset()
) -> Iterator[Finding]:
    """Yield the findings of the online rules in a manifest; comments work as in `check_manifest`.

    Args:
        manifest: The manifest.
        facts: The facts that were read from the tenant.
        off: The ids of rules that are turned off.
    """
    references = references_of(manifest)
    found = (
        (rule, problem)
        for rule in ONLINE_RULES
        if rule.id not in off
        for problem in islice(rule.check(references, facts), _MOST_FINDINGS)
    )
    yield from _reported(manifest, found)


def _reported(manifest: Manifest, found: Iterable[tuple[BaseRule, Problem]]) -> Iterator[Finding]:
    """Yield a finding for each problem that no comment on its line suppresses."""
    document = manifest.source.document
    redactor: Redactor | None = None
    for rule, problem in found:
        finding = _finding(manifest, rule, problem)
        lines = _lines(document.text)
        if rule.id in _ignored(lines, finding.position):
            continue
        if redactor is None:
            redactor = Redactor.of(str(lookup(document.value, path)) for path in document.sensitive)
        yield finding if problem.secret else with_excerpt(finding, lines, redactor)


@lru_cache(maxsize=1)
def _lines(text: str) -> list[str]:
    """Return the lines of a file, which may hold thousands of manifests."""
    return text.splitlines()


def _problems(manifest: WorkflowManifest, off: frozenset[str]) -> Iterator[tuple[Rule, Problem]]:
    unknown = manifest.sensitive | _unset(manifest)
    body = Body(with_unknown(manifest.body, unknown))
    causes: set[tuple[str, ...]] = set()
    for rule in RULES:
        if rule.id in off:
            continue
        found = 0
        for problem in islice(rule.check(body), _MOST_CONSIDERED):
            if problem.cause in causes or _is_unknown(problem.path, unknown):
                continue
            if problem.cause:
                causes.add(problem.cause)
            yield rule, problem
            found += 1
            if found >= _MOST_FINDINGS:
                break


def _unset(manifest: WorkflowManifest) -> frozenset[Path]:
    base = manifest.source.base
    return frozenset(
        path[len(base) :] for path in manifest.source.document.unset if path[: len(base)] == base
    )


def _is_unknown(path: Path, unknown: frozenset[Path]) -> bool:
    return bool(unknown) and any(path[:length] in unknown for length in range(len(path) + 1))


def _finding(manifest: Manifest, rule: BaseRule, problem: Problem) -> Finding:
    source = manifest.source
    return Finding(
        file=source.file,
        rule=rule.id,
        severity=rule.severity,
        message=printable(clip(problem.message, 500)),
        path=(*source.base, *problem.path),
        position=source.document.position((*source.base, *problem.path), at_key=problem.at_key),
    )


def _ignored(lines: list[str], position: Position | None) -> frozenset[str]:
    """Return the ids of the rules that a comment on the line turns off."""
    line = lines[position.line - 1] if position is not None and position.line <= len(lines) else ""
    match = _COMMENT.search(line)
    return frozenset(part.strip() for part in match.group(1).split(",")) if match else frozenset()
