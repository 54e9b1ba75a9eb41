"""Reader of one manifest file: its manifests, and everything that is wrong with it."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from reconciler.files import UnreadableError
from reconciler.findings import Finding, Position, Severity, has_errors
from reconciler.manifests.bounds import MAX_FINDINGS, MAX_INCLUDED_BYTES
from reconciler.manifests.discovery import ManifestFile, read_text
from reconciler.manifests.documents import read_documents
from reconciler.manifests.excerpts import with_excerpt
from reconciler.manifests.manifest import Manifest
from reconciler.manifests.parsing import parse_manifest
from reconciler.manifests.yaml_values import Included, Tags
from reconciler.secrecy import Redactor
from reconciler.text import clip, printable
from reconciler.values import Path as ValuePath

# JSON writes a character beyond the first 65,536 as two escapes, which YAML does not allow.
_ESCAPED_PAIR: Final = re.compile(
    r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""What Python has in place of bytes of a variable that are not UTF-8."""

_PINNED_ID: Final[ValuePath] = ("reconcile", "id")

ManifestCheck: TypeAlias = Callable[[Sequence[Manifest]], Iterable[Finding]]
"""A further check of the valid manifests of one file; its findings are ready to be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
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
    path: ValuePath
    position: Position | None
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSummary:
    """The result of checking one file, without the manifests: bodies may be large and hold secrets.

    Args:
        findings: The findings, at most `MAX_FINDINGS` and one that says that there are more.
        identities: The identities of the valid manifests.
        included: The files that `!file` includes, resolved.
    """

    findings: tuple[Finding, ...]
    identities: tuple[Identity, ...] = ()
    included: frozenset[Path] = frozenset()

    @property
    def manifests(self) -> int:
        """The number of valid manifests."""
        return sum(identity.kind == "name" for identity in self.identities)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContent:
    """The content of one manifest file.

    Args:
        manifests: The valid manifests, in their order.
        summary: The findings and the identities.
        secrets: The values that came through `!env`.
    """

    manifests: tuple[Manifest, ...]
    summary: FileSummary
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


def read_file(
    file: ManifestFile, env: Mapping[str, str], *, require_env: bool, check: ManifestCheck | None = None
) -> FileContent:
    """Return the content of `file`; errors in it become findings, never exceptions.

    Args:
        file: The file.
        env: The variables for `!env`.
        require_env: Whether an unset variable is an error; if not, it is a warning.
        check: A further check of the valid manifests.
    """
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
    tags = Tags(env=_env_reader(env, secrets, require_env=require_env), file=_file_reader(file, included))
    documents, findings = read_documents(printable(str(file.path)), text, tags)
    parsed = [parse_manifest(document, findings) for document in documents]
    manifests = tuple(manifest for manifest in parsed if manifest is not None)
    if findings:
        lines, redactor = text.splitlines(), Redactor.of(secrets)
        findings = [with_excerpt(finding, lines, redactor) for finding in _bounded(findings)]
    if check is not None:
        findings = _bounded([*findings, *check(manifests)])
    summary = FileSummary(
        findings=tuple(findings),
        identities=tuple(identity for manifest in manifests for identity in _identities(manifest)),
        included=frozenset(included),
    )
    return FileContent(manifests=manifests, summary=summary, secrets=frozenset(secrets))


def _bounded(findings: list[Finding]) -> list[Finding]:
    """Return at most `MAX_FINDINGS` findings, errors first, and one that says that there are more."""
    findings = list(dict.fromkeys(findings))
    if len(findings) <= MAX_FINDINGS:
        return findings
    severity = Severity.ERROR if has_errors(tuple(findings)) else Severity.WARNING
    shown = sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR)
    message = f"more than {MAX_FINDINGS} findings in this file; the rest is not shown"
    more = Finding(file=findings[0].file, rule="too-many-findings", message=message, severity=severity)
    return [*shown[:MAX_FINDINGS], more]


def _identities(manifest: Manifest) -> Iterator[Identity]:
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


def _joined_pair(match: re.Match[str]) -> str:
    high, low = int(match[2], 16), int(match[3], 16)
    return f"{match[1]}\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08x}"


def _env_reader(
    env: Mapping[str, str], secrets: set[str], *, require_env: bool
) -> Callable[[str, str | None], Included]:
    def read(name: str, default: str | None) -> Included:
        value = env.get(name, default)
        if value is None:
            problem = f"the environment variable {clip(name, 100)!r} is not set; set it, or write a default"
            severity = Severity.ERROR if require_env else Severity.WARNING
            return Included(value=f"${{{name}}}", problem=problem, severity=severity)
        if _SURROGATE.search(value):
            problem = f"the environment variable {clip(name, 100)!r} is not valid UTF-8"
            return Included(value=f"${{{name}}}", problem=problem)
        if name in env:  # a default is in Git
            secrets.add(value)
        return Included(value=value, sensitive=True)

    return read


def _file_reader(file: ManifestFile, included: set[Path]) -> Callable[[str], Included]:
    def read(name: str) -> Included:
        try:
            included.add(Path(os.path.realpath(file.path.parent / name)))
            text = read_text(file.path.parent / name, file.root, MAX_INCLUDED_BYTES)
            return Included(value=text.replace("\r\n", "\n").replace("\r", "\n"))  # as YAML reads a manifest
        except (UnreadableError, ValueError) as error:
            return Included(problem=f"cannot include the file {clip(name, 100)!r}: {error}")

    return read
