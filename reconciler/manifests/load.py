"""Loader of all manifests below some paths, with findings that span several files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from reconciler.findings import CheckResult, Finding, has_errors
from reconciler.manifests.discovery import ManifestFile, find_files
from reconciler.manifests.manifest import Manifest
from reconciler.manifests.one_file import FileSummary, Identity, ManifestCheck, read_file
from reconciler.secrecy import SENSITIVE
from reconciler.text import clip, printable

_SHOWN_PLACES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """The manifests below some paths, and everything that is wrong with them.

    Args:
        manifests: The valid manifests, in the order of their files.
        findings: The findings, errors first, then by file and position.
        files: The number of files that were read.
        secrets: The values that came through `!env`, which must not be shown anywhere.
        empty: The files of zero bytes, which an interrupted write may have left.
    """

    manifests: tuple[Manifest, ...]
    findings: tuple[Finding, ...]
    files: int
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    empty: tuple[str, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether no finding is an error."""
        return not has_errors(self.findings)

    @property
    def checked(self) -> CheckResult:
        """The findings and counts, without the manifests."""
        return CheckResult(findings=self.findings, files=self.files, manifests=len(self.manifests))


def load_manifests(
    paths: Sequence[str],
    env: Mapping[str, str],
    excludes: Callable[[Path], bool] = lambda _: False,
    *,
    require_env: bool = True,
    check: ManifestCheck | None = None,
) -> LoadResult:
    """Load and check every manifest that `paths` name; errors become findings, never exceptions.

    Args:
        paths: Files and directories, or `-` for standard input.
        env: The variables for `!env`.
        excludes: Returns whether to leave out a file found below a directory.
        require_env: Whether an unset variable is an error; if not, it is a warning, and the value is a
            placeholder (a check before a merge has no secrets).
        check: A further check of the manifests of one file.
    """
    files, problems = find_files(tuple(paths), excludes)
    contents = [read_file(file, env, require_env=require_env, check=check) for file in files]
    return LoadResult(
        manifests=tuple(manifest for content in contents for manifest in content.manifests),
        findings=combine_findings(problems, files, [content.summary for content in contents]),
        files=len(files),
        secrets=frozenset().union(*(content.secrets for content in contents)),
        empty=tuple(printable(str(file.path)) for file in files if _is_empty(file.path)),
    )


def combine_findings(
    problems: Iterable[Finding],
    files: Sequence[ManifestFile],
    summaries: Sequence[FileSummary],
    reported: Callable[[int], bool] = lambda _: True,
) -> tuple[Finding, ...]:
    """Return all findings of a check, sorted, with those that hold over several files.

    Args:
        problems: The findings about the paths.
        files: The files.
        summaries: The result of each file.
        reported: Returns whether to report the findings of the file with this index.
    """
    findings = [*problems]
    for index, summary in enumerate(summaries):
        findings += summary.findings if reported(index) else ()
    findings += _duplicates(summaries, reported)
    if not findings and not any(summary.identities or summary.findings for summary in summaries):
        findings += (
            Finding(file=printable(str(file.path)), rule="no-manifests", message="no manifests in this file")
            for index, file in enumerate(files)
            if reported(index)
        )
    return tuple(sorted(set(findings), key=Finding.sort_key))


def _duplicates(summaries: Sequence[FileSummary], reported: Callable[[int], bool]) -> Iterator[Finding]:
    """Yield a finding for each manifest whose name, or pinned id, another manifest uses too."""
    groups: dict[tuple[str, str], list[tuple[int, Identity]]] = {}
    for index, summary in enumerate(summaries):
        for identity in summary.identities:
            groups.setdefault((identity.kind, identity.value), []).append((index, identity))
    for group in groups.values():
        if len(group) > 1 and any(reported(index) for index, _ in group):
            identities = [identity for _, identity in group]
            yield from (_duplicate(identity, identities) for identity in identities)


def _duplicate(identity: Identity, group: Sequence[Identity]) -> Finding:
    # Only the first few places: there may be thousands.
    others = list(islice((other.place for other in group if other is not identity), _SHOWN_PLACES))
    more = f" and {len(group) - 1 - len(others)} more" if len(group) - 1 > len(others) else ""
    value = SENSITIVE if identity.sensitive else clip(identity.value, 100)
    return Finding(
        file=identity.file,
        rule=f"duplicate-{identity.kind}",
        message=printable(f"the {identity.kind} {value!r} is also used in {', '.join(others)}{more}"),
        path=identity.path,
        position=identity.position,
    )


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except OSError:  # an unreadable file has a finding
        return False
