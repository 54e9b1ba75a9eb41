"""Loader of manifests: of one file, and of all files below some paths."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from reconciler.concurrency import OnProgress, no_progress
from reconciler.files import UnreadableError
from reconciler.findings import CheckResult, Finding, Position, Severity, has_errors
from reconciler.manifests.discovery import LEFT_OUT, ManifestFile, find_files, left_out_names, text_of
from reconciler.manifests.documents import Document, read_documents
from reconciler.manifests.file_findings import (
    FileSummary,
    FindingLimit,
    bounded,
    combine_findings,
    first_findings,
    identities,
    is_left_out_part,
    read_within_bounds,
    template_parts,
    with_excerpt,
)
from reconciler.manifests.manifest import Manifest, WorkflowManifest
from reconciler.manifests.parsing import parse_manifest
from reconciler.manifests.read_options import ReadOptions
from reconciler.manifests.rendering import IncludedFiles, rendered_text
from reconciler.manifests.tag_readers import env_reader, file_reader, param_reader
from reconciler.manifests.template_expressions import with_template_named
from reconciler.manifests.yaml_nodes import json_as_yaml
from reconciler.manifests.yaml_values import Extent, Tags
from reconciler.secrecy import Redactor
from reconciler.text import printable
from reconciler.worker_processes import map_in_processes, processors

if TYPE_CHECKING:
    from reconciler.manifests.overlays import Overlays

_ENV_RULE: Final = "env"
_BATCH: Final = 50
"""The most files whose results a process sends at once."""

_BATCHES: Final = 10
"""The number of times that each process sends results, so that whoever waits for them begins early."""
_PARALLEL_FROM: Final = 200
"""The number of files from which processes are worth their start."""

T = TypeVar("T")

ManifestCheck: TypeAlias = Callable[[Sequence[Manifest]], Iterable[Finding]]
"""A further check of the valid manifests of one file; its findings are ready to be shown."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FileContent:
    """The valid manifests of one file, its findings, and the values that came through `!env`."""

    manifests: tuple[Manifest, ...]
    summary: FileSummary
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _FileDocuments:
    """The documents of one file, and what reading them found."""

    documents: Sequence[Document] = ()
    findings: list[Finding] = field(default_factory=list)
    sources: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_template: bool = False
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    parts: frozenset[Path] = frozenset()
    included: frozenset[Path] = frozenset()
    extent: Extent = field(default_factory=Extent)


def _read_documents(
    file: ManifestFile,
    env: Mapping[str, str],
    options: ReadOptions,
    files: IncludedFiles,
    *,
    keep_null: bool = False,
) -> _FileDocuments:
    name = printable(str(file.path))
    try:
        text = text_of(file)
    except UnreadableError as error:
        message = printable(f"cannot be read: {error}")
        return _FileDocuments(findings=[Finding(file=name, rule="unreadable", message=message)])
    content = rendered_text(file, text, env, options, files)
    if content.problem is not None:
        return _FileDocuments(
            findings=[content.problem],
            sources=content.sources,
            is_template=True,
            included=content.included,
            parts=content.included,
        )
    text = content.text
    if ".json" in (suffix.lower() for suffix in file.path.suffixes):
        text = json_as_yaml(text)
    secrets = set(content.secrets)
    included: set[Path] = set()
    extent = Extent(steps=content.steps)
    tags = Tags(
        env=env_reader(env, secrets, require_env=options.require_env),
        file=file_reader(file, included),
        param=param_reader(options.parameters),
        secret=content.variable if content.secrets else None,
    )
    documents, findings = read_documents(name, text, tags, extent, content.origins, keep_null=keep_null)
    extent.characters += len(text)  # a document keeps it
    return _FileDocuments(
        documents=documents,
        findings=findings,
        sources={name: text} if content.origins is None else content.sources,
        is_template=content.origins is not None,
        secrets=frozenset(secrets),
        parts=content.included,
        included=content.included | included,
        extent=extent,
    )


