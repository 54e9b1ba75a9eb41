"""From the paths a user names to checked manifests, with every mistake of every file as a finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciler.findings import Finding, Severity, has_errors
from reconciler.manifests.bounds import MAX_INCLUDED_BYTES
from reconciler.manifests.checked import read_manifest
from reconciler.manifests.documents import Document, Included, Tags, read_documents
from reconciler.manifests.files import ManifestFile, UnreadableError, find_files, read_text
from reconciler.manifests.manifest import (
    Manifest,
)
from reconciler.text import clip, printable


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
        for document in _read(file, env, secrets, findings, require_env=require_env):
            manifest = read_manifest(document, findings)
            if manifest is not None:
                manifests.append(manifest)
    findings.extend(_duplicates(manifests))
    if files and not manifests and not findings:
        names = ", ".join(printable(str(file.path)) for file in files[:3])
        findings.append(Finding(file=names, rule="no-manifests", message="there is no manifest in here"))
    ordered = sorted(set(findings), key=Finding.sort_key)
    return LoadResult(
        manifests=tuple(manifests), findings=tuple(ordered), files=len(files), secrets=frozenset(secrets)
    )


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
    tags = Tags(env=_env_reader(env, secrets, require_env=require_env), file=_file_reader(file))
    documents, problems = read_documents(name, text, tags)
    findings.extend(problems)
    return documents


def _env_reader(
    env: Mapping[str, str], secrets: set[str], *, require_env: bool
) -> Callable[[str, str | None], Included]:
    def read(name: str, default: str | None) -> Included:
        value = env.get(name, default)
        if value is None:
            problem = f"the environment variable {name!r} is not set; set it, or write a default"
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
    groups: dict[tuple[str, str], list[Manifest]] = {}
    for manifest in manifests:
        groups.setdefault(("name", manifest.name), []).append(manifest)
        if manifest.settings.id is not None:
            groups.setdefault(("id", str(manifest.settings.id)), []).append(manifest)
    findings = []
    for (what, value), group in groups.items():
        places = [str(manifest.source) for manifest in group]
        for manifest, place in zip(group, places, strict=True):
            others = [other for other in places if other is not place]
            if others:
                message = f"the {what} {clip(value, 100)!r} is also used in {', '.join(others)}"
                findings.append(
                    Finding(
                        file=manifest.source.file,
                        rule=f"duplicate-{what}",
                        message=printable(message),
                        path=(*manifest.source.base, "name"),
                        position=manifest.source.position(("name",)),
                    )
                )
    return findings
