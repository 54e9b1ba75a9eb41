"""Rendering of manifests that are templates: their parameters, and the files that they include."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

from reconciler import templates
from reconciler.files import UnreadableError
from reconciler.findings import Finding, Position
from reconciler.manifests.discovery import ManifestFile, read_text
from reconciler.manifests.read_options import ReadOptions
from reconciler.manifests.tag_readers import HOW_TO_SET
from reconciler.text import clip, printable

_RULE: Final = "template"
_KEPT_FILES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ManifestText:
    """The text of a manifest, rendered if it is a template.

    Args:
        text: The text.
        origins: Where each part of it comes from; `None` for a file that is read as it is.
        secrets: The values of environment variables in it, and the name of each.
        steps: The steps that rendering took.
        sources: The text of each template as it is on the disk, by file.
        included: The files that the template includes, resolved.
        problem: Why the template could not be rendered.
    """

    text: str = field(repr=False)
    origins: templates.Origins | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    steps: int = 0
    sources: Mapping[str, str] = field(default_factory=dict, repr=False)
    included: frozenset[Path] = frozenset()
    problem: Finding | None = None

    def variable(self, start: Position, end: Position) -> str:
        """Return the environment variable whose value is between two positions; empty if there is none."""
        if self.origins is None or not self.secrets or not self.origins.is_secret(start, end):
            return ""
        text = self.text[self.origins.offset(start) : self.origins.offset(end)]
        return next((name for value, name in self.secrets.items() if value in text), templates.OS_ENV)


class IncludedFiles:
    """The files that templates of one run include; many include the same ones, which are read once."""

    def __init__(self) -> None:
        self.resolved = lru_cache(_KEPT_FILES)(_resolved)
        self.text = lru_cache(_KEPT_FILES)(_included_text)


def rendered_text(
    file: ManifestFile, text: str, env: Mapping[str, str], options: ReadOptions, files: IncludedFiles
) -> ManifestText:
    """Return the text of a manifest, rendered if the options say that the file is a template.

    Args:
        file: The file.
        text: Its text as it is on the disk.
        env: The variables for `os_env`.
        options: How it is read.
        files: The files that templates of the run include.
    """
    if not options.templates.renders(file.path.name) or not templates.has_expressions(text):
        return ManifestText(text=text)
    name = printable(str(file.path))
    reader = _IncludeReader(file, options.base, files)
    context = templates.RenderContext(
        settings=options.templates,
        parameters=options.parameters.values,
        variables=env,
        read=reader.read,
        suggestion=lambda unset: f"{HOW_TO_SET}; {options.parameters.suggestion(unset)}",
        mention=reader.mention,
    )
    try:
        rendered = templates.render(templates.TemplateFile(name, text), context)
    except templates.TemplateProblemError as problem:
        finding = Finding(
            file=problem.file or name,
            rule=problem.rule,
            message=printable(problem.message),
            position=problem.position,
        )
        sources = {**reader.sources, name: text}
        return ManifestText(text="", sources=sources, included=frozenset(reader.included), problem=finding)
    return ManifestText(
        text=rendered.text,
        origins=rendered.origins,
        secrets=rendered.secrets,
        steps=rendered.steps,
        sources=rendered.origins.sources,
        included=frozenset(reader.included),
    )


class _IncludeReader:
    """A reader of the files that one manifest includes, all inside the directory of the manifests."""

    def __init__(self, file: ManifestFile, base: Path | None, files: IncludedFiles) -> None:
        self._file = file
        self._base = base
        self._files = files
        self._paths = {printable(str(file.path)): str(file.path)}
        self._known: dict[tuple[str, str], templates.TemplateFile] = {}
        self._found_paths: dict[tuple[str, str], str | None] = {}
        self.included: set[Path] = set()
        self.sources: dict[str, str] = {}

    def read(self, wanted: str, parent: str) -> templates.TemplateFile:
        """Return the file that `parent` includes as `wanted`.

        Raises:
            MissingTemplateError: There is no such file.
            TemplateProblemError: It cannot be read, or lies outside the directory of the manifests.
        """
        if (wanted, parent) in self._known:
            return self._known[wanted, parent]
        shown = repr(clip(wanted, 100))
        path = self._found(wanted, parent)
        if path is None:
            self.included.add(_resolved(os.path.join(self._folder(parent), wanted)))  # noqa: PTH118 - as below
            raise templates.MissingTemplateError(
                f"cannot include the file {shown}: it is neither next to this file nor in "
                f"{self._file.root.name}/"
            )
        self._known[wanted, parent] = self._content(path, f"cannot include the file {shown}")
        return self._known[wanted, parent]

    def mention(self, wanted: str, parent: str) -> None:
        """Note that `parent` may include a file."""
        path = self._found(wanted, parent)
        if path is not None:
            self.included.add(self._files.resolved(path))

    def _found(self, wanted: str, parent: str) -> str | None:
        if (wanted, parent) not in self._found_paths:
            folders = [self._folder(parent), self._file.path.parent, self._file.root]
            folders += [self._base] if self._base else []
            names = dict.fromkeys(
                os.path.normpath(os.path.join(folder, wanted.strip()))  # noqa: PTH118 - a third of the time
                for folder in folders
            )
            self._found_paths[wanted, parent] = next((name for name in names if os.path.lexists(name)), None)
        return self._found_paths[wanted, parent]

    def _folder(self, parent: str) -> Path | str:
        return os.path.dirname(self._paths[parent]) if parent in self._paths else self._file.path.parent  # noqa: PTH120

    def _content(self, path: str, failure: str) -> templates.TemplateFile:
        self.included.add(self._files.resolved(path))
        name = printable(path)
        self._paths[name] = path
        try:
            text = self._files.text(path, self._file.root)
        except (UnreadableError, ValueError) as error:
            raise templates.TemplateProblemError(_RULE, f"{failure}: {error}") from None
        self.sources[name] = text
        return templates.TemplateFile(name, text)


def _resolved(path: str) -> Path:
    return Path(os.path.realpath(path))


def _included_text(path: str, root: Path) -> str:
    return read_text(Path(path), root, templates.MAX_TEMPLATE_CHARACTERS)