def read_file(  # noqa: PLR0913, PLR0917 - each has its default
    file: ManifestFile,
    env: Mapping[str, str],
    options: ReadOptions | None = None,
    check: ManifestCheck | None = None,
    overlays: Overlays | None = None,
    files: IncludedFiles | None = None,
) -> FileContent:
    """Return the content of `file`.

    Args:
        file: The file.
        env: The variables for `!env`.
        options: How it is read.
        check: A further check of its manifests.
        overlays: What is laid over its documents, from `read_overlays`.
        files: The files that templates of the run include.
    """
    options = options or ReadOptions()
    read = _read_documents(file, env, options, files or IncludedFiles())
    findings, secrets, included = read.findings, read.secrets, read.included
    documents, names = read.documents, frozenset[str]()
    if read.is_template or any(document.parameters for document in documents):
        included |= options.parameters.files
    if overlays is not None:
        names = overlays.names_in(documents)
        documents = [overlays.laid_over(document, findings) for document in documents]
        secrets |= overlays.secrets
        included |= overlays.files_of(names)
    parsed = [parse_manifest(document, findings, options.extra) for document in documents]
    manifests = tuple(manifest for manifest in parsed if manifest is not None)
    if findings:
        findings = _shown(findings, read, secrets, overlays)
    if check is not None:
        findings = bounded([*findings, *check(manifests)])
    summary = FileSummary(
        findings=tuple(findings),
        identities=tuple(identity for manifest in manifests for identity in identities(manifest)),
        included=included,
        parts=read.parts,
        extent=read.extent,
        names=names,
    )
    if options.digests:
        manifests = tuple(_as_kept(manifest, alone=len(documents) == 1) for manifest in manifests)
    return FileContent(manifests=manifests, summary=summary, secrets=secrets)


def _as_kept(manifest: Manifest, *, alone: bool) -> Manifest:
    """Return a manifest as a plan keeps thousands: with the digests of its body, and less text.

    Args:
        manifest: The manifest.
        alone: Whether no other manifest has the same text, which is then compressed.
    """
    from reconciler.workflow import PackedBody  # noqa: PLC0415 - only a plan keeps them

    source = manifest.source
    if alone:
        source = dataclasses.replace(source, document=source.document.compressed())
    is_whole = isinstance(manifest, WorkflowManifest)
    packed = PackedBody.of_body(manifest.body) if is_whole else manifest.packed.with_digest()
    return dataclasses.replace(manifest, packed=packed, source=source)


