"""From the paths a user names to checked manifests, with every mistake of every file as a finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.findings import CheckResult, Finding, has_errors
from reconciler.manifests.duplicates import find_duplicates
from reconciler.manifests.files import ManifestFile, find_files
from reconciler.manifests.manifest import Manifest
from reconciler.manifests.one_file import read_file
from reconciler.text import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What was found below the paths.

    Args:
        manifests: The valid ones, in the order of their files.
        findings: Every mistake, sorted by file and place.
        files: How many files were read.
        secrets: The values that came through `!env`, to be kept out of every output.
        empty: The files without a single byte, as they are shown: one whose writing failed looks like that.
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
        """What was found, without the manifests."""
        return CheckResult(findings=self.findings, files=self.files, manifests=len(self.manifests))


def load_manifests(
    paths: tuple[str, ...],
    env: Mapping[str, str],
    excludes: Callable[[Path], bool] = lambda _: False,
    *,
    require_env: bool = True,
) -> LoadResult:
    """Load and check every manifest that `paths` name.

    Args:
        paths: Files and directories.
        env: What `!env` reads from.
        excludes: Says of a file below a directory that it is left out.
        require_env: Whether a variable that is not set is an error; else it is a warning, and a
            placeholder stands in its place (a check before a merge has no secrets).

    Returns:
        The manifests and the findings. Nothing is raised for what a file says.
    """
    files, findings = find_files(paths, excludes)
    contents = [read_file(file, env, require_env=require_env) for file in files]
    manifests = [manifest for content in contents for manifest in content.manifests]
    findings += [finding for content in contents for finding in content.findings]
    findings += find_duplicates(manifests)
    if not manifests and not findings:
        findings += nothing_found(files)
    return LoadResult(
        manifests=tuple(manifests),
        findings=tuple(sorted(set(findings), key=Finding.sort_key)),
        files=len(files),
        secrets=frozenset().union(*(content.secrets for content in contents)),
        empty=tuple(printable(str(file.path)) for file in files if _is_empty(file.path)),
    )


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except OSError:  # that it cannot be read is a finding
        return False


def nothing_found(files: list[ManifestFile]) -> list[Finding]:
    """Return what there is to say about files without a single manifest."""
    return [
        Finding(file=printable(str(file.path)), rule="no-manifests", message="there is no manifest in here")
        for file in files
    ]
