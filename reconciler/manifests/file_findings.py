"""Findings of a check: bounded for each file, with excerpts, and those that hold over several files."""

from __future__ import annotations

import dataclasses
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path as FilePath
from typing import Final, TypeVar

from reconciler.concurrency import OnProgress, no_progress
from reconciler.findings import Finding, Position, Severity, has_errors
from reconciler.manifests.discovery import LEFT_OUT, ManifestFile
from reconciler.manifests.manifest import Manifest
from reconciler.manifests.yaml_values import Extent
from reconciler.secrecy import (
    SENSITIVE,
    Redactor,
    ends_in_secret_field,
    mask_credentials,
    may_hold_credential,
    mentions_secret,
)
from reconciler.text import clip, printable
from reconciler.values import Path

MAX_FINDINGS: Final = 200
"""Findings reported for one file."""

MAX_RUN_FINDINGS: Final = 1_000
"""Errors, and warnings, reported for all files of a run."""

MAX_RUN_VALUES: Final = 4_000_000
"""Values in all files of a run, aliases expanded."""

MAX_RUN_CHARACTERS: Final = 200_000_000
"""Characters of text in all files of a run, aliases and `!file` expanded."""

MAX_RUN_STEPS: Final = 10_000_000
"""Steps that the templates of all files of a run take."""

T = TypeVar("T")

_PINNED_ID: Final[Path] = ("reconcile", "id")
_FROM_ENV: Final = re.compile(r"!env\s*\{")
_LONGEST: Final = 400
_SHOWN_PLACES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Identity:
    """A name or a pinned id, by which a manifest claims a live workflow.

    Args:
        kind: `name` or `id`.
        value: The name, or the id as text.
        sensitive: Whether the value must not be shown.
        file: The file of the manifest.
        path: The path of the value inside the document.
        position: The position of the value.
        place: The place of the manifest, as it is shown.
    """

    kind: str
    value: str = field(repr=False)
    sensitive: bool
    file: str
    path: Path
    position: Position | None
    place: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FileSummary:
    """The result of checking one file, without the manifests: bodies may be large and hold secrets.

    Args:
        findings: The findings, at most `MAX_FINDINGS` and one that says that there are more.
        identities: The identities of the valid manifests.
        included: The files that the file includes, with `!file` or in a template, resolved.
        parts: Those of them that a template includes.
        extent: How much was built from the file.
        names: The names that its documents state, where overlays are laid over them.
    """

    findings: tuple[Finding, ...]
    identities: tuple[Identity, ...] = ()
    included: frozenset[FilePath] = frozenset()
    parts: frozenset[FilePath] = frozenset()
    extent: Extent = field(default_factory=Extent)
    names: frozenset[str] = frozenset()

    @property
    def manifests(self) -> int:
        """The number of valid manifests."""
        return sum(identity.kind == "name" for identity in self.identities)

    @property
    def without_details(self) -> FileSummary:
        """The same with one finding at most, for a file that is not reported on."""
        return dataclasses.replace(self, findings=self.findings[:1])


def identities(manifest: Manifest) -> Iterator[Identity]:
    """Yield the name of a manifest and its pinned id."""
    source = manifest.source
    path = (*source.base, "name")
    identity = Identity(
        kind="name",
        value=manifest.name,
        sensitive=("name",) in manifest.sensitive,
        file=source.file,
        path=path,
        position=source.document.position(path),
        place=str(source),
    )
    yield identity
    if manifest.settings.id is not None:
        yield dataclasses.replace(
            identity,
            kind="id",
            value=str(manifest.settings.id),
            sensitive=False,
            path=_PINNED_ID,
            position=source.document.position(_PINNED_ID),
        )


def bounded(findings: Iterable[Finding]) -> list[Finding]:
    """Return at most `MAX_FINDINGS` findings, errors first, and one that says that there are more."""
    findings = list(dict.fromkeys(findings))
    if len(findings) <= MAX_FINDINGS:
        return findings
    severity = Severity.ERROR if has_errors(tuple(findings)) else Severity.WARNING
    shown = sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR)
    message = f"more than {MAX_FINDINGS} findings in this file; the rest is not shown"
    more = Finding(file=findings[0].file, rule="too-many-findings", message=message, severity=severity)
    return [*shown[:MAX_FINDINGS], more]