@contextmanager
def reading_files(files: Sequence[ManifestFile], read: Callable[[ManifestFile], T]) -> Iterator[Iterator[T]]:
    """Provide `read(file)` for each of `files`, in their order, from as many processes as pay off.

    They start at once: other threads may only be started after.

    Args:
        files: The files.
        read: Reads a file; its results can be pickled.

    Raises:
        WorkerKilledError: A process ended before its work was done; where the results are read.
    """
    processes = min(processors(), len(files) // _BATCH)
    if len(files) < _PARALLEL_FROM or processes < 2:  # noqa: PLR2004 - one is no help
        yield map(read, files)
        return
    batch = min(_BATCH, len(files) // (processes * _BATCHES))
    with map_in_processes(read, files, processes, max(1, batch)) as results:
        yield results


def read_overlays(env: Mapping[str, str], options: ReadOptions, problems: list[Finding]) -> Overlays | None:
    """Return the overlays of a run; `None` if there are none, and names stay as they are.

    Args:
        env: The variables for `!env`.
        options: How manifests are read.
        problems: The list to which what is wrong with them is added.
    """
    chosen = options.overlays
    if chosen.is_empty:
        return None
    from reconciler.manifests.overlays import (  # noqa: PLC0415 - most runs have none
        Overlays,
        overlay_problem,
        stated_name,
    )

    files, findings = find_files(chosen.paths)
    problems += findings
    documents: dict[str, list[Document]] = {}
    secrets: set[str] = set()
    lines: dict[str, Sequence[str]] = {}
    included = IncludedFiles()
    for file in files:
        inside = dataclasses.replace(file, root=chosen.root)
        read = _read_documents(inside, env, options, included, keep_null=True)
        wrong = [overlay_problem(document) for document in read.documents]
        for document, problem in zip(read.documents, wrong, strict=True):
            if problem is None:
                documents.setdefault(stated_name(document.value), []).append(document)
        secrets |= read.secrets
        lines |= {name: text.splitlines() for name, text in read.sources.items()}
        found = [*read.findings, *(problem for problem in wrong if problem is not None)]
        problems += _shown(found, read, frozenset(secrets), None)
    return Overlays(documents=documents, options=chosen, secrets=frozenset(secrets), lines=lines)


def _shown(
    findings: list[Finding], read: _FileDocuments, secrets: frozenset[str], overlays: Overlays | None
) -> list[Finding]:
    """Return the findings of one file as they are shown: bounded, and each with its line."""
    lines: dict[str, Sequence[str]] = {name: text.splitlines() for name, text in read.sources.items()}
    lines |= overlays.lines if overlays is not None else {}
    redactor = Redactor.of(secrets)
    if not read.is_template:
        findings = [with_template_named(finding, lines.get(finding.file, ())) for finding in findings]
    return [with_excerpt(finding, lines.get(finding.file, ()), redactor) for finding in bounded(findings)]


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


def load_manifests(  # noqa: PLR0913 - each has its default
    paths: Sequence[str],
    env: Mapping[str, str],
    options: ReadOptions | None = None,
    check: ManifestCheck | None = None,
    on_progress: OnProgress = no_progress,
    *,
    on_manifest: Callable[[Manifest], None] = lambda _: None,
) -> LoadResult:
    """Load and check every manifest that `paths` name; errors become findings, never exceptions.

    Many files are read in several processes.

    Args:
        paths: Files and directories, or `-` for standard input.
        env: The variables for `!env`.
        options: How the files are read.
        check: A further check of the manifests of one file.
        on_progress: Called before the first file, and after each; it may start threads.
        on_manifest: Called with each valid manifest as soon as it is there.

    Raises:
        WorkerKilledError: A process that read a part of the files was killed.
    """
    options = options or ReadOptions()
    files, problems = find_files(tuple(paths), options.excludes)
    overlays = read_overlays(env, options, problems)
    limit = FindingLimit()
    read = partial(read_file, env=env, options=options, check=check, overlays=overlays, files=IncludedFiles())

    def taken(content: FileContent) -> FileContent:
        for manifest in content.manifests:
            on_manifest(manifest)
        return dataclasses.replace(content, summary=limit.kept_summary(content.summary))

    with reading_files(files, read) as found:
        contents = read_within_bounds(
            files, map(taken, found), lambda content: content.summary.extent, problems, on_progress
        )
    files = files[: len(contents)]
    summaries = [content.summary for content in contents]
    parts = template_parts(summaries)
    if overlays is not None:
        problems += unmatched_overlays(overlays, problems, summaries)
    return LoadResult(
        manifests=tuple(manifest for content in contents for manifest in content.manifests),
        findings=combine_findings(problems, files, summaries, limit),
        files=len(files),
        secrets=frozenset().union(*(content.secrets for content in contents)),
        empty=tuple(printable(str(file.path)) for file in files if _is_empty(file.path)),
        left_out={
            name: finding.file
            for finding in problems
            if finding.rule == LEFT_OUT and not is_left_out_part(finding, parts)
            for name in left_out_names(ManifestFile(Path(finding.file), Path(finding.file).parent.resolve()))
        },
    )


def with_required_variables(loaded: LoadResult, needs: Callable[[Manifest], bool]) -> LoadResult:
    """Return `loaded` where a missing variable is an error in the manifests that a run is about.

    Args:
        loaded: The result of `load_manifests` without `require_env`.
        needs: Returns whether the run needs the values of a manifest.
    """
    missing = _unset_places(loaded, needs).keys()
    if not missing:
        return loaded
    rest: list[Finding] = []
    raised: list[Finding] = []
    for finding in loaded.findings:
        is_missing = finding.rule == _ENV_RULE and _place(finding.file, finding.position) in missing
        (raised if is_missing else rest).append(finding)
    shown = {_place(finding.file, finding.position) for finding in raised}
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


def required_variables(loaded: LoadResult, needs: Callable[[Manifest], bool]) -> list[str]:
    """Return the variables that a run needs and that are not set, sorted; none if anything else is wrong.

    Takes what `with_required_variables` returns, and the same `needs`.
    """
    missing = _unset_places(loaded, needs)
    errors = [finding for finding in loaded.findings if finding.severity is Severity.ERROR]
    others = [item for item in errors if _place(item.file, item.position) not in missing]
    return [] if others else sorted(set(missing.values()))


def _unset_places(
    loaded: LoadResult, needs: Callable[[Manifest], bool]
) -> dict[tuple[str, Position | None], str]:
    """Return the variable of each place where a needed one is not set."""
    return {
        _place(manifest.source.file, manifest.source.document.position(path)): tag.name
        for manifest in loaded.manifests
        if needs(manifest)
        for path, tag in manifest.source.document.unset.items()
    }


def unmatched_overlays(
    overlays: Overlays, problems: Iterable[Finding], summaries: Sequence[FileSummary]
) -> list[Finding]:
    """Return an error for each overlay without a manifest; none while another error may hide one."""
    if has_errors((*problems, *(finding for summary in summaries for finding in summary.findings))):
        return []
    return [*overlays.unmatched(name for summary in summaries for name in summary.names)]


def _place(file: str, position: Position | None) -> tuple[str, Position | None]:
    """Return the file that a value is in, and its position there."""
    if position is None or not position.file:
        return file, position
    return position.file, position._replace(file="")


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except OSError:  # an unreadable file has a finding
        return False
