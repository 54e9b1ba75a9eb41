"""From the paths a user names to checked manifests, with every mistake of every file as a finding."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciler.findings import Finding, Severity, has_errors
from reconciler.manifests.bounds import MAX_FINDINGS, MAX_INCLUDED_BYTES
from reconciler.manifests.checked import read_manifest
from reconciler.manifests.documents import Document, Included, Tags, read_documents
from reconciler.manifests.files import ManifestFile, UnreadableError, find_files, read_text
from reconciler.manifests.manifest import Manifest
from reconciler.text import SENSITIVE, clip, printable
from reconciler.values import Path

_SHOWN_PLACES = 5
_PINNED_ID: Path = ("reconcile", "id")
# JSON writes a character beyond the first 65,536 as two escapes, which YAML does not allow.
_ESCAPED_PAIR = re.compile(
    r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What was found below the paths.

    Args:
        manifests: The valid ones, in the order of their files.
        findings: Every mistake, sorted by file and place.
        files: How many files were read.
        secrets: The values that came through `!env`, to be kept out of every output.
    """

    manifests: tuple[Manifest, ...]
    findings: tuple[Finding, ...]
    files: int
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def valid(self) -> bool:
        """Whether no finding is an error."""
        return not has_errors(self.findings)


def load_manifests(paths: tuple[str, ...], env: Mapping[str, str], *, require_env: bool = True) -> LoadResult:
    """Load and check every manifest that `paths` name.

    Args:
        paths: Files and directories.
        env: What `!env` reads from.
        require_env: Whether a variable that is not set is an error; else it is a warning, and a
            placeholder stands in its place (a check before a merge has no secrets).

    Returns:
        The manifests and the findings. Nothing is raised for what a file says.
    """
    files, findings = find_files(paths)
    manifests: list[Manifest] = []
    secrets: set[str] = set()
    for file in files:
        found: list[Finding] = []
        for document in _read(file, env, secrets, found, require_env=require_env):
            manifest = read_manifest(document, found)
            if manifest is not None:
                manifests.append(manifest)
        findings.extend(_bounded(found))
    findings.extend(_duplicates(manifests))
    if not manifests and not findings:
        message = "there is no manifest in here"
        names = [printable(str(file.path)) for file in files]
        findings.extend(Finding(file=name, rule="no-manifests", message=message) for name in names)
    ordered = sorted(set(findings), key=Finding.sort_key)
    return LoadResult(
        manifests=tuple(manifests), findings=tuple(ordered), files=len(files), secrets=frozenset(secrets)
    )


def _bounded(findings: list[Finding]) -> list[Finding]:
    """Return at most `MAX_FINDINGS` of one file's findings, and one that says that there are more."""
    findings = list(dict.fromkeys(findings))
    if len(findings) <= MAX_FINDINGS:
        return findings
    severity = Severity.ERROR if has_errors(tuple(findings)) else Severity.WARNING
    shown = sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR)
    message = f"there is more wrong with this file; only {MAX_FINDINGS} of its mistakes are told"
    more = Finding(file=findings[0].file, rule="too-many-findings", message=message, severity=severity)
    return [*shown[:MAX_FINDINGS], more]


def _read(
    file: ManifestFile,
    env: Mapping[str, str],
    secrets: set[str],
    findings: list[Finding],
    *,
    require_env: bool,
) -> list[Document]:
    name = printable(str(file.path))
    try:
        text = read_text(file.path, file.root)
    except UnreadableError as error:
        findings.append(Finding(file=name, rule="unreadable", message=printable(f"cannot be read: {error}")))
        return []
    if file.path.suffix == ".json":
        text = _ESCAPED_PAIR.sub(_joined_pair, text)
    tags = Tags(env=_env_reader(env, secrets, require_env=require_env), file=_file_reader(file))
    documents, problems = read_documents(name, text, tags)
    findings.extend(problems)
    return documents


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


def _file_reader(file: ManifestFile) -> Callable[[str], Included]:
    def read(name: str) -> Included:
        try:
            return Included(value=read_text(file.path.parent / name, file.root, MAX_INCLUDED_BYTES))
        except (UnreadableError, ValueError) as error:
            return Included(problem=f"the file {clip(name, 100)!r} cannot be included: {error}")

    return read


def _duplicates(manifests: list[Manifest]) -> list[Finding]:
    """Return a finding for each manifest whose name, or pinned id, another manifest has too."""
    groups: dict[tuple[str, str], list[int]] = {}
    for index, manifest in enumerate(manifests):
        groups.setdefault(("name", manifest.name), []).append(index)
        if manifest.settings.id is not None:
            groups.setdefault(("id", str(manifest.settings.id)), []).append(index)
    repeated = {key: group for key, group in groups.items() if len(group) > 1}
    # In the order of the files, since looking up a place reads the file's text again.
    places = {
        index: str(manifests[index].source)
        for index in sorted({i for group in repeated.values() for i in group})
    }
    return [
        _duplicate(manifests[index], what, value, [places[other] for other in group if other != index])
        for (what, value), group in repeated.items()
        for index in group
    ]


def _duplicate(manifest: Manifest, what: str, value: str, others: list[str]) -> Finding:
    source, path = manifest.source, _PINNED_ID
    if what == "name":
        path = (*source.base, "name")
        value = SENSITIVE if ("name",) in manifest.sensitive else clip(value, 100)
    shown = ", ".join(others[:_SHOWN_PLACES])
    more = f" and {len(others) - _SHOWN_PLACES} more" if len(others) > _SHOWN_PLACES else ""
    return Finding(
        file=source.file,
        rule=f"duplicate-{what}",
        message=printable(f"the {what} {value!r} is also used in {shown}{more}"),
        path=path,
        position=source.document.position(path),
    )
