"""Checks all that stands below some paths: schema, rules, and what holds over several files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final, TypeAlias

from reconciler.findings import CheckResult, Finding, Severity, has_errors
from reconciler.manifests import LoadResult, WorkflowManifest, load_manifests
from reconciler.manifests.bounds import MAX_FINDINGS
from reconciler.manifests.duplicates import find_duplicates
from reconciler.manifests.files import ManifestFile, find_files
from reconciler.manifests.load import nothing_found
from reconciler.manifests.one_file import FileContent, bounded, read_file
from reconciler.rules.checking import check_manifest
from reconciler.rules.registry import RULES

_BATCH: Final = 100
_PARALLEL_FROM: Final = 400
"""From so many files on, a second process is worth what it costs to start."""

_WARNINGS: Final = frozenset(rule.id for rule in RULES if rule.severity is Severity.WARNING)

Beyond: TypeAlias = Callable[[Sequence[FileContent]], Iterable[Finding]]
"""A check of what files hold that needs more than the files."""


@dataclass(frozen=True, slots=True)
class _Checked:
    """What one process tells of one file: never a body, which may be large and hold secrets.

    Args:
        findings: Its mistakes.
        identities: The name, and the pinned id if any, of each valid manifest.
        included: The files it includes.
    """

    findings: tuple[Finding, ...]
    identities: tuple[tuple[str, int | None], ...]
    included: frozenset[Path]


def check_paths(  # noqa: PLR0913 - each has its default
    paths: Sequence[str],
    env: Mapping[str, str],
    off: frozenset[str] = frozenset(),
    only: frozenset[Path] | None = None,
    excludes: Callable[[Path], bool] = lambda _: False,
    *,
    beyond: Beyond | None = None,
) -> CheckResult:
    """Return what is wrong below `paths`; nothing is raised for what a file says.

    Args:
        paths: Files and directories.
        env: What `!env` reads from; a variable that is not set is a warning.
        off: The ids of rules that are switched off.
        only: The files, resolved, whose findings count; those of a file that includes one of them count, too,
            and so does what holds between one of them and any other file. All of them when left out.
        excludes: Says of a file below a directory that it is left out.
        beyond: Checks more of the files whose findings count, which are read once more for it.
    """
    files, findings = find_files(tuple(paths), excludes)
    checked = list(_check_all(files, partial(_check_file, env=dict(env), off=off)))
    counted = [_counts(file, content, only) for file, content in zip(files, checked, strict=True)]
    findings += chain.from_iterable(
        content.findings for content, counts in zip(checked, counted, strict=True) if counts
    )
    findings += _duplicates(files, checked, counted, env)
    if beyond is not None:
        concerned = (file for file, counts in zip(files, counted, strict=True) if counts)
        findings += beyond([read_file(file, env, require_env=False) for file in concerned])
    manifests = sum(len(content.identities) for content in checked)
    if not manifests and not any(content.findings for content in checked) and not findings:
        findings += nothing_found([file for file, counts in zip(files, counted, strict=True) if counts])
    ordered = sorted(set(findings), key=Finding.sort_key)
    return CheckResult(findings=tuple(ordered), files=len(files), manifests=manifests)


def load_checked(
    paths: Sequence[str],
    env: Mapping[str, str],
    off: frozenset[str] = frozenset(),
    excludes: Callable[[Path], bool] = lambda _: False,
) -> LoadResult:
    """Return the manifests below `paths` to be planned: what a rule calls an error is one of theirs, too.

    Args:
        paths: Files and directories.
        env: What `!env` reads from; a variable that is not set is an error.
        off: The ids of rules that are switched off.
        excludes: Says of a file below a directory that it is left out.
    """
    loaded = load_manifests(tuple(paths), env, excludes)
    broken = [
        finding
        for manifest in loaded.manifests
        if isinstance(manifest, WorkflowManifest)
        for finding in check_manifest(manifest, off)
        if finding.severity is Severity.ERROR
    ]
    findings = sorted({*loaded.findings, *broken}, key=Finding.sort_key)
    return replace(loaded, findings=tuple(findings))


def _check_all(files: list[ManifestFile], check: partial[_Checked]) -> Iterator[_Checked]:
    processes = min(_processors(), len(files) // _BATCH)
    if len(files) < _PARALLEL_FROM or processes < 2:  # noqa: PLR2004 - one is no help
        yield from map(check, files)
        return
    import multiprocessing  # noqa: PLC0415 - a few files need neither
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415

    # Forked, a process need not import anything anew; no thread runs yet that could hold a lock.
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(max_workers=processes, mp_context=context) as pool:
        yield from pool.map(check, files, chunksize=_BATCH)


def _processors() -> int:
    """Return how many processors this process may use, or, where that cannot be told, how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _check_file(file: ManifestFile, *, env: Mapping[str, str], off: frozenset[str]) -> _Checked:
    content = read_file(file, env, require_env=False)
    return _Checked(
        findings=tuple(bounded([*content.findings, *_of_rules(content, off)])),
        identities=tuple((manifest.name, manifest.settings.id) for manifest in content.manifests),
        included=content.included,
    )


def _of_rules(content: FileContent, off: frozenset[str]) -> list[Finding]:
    """Return what the rules find in one file; past `MAX_FINDINGS` only whether there is an error as well."""
    findings: list[Finding] = []
    broken = False
    for manifest in content.manifests:
        enough = len(findings) > MAX_FINDINGS
        if isinstance(manifest, WorkflowManifest) and not (enough and broken):
            found = tuple(check_manifest(manifest, off | _WARNINGS if enough else off))
            broken = broken or has_errors(found)
            findings += found
    return findings


def _counts(file: ManifestFile, content: _Checked, only: frozenset[Path] | None) -> bool:
    if only is None or file.text is not None:
        return True  # standard input is in no revision
    return file.path.resolve() in only or bool(content.included & only)


def _duplicates(
    files: list[ManifestFile], checked: list[_Checked], counted: list[bool], env: Mapping[str, str]
) -> list[Finding]:
    """Return the findings for manifests that mean the same; only their files are read once more."""
    groups: dict[str | int, list[int]] = {}
    for index, content in enumerate(checked):
        for identity in chain.from_iterable(content.identities):
            if identity is not None:
                groups.setdefault(identity, []).append(index)
    repeated = [group for group in groups.values() if len(group) > 1 and any(counted[i] for i in group)]
    concerned = sorted({index for group in repeated for index in group})
    contents = (read_file(files[index], env, require_env=False) for index in concerned)
    return find_duplicates([manifest for content in contents for manifest in content.manifests])