class FindingLimit:
    """The limit of the findings of a run, by severity: a tree of bad files may have millions."""

    def __init__(self) -> None:
        self._kept: Counter[Severity] = Counter()
        self.left_out: Counter[Severity] = Counter()

    def kept(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return those of `findings` that are within the limit; the others are counted."""
        kept = []
        for finding in findings:
            within = self._kept[finding.severity] < MAX_RUN_FINDINGS
            (self._kept if within else self.left_out)[finding.severity] += 1
            if within:
                kept.append(finding)
        return kept

    def kept_summary(self, summary: FileSummary) -> FileSummary:
        """Return `summary` with those of its findings that are within the limit."""
        return dataclasses.replace(summary, findings=tuple(self.kept(summary.findings)))


def read_within_bounds(
    files: Sequence[ManifestFile],
    items: Iterable[T],
    extent_of: Callable[[T], Extent],
    problems: list[Finding],
    on_progress: OnProgress = no_progress,
) -> list[T]:
    """Return `items`, or those up to a bound of a whole run, which is then added to `problems`.

    Args:
        files: The file of each item.
        items: What was read from each file; no more are taken past the bound.
        extent_of: Returns how much an item holds.
        problems: The list to which a finding is added.
        on_progress: Called before the first file, and after each.
    """
    total = Extent()
    taken: list[T] = []
    on_progress("reading manifests", 0, len(files))
    for file, item in zip(files, items, strict=True):
        taken.append(item)
        on_progress("reading manifests", len(taken), len(files))
        extent = extent_of(item)
        total.values += extent.values
        total.characters += extent.characters
        total.steps += extent.steps
        problem = _past_bound(total)
        if problem:
            message = f"{problem}, up to this file; the files after it were not read: check fewer at a time"
            problems.append(Finding(file=printable(str(file.path)), rule="too-large", message=message))
            break
    return taken


def _past_bound(total: Extent) -> str:
    if total.values > MAX_RUN_VALUES:
        return f"more than {MAX_RUN_VALUES} values in all files, aliases expanded"
    if total.characters > MAX_RUN_CHARACTERS:
        return f"more than {MAX_RUN_CHARACTERS} characters of text in all files, aliases and !file expanded"
    if total.steps > MAX_RUN_STEPS:
        return f"more than {MAX_RUN_STEPS} steps of templates in all files"
    return ""


def with_excerpt(finding: Finding, lines: Sequence[str], redactor: Redactor) -> Finding:
    """Return `finding` with its line as the excerpt, and with credentials removed from its message.

    There is no excerpt if the value is a secret, if a word on the line suggests a secret, if part of the line
    looks like a credential or contains what `redactor` knows, or if the line is too long to read.
    """
    message = mask_credentials(finding.message)
    if message != finding.message:
        finding = dataclasses.replace(finding, message=message)
    if finding.position is None or finding.position.line > len(lines) or _is_secret(finding.path):
        return finding
    line = lines[finding.position.line - 1]
    if len(line) > _LONGEST or mentions_secret(line) or _FROM_ENV.search(line) or may_hold_credential(line):
        return finding
    if finding.rule == "schema-unknown-key" and mentions_secret(finding.message):
        return finding  # the misspelled key of a secret
    if redactor.finds(line):
        return finding
    return dataclasses.replace(finding, excerpt=line)


def _is_secret(path: Path) -> bool:
    return ends_in_secret_field(path) or path[-2:] == ("set", "token")


def combine_findings(
    problems: Iterable[Finding],
    files: Sequence[ManifestFile],
    summaries: Sequence[FileSummary],
    limit: FindingLimit,
    reported: Callable[[int], bool] = lambda _: True,
) -> tuple[Finding, ...]:
    """Return all findings of a check within the limit of a run, sorted, with those over several files.

    Args:
        problems: The findings about the paths.
        files: The files, in the order of `summaries`.
        summaries: The result of each file, its findings within `limit`.
        limit: What was kept and left out so far.
        reported: Returns whether to report the findings of the file with this index.
    """
    parts = template_parts(summaries)
    findings = {
        finding
        for index, summary in enumerate(summaries)
        if reported(index) and not _is_part(files[index], summary, parts)
        for finding in summary.findings
    }
    problems = (problem for problem in problems if not is_left_out_part(problem, parts))
    findings.update(limit.kept(problems), limit.kept(_duplicates(summaries, reported)))
    if not findings and not any(summary.identities or summary.findings for summary in summaries):
        findings.update(limit.kept(_no_manifests(files, reported)))
    return first_findings(findings, limit.left_out)


def _is_part(file: ManifestFile, summary: FileSummary, parts: frozenset[FilePath]) -> bool:
    """Whether a file is no manifest by itself, and part of one that is a template."""
    return bool(parts) and not summary.identities and FilePath(os.path.realpath(file.path)) in parts


def template_parts(summaries: Iterable[FileSummary]) -> frozenset[FilePath]:
    """Return the files that templates include, which are no manifests by themselves."""
    return frozenset[FilePath]().union(*(summary.parts for summary in summaries))


def is_left_out_part(problem: Finding, parts: frozenset[FilePath]) -> bool:
    """Return whether a finding is about a file that is not read by itself, but by a template."""
    return bool(parts) and problem.rule == LEFT_OUT and FilePath(os.path.realpath(problem.file)) in parts


def first_findings(findings: Iterable[Finding], left_out: Counter[Severity]) -> tuple[Finding, ...]:
    """Return the findings of a run that are shown, sorted, and those that count the rest, by severity.

    Args:
        findings: The findings, of which the first `MAX_RUN_FINDINGS` are shown.
        left_out: How many are not among them, by severity.
    """
    ordered = sorted(findings, key=Finding.sort_key)
    shown, rest = ordered[:MAX_RUN_FINDINGS], ordered[MAX_RUN_FINDINGS:]
    left_out = left_out.copy()
    for finding in rest:
        left_out[finding.severity] += finding.number
    more = (
        Finding(
            file=shown[-1].file,
            rule="too-many-findings",
            message=f"{number} {severity.value}{'s' if number > 1 else ''} more in all files; "
            "fix those shown, or check fewer files at a time",
            severity=severity,
            number=number,
        )
        for severity in Severity
        if (number := left_out[severity])
    )
    return (*shown, *more)


def _no_manifests(files: Sequence[ManifestFile], reported: Callable[[int], bool]) -> Iterator[Finding]:
    for index, file in enumerate(files):
        if reported(index):
            name = printable(str(file.path))
            yield Finding(file=name, rule="no-manifests", message="no manifests in this file")


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
