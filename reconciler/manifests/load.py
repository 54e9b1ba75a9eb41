"""Loader of manifests: of one file, and of all files below some paths."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from reconciler.concurrency import OnProgress, no_progress
from reconciler.files import UnreadableError
from reconciler.findings import CheckResult, Finding, Severity, has_errors
from reconciler.manifests.discovery import LEFT_OUT, ManifestFile, find_files, left_out_names, read_text
from reconciler.manifests.documents import read_documents
from reconciler.manifests.file_findings import (
    FileSummary,
    FindingLimit,
    bounded,
    combine_findings,
    first_findings,
    identities,
    read_within_bounds,
    with_excerpt,
)
from reconciler.manifests.manifest import Manifest
from reconciler.manifests.parsing import parse_manifest
from reconciler.manifests.read_options import ReadOptions
from reconciler.manifests.tag_readers import env_reader, file_reader, param_reader
from reconciler.manifests.template_expressions import with_template_named
from reconciler.manifests.yaml_values import Extent, Tags
from reconciler.secrecy import Redactor
from reconciler.text import printable

# JSON writes a character beyond the first 65,536 as two escapes, which YAML does not allow.
_ESCAPED_PAIR: Final = re.compile(
    r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
)
_ENV_RULE: Final = "env"

ManifestCheck: TypeAlias = Callable[[Sequence[Manifest]], Iterable[Finding]]
"""A further check of the valid manifests of one file; its findings are ready to be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContent:
    """The valid manifests of one file, its findings, and the values that came through `!env`."""

    manifests: tuple[Manifest, ...]
    summary: FileSummary
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


def read_file(
    file: ManifestFile,
    env: Mapping[str, str],
    options: ReadOptions | None = None,
    check: ManifestCheck | None = None,
) -> FileContent:
    """Return the content of `file`; takes the rest as `load_manifests` does."""
    options = options or ReadOptions()
    try:
        text = file.text if file.text is not None else read_text(file.path, file.root)
    except UnreadableError as error:
        message = printable(f"cannot be read: {error}")
        finding = Finding(file=printable(str(file.path)), rule="unreadable", message=message)
        return FileContent(manifests=(), summary=FileSummary(findings=(finding,)))
    if file.path.suffix.lower() == ".json":
        text = _ESCAPED_PAIR.sub(_joined_pair, text)
    secrets: set[str] = set()
    included: set[Path] = set()
    extent = Extent()
    tags = Tags(
        env=env_reader(env, secrets, require_env=options.require_env),
        file=file_reader(file, included),
        param=param_reader(options.parameters),
    )
    documents, findings = read_documents(printable(str(file.path)), text, tags, extent)
    extent.characters += len(text)  # a document keeps it
    parsed = [parse_manifest(document, findings, options.extra) for document in documents]
    manifests = tuple(manifest for manifest in parsed if manifest is not None)
    if findings:
        lines, redactor = text.splitlines(), Redactor.of(secrets)
        findings = bounded(with_template_named(finding, lines) for finding in findings)
        findings = [with_excerpt(finding, lines, redactor) for finding in findings]
    if check is not None:
        findings = bounded([*findings, *check(manifests)])
    summary = FileSummary(
        findings=tuple(findings),
        identities=tuple(identity for manifest in manifests for identity in identities(manifest)),
        included=frozenset(included),
        extent=extent,
    )
    return FileContent(manifests=manifests, summary=summary, secrets=frozenset(secrets))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """The manifests below some paths, and everything that is wrong with them.

    Args:
        manifests: The valid manifests, in the order of their files.
        findings: The findings, errors first, then by file and position.
        files: The number of files that were read.
        secrets: The values that came through `!env`, which must not be shown anywhere.
        empty: The files of zero bytes, which an interrupted write may have left.
        left_out: The file of each name in a file that looks like a manifest and is not read.
    """

    manifests: tuple[Manifest, ...]
    findings: tuple[Finding, ...]
    files: int
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    empty: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

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
    options: ReadOptions | None = None,
    check: ManifestCheck | None = None,
    on_progress: OnProgress = no_progress,
) -> LoadResult:
    """Load and check every manifest that `paths` name; errors become findings, never exceptions.

    Args:
        paths: Files and directories, or `-` for standard input.
        env: The variables for `!env`.
        options: How the files are read.
        check: A further check of the manifests of one file.
        on_progress: Called after each file.
    """
    options = options or ReadOptions()
    files, problems = find_files(tuple(paths), options.excludes)
    limit = FindingLimit()
    contents = read_within_bounds(
        files,
        (
            dataclasses.replace(content, summary=limit.kept_summary(content.summary))
            for file in files
            for content in [read_file(file, env, options, check)]
        ),
        lambda content: content.summary.extent,
        problems,
        on_progress,
    )
    files = files[: len(contents)]
    return LoadResult(
        manifests=tuple(manifest for content in contents for manifest in content.manifests),
        findings=combine_findings(problems, files, [content.summary for content in contents], limit),
        files=len(files),
        secrets=frozenset().union(*(content.secrets for content in contents)),
        empty=tuple(printable(str(file.path)) for file in files if _is_empty(file.path)),
        left_out={
            name: finding.file
            for finding in problems
            if finding.rule == LEFT_OUT
            for name in left_out_names(ManifestFile(Path(finding.file), Path(finding.file).parent.resolve()))
        },
    )


def with_required_variables(loaded: LoadResult, needs: Callable[[Manifest], bool]) -> LoadResult:
    """Return `loaded` where a missing variable is an error in the manifests that a run is about.

    Args:
        loaded: The result of `load_manifests` without `require_env`.
        needs: Returns whether the run needs the values of a manifest.
    """
    missing = {
        (manifest.source.file, manifest.source.document.position(path))
        for manifest in loaded.manifests
        if needs(manifest)
        for path in manifest.source.document.unset
    }
    if not missing:
        return loaded
    rest: list[Finding] = []
    raised: list[Finding] = []
    for finding in loaded.findings:
        is_missing = finding.rule == _ENV_RULE and (finding.file, finding.position) in missing
        (raised if is_missing else rest).append(finding)
    shown = {(finding.file, finding.position) for finding in raised}
    raised += (  # a file has a limit of findings, and warnings are the first to go
        Finding(
            file=file,
            rule=_ENV_RULE,
            message="an environment variable that is read here is not set",
            position=position,
        )
        for file, position in missing - shown
    )
    errors = [dataclasses.replace(finding, severity=Severity.ERROR) for finding in raised]
    return dataclasses.replace(loaded, findings=first_findings([*errors, *rest], Counter()))


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except OSError:  # an unreadable file has a finding
        return False


def _joined_pair(match: re.Match[str]) -> str:
    high, low = int(match[2], 16), int(match[3], 16)
    return f"{match[1]}\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08x}"
