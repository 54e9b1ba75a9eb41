"""Check of all manifests below some paths: schemas, rules, and findings that span several files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

from reconciler.findings import CheckResult, Finding
from reconciler.manifests import (
    FileContent,
    FileSummary,
    LoadResult,
    ManifestFile,
    combine_findings,
    find_files,
    load_manifests,
    read_file,
)
from reconciler.rules.one_manifest import check_file

_BATCH: Final = 100
_PARALLEL_FROM: Final = 400
"""The number of files from which a second process is worth its start."""

ExtraCheck: TypeAlias = Callable[[Sequence[FileContent]], Iterable[Finding]]
"""A check that needs more than the files, such as the tenant."""


def check_paths(  # noqa: PLR0913 - each has its default
    paths: Sequence[str],
    env: Mapping[str, str],
    off: frozenset[str] = frozenset(),
    only: frozenset[Path] | None = None,
    excludes: Callable[[Path], bool] = lambda _: False,
    *,
    extra_check: ExtraCheck | None = None,
) -> CheckResult:
    """Check all manifests below `paths`; errors become findings, never exceptions.

    Files are checked in as many processes as pay off. Manifests are not kept.

    Args:
        paths: Files and directories, or `-` for standard input.
        env: The variables for `!env`; an unset variable is a warning.
        off: The ids of rules that are turned off.
        only: The files, resolved, to report on, together with the files that include them and with findings
            that hold between one of them and any other file. `None` reports on all files.
        excludes: Returns whether to leave out a file found below a directory.
        extra_check: A further check of the files to report on, which are read again for it.
    """
    files, problems = find_files(tuple(paths), excludes)
    summaries = list(_summaries(files, partial(_summary, env=dict(env), off=off)))
    reported = [_is_reported(file, summary, only) for file, summary in zip(files, summaries, strict=True)]
    if extra_check is not None:
        contents = [
            read_file(file, env, require_env=False)
            for file, shown in zip(files, reported, strict=True)
            if shown
        ]
        problems += extra_check(contents)
    return CheckResult(
        findings=combine_findings(problems, files, summaries, reported.__getitem__),
        files=len(files),
        manifests=sum(summary.manifests for summary in summaries),
    )


def load_checked(
    paths: Sequence[str],
    env: Mapping[str, str],
    off: frozenset[str] = frozenset(),
    excludes: Callable[[Path], bool] = lambda _: False,
) -> LoadResult:
    """Load the manifests below `paths` for a plan; what a rule calls an error is a finding, too.

    Args:
        paths: Files and directories, or `-` for standard input.
        env: The variables for `!env`; an unset variable is an error.
        off: The ids of rules that are turned off.
        excludes: Returns whether to leave out a file found below a directory.
    """
    return load_manifests(paths, env, excludes, check=partial(check_file, off=off, errors_only=True))


def _summaries(files: list[ManifestFile], check: partial[FileSummary]) -> Iterator[FileSummary]:
    processes = min(_processors(), len(files) // _BATCH)
    if len(files) < _PARALLEL_FROM or processes < 2:  # noqa: PLR2004 - one is no help
        yield from map(check, files)
        return
    import multiprocessing  # noqa: PLC0415 - a few files need neither
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415

    # A forked process imports nothing again; no thread runs yet that could hold a lock.
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(max_workers=processes, mp_context=context) as pool:
        yield from pool.map(check, files, chunksize=_BATCH)


def _processors() -> int:
    """Return the number of processors that this process may use or, if unknown, of the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _summary(file: ManifestFile, *, env: Mapping[str, str], off: frozenset[str]) -> FileSummary:
    return read_file(file, env, require_env=False, check=partial(check_file, off=off)).summary


def _is_reported(file: ManifestFile, summary: FileSummary, only: frozenset[Path] | None) -> bool:
    if only is None or file.text is not None:
        return True  # standard input belongs to no revision
    return file.path.resolve() in only or bool(summary.included & only)
