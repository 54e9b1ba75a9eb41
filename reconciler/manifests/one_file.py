"""One file to its manifests and findings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.files import UnreadableError
from reconciler.findings import Finding, Severity, has_errors
from reconciler.manifests.bounds import MAX_FINDINGS, MAX_INCLUDED_BYTES
from reconciler.manifests.documents import read_documents
from reconciler.manifests.excerpts import with_excerpt
from reconciler.manifests.files import ManifestFile, read_text
from reconciler.manifests.manifest import Manifest
from reconciler.manifests.parsing import read_manifest
from reconciler.manifests.values import Included, Tags
from reconciler.secrecy import Redactor
from reconciler.text import clip, printable

# JSON writes a character beyond the first 65,536 as two escapes, which YAML does not allow.
_ESCAPED_PAIR = re.compile(
    r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContent:
    """What one file holds.

    Args:
        manifests: The valid manifests, in their order.
        findings: Every mistake, the first `MAX_FINDINGS` of them.
        secrets: The values that came through `!env`.
        included: The files that `!file` names, resolved.
    """

    manifests: tuple[Manifest, ...]
    findings: tuple[Finding, ...]
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    included: frozenset[Path] = frozenset()


def read_file(file: ManifestFile, env: Mapping[str, str], *, require_env: bool) -> FileContent:
    """Return what `file` holds; nothing is raised for what it says.

    Args:
        file: The file.
        env: What `!env` reads from.
        require_env: Whether a variable that is not set is an error; else it is a warning.
    """
    try:
        text = file.text if file.text is not None else read_text(file.path, file.root)
    except UnreadableError as error:
        message = printable(f"cannot be read: {error}")
        finding = Finding(file=printable(str(file.path)), rule="unreadable", message=message)
        return FileContent(manifests=(), findings=(finding,))
    if file.path.suffix == ".json":
        text = _ESCAPED_PAIR.sub(_joined_pair, text)
    return _content(file, text, env, require_env=require_env)


def _content(file: ManifestFile, text: str, env: Mapping[str, str], *, require_env: bool) -> FileContent:
    secrets: set[str] = set()
    included: set[Path] = set()
    tags = Tags(env=_env_reader(env, secrets, require_env=require_env), file=_file_reader(file, included))
    documents, findings = read_documents(printable(str(file.path)), text, tags)
    read = [read_manifest(document, findings) for document in documents]
    lines = text.splitlines() if findings else []
    redactor = Redactor.of(secrets)
    return FileContent(
        manifests=tuple(manifest for manifest in read if manifest is not None),
        findings=tuple(with_excerpt(finding, lines, redactor) for finding in bounded(findings)),
        secrets=frozenset(secrets),
        included=frozenset(included),
    )


def bounded(findings: list[Finding]) -> list[Finding]:
    """Return at most `MAX_FINDINGS` of one file's findings, and one that says that there are more."""
    findings = list(dict.fromkeys(findings))
    if len(findings) <= MAX_FINDINGS:
        return findings
    severity = Severity.ERROR if has_errors(tuple(findings)) else Severity.WARNING
    shown = sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR)
    message = f"there is more wrong with this file; only {MAX_FINDINGS} of its mistakes are told"
    more = Finding(file=findings[0].file, rule="too-many-findings", message=message, severity=severity)
    return [*shown[:MAX_FINDINGS], more]


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
        secrets.add(value)
        return Included(value=value, sensitive=True)

    return read


def _file_reader(file: ManifestFile, included: set[Path]) -> Callable[[str], Included]:
    def read(name: str) -> Included:
        try:
            included.add((file.path.parent / name).resolve())
            return Included(value=read_text(file.path.parent / name, file.root, MAX_INCLUDED_BYTES))
        except (UnreadableError, ValueError) as error:
            return Included(problem=f"the file {clip(name, 100)!r} cannot be included: {error}")

    return read
