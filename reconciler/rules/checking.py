"""Applies the rules to one manifest and turns what they find into findings with a place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from reconciler.findings import Finding, Position
from reconciler.manifests import WorkflowManifest
from reconciler.manifests.excerpts import with_excerpt
from reconciler.rules.model import Problem, Rule
from reconciler.rules.registry import RULES
from reconciler.text import clip, printable
from reconciler.values import Path

_COMMENT: Final = re.compile(r"#\s*reconciler:\s*ignore\[([a-z0-9, -]+)\]")
_MOST_FINDINGS: Final = 200
"""How many findings of one rule in one manifest are reported: nobody reads more."""


def check_manifest(manifest: WorkflowManifest, off: frozenset[str] = frozenset()) -> Iterator[Finding]:
    """Yield what the rules find in a manifest that the schema allows.

    A line with the comment `# reconciler: ignore[rule-id]` has no finding of that rule.

    Args:
        manifest: The manifest.
        off: The ids of rules that are switched off.
    """
    lines: list[str] = []
    for rule, problem in _problems(manifest, off):
        finding = _finding(manifest, rule, problem)
        lines = lines or manifest.source.document.text.splitlines()
        if rule.id not in _ignored(lines, finding.position):
            yield with_excerpt(finding, lines)


def _problems(manifest: WorkflowManifest, off: frozenset[str]) -> Iterator[tuple[Rule, Problem]]:
    causes: set[tuple[str, ...]] = set()
    for rule in RULES:
        if rule.id in off:
            continue
        found = 0
        for problem in rule.check(manifest.body):
            if problem.cause in causes or _is_sensitive(problem.path, manifest.sensitive):
                continue
            if problem.cause:
                causes.add(problem.cause)
            yield rule, problem
            found += 1
            if found >= _MOST_FINDINGS:
                break


def _is_sensitive(path: Path, sensitive: frozenset[Path]) -> bool:
    """Whether a value came through `!env`: what it is here says nothing of what it is elsewhere."""
    return bool(sensitive) and any(path[: len(known)] == known for known in sensitive)


def _finding(manifest: WorkflowManifest, rule: Rule, problem: Problem) -> Finding:
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
