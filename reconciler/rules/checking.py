"""Applies the rules to one manifest and turns what they find into findings with a place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Final

from reconciler.findings import Finding, Position
from reconciler.manifests import Manifest, WorkflowManifest
from reconciler.manifests.excerpts import with_excerpt
from reconciler.rules.model import BaseRule, Problem, Rule
from reconciler.rules.online import ONLINE_RULES, TenantFacts, uses_of
from reconciler.rules.registry import RULES
from reconciler.rules.unknown import with_unknown
from reconciler.secrecy import Redactor
from reconciler.text import clip, printable
from reconciler.values import Path, lookup

_COMMENT: Final = re.compile(r"#\s*reconciler:\s*ignore\[([a-z0-9, -]+)\]")
_MOST_FINDINGS: Final = 200
"""How many findings of one rule in one manifest are reported: nobody reads more."""

_MOST_CONSIDERED: Final = 400
"""How many problems of one rule are looked at, those with a cause that is known already among them."""


def check_manifest(manifest: WorkflowManifest, off: frozenset[str] = frozenset()) -> Iterator[Finding]:
    """Yield what the rules find in a manifest that the schema allows.

    A line with the comment `# reconciler: ignore[rule-id]` has no finding of that rule.

    Args:
        manifest: The manifest.
        off: The ids of rules that are switched off.
    """
    yield from _reported(manifest, _problems(manifest, off))


def check_online(
    manifest: Manifest, facts: TenantFacts, off: frozenset[str] = frozenset()
) -> Iterator[Finding]:
    """Yield what the rules that need the tenant find in a manifest; a comment works as in `check_manifest`.

    Args:
        manifest: The manifest.
        facts: What was read of the tenant.
        off: The ids of rules that are switched off.
    """
    uses = uses_of(manifest)
    found = (
        (rule, problem)
        for rule in ONLINE_RULES
        if rule.id not in off
        for problem in islice(rule.check(uses, facts), _MOST_FINDINGS)
    )
    yield from _reported(manifest, found)


def _reported(manifest: Manifest, found: Iterable[tuple[BaseRule, Problem]]) -> Iterator[Finding]:
    """Yield what was found with its place, but for what a comment on its line switches off."""
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
    body = with_unknown(manifest.body, unknown)
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
    """Return the ids of the rules that a comment on the line switches off."""
    line = lines[position.line - 1] if position is not None and position.line <= len(lines) else ""
    match = _COMMENT.search(line)
    return frozenset(part.strip() for part in match.group(1).split(",")) if match else frozenset()
