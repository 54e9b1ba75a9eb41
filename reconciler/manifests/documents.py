"""YAML documents: their values, and the position of each value in the text.

A document keeps its text instead of a position for every value: a position is looked up when a message needs
it. Manifests, the configuration and files of execution parameters are all read here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import InvalidInputError
from reconciler.files import UnreadableError
from reconciler.findings import Finding, Position
from reconciler.manifests import yaml_nodes as nodes
from reconciler.manifests.discovery import read_text
from reconciler.manifests.yaml_nodes import Node, YamlProblemError, locate
from reconciler.manifests.yaml_values import EnvTag, Extent, Included, Tags, ValueBuilder
from reconciler.text import printable
from reconciler.values import ABSENT, JsonValue, Packed, Path, lookup

if TYPE_CHECKING:
    from reconciler.templates import Origins

NOTHING: Final = Packed.of({})
"""The value of a document that states nothing."""

_NONE: Final[Mapping[Path, Any]] = {}
_NO_PATHS: Final = frozenset[Path]()


def _none() -> Mapping[Path, Any]:
    """Return the one empty mapping, which most documents have in place of several."""
    return _NONE


_FAST: Final = 1
"""The level of compression that takes the least time."""

MAX_DOCUMENTS: Final = 10_000
"""YAML documents in one file."""

_IDENTITY_PATHS: Final[tuple[Path, ...]] = (
    ("name",),
    ("body", "name"),
    ("patch", "name"),
    ("reconcile", "id"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One YAML document.

    Args:
        file: The file, as the user named it.
        text: The whole text of the file, or the same compressed: see `whole_text`.
        index: The number of the document in the file, from 0.
        packed: The document's value, packed.
        variables: The environment variable of each value that came through `!env`, by path.
        defaults: The paths of those values that are the default in the manifest, and so in Git.
        unset: The `!env` of each placeholder for a variable that is not set, by path.
        parameters: The parameter of each value that came through `!param`, by path.
        overlaid: The document, and the path in it, that states the value at a path, where that is not
            the same path of this document: an overlay, or another place in a list.
        positions: Positions known from reading: those of names and pinned ids, which every plan shows.
        origins: Where the text comes from, if a template gave it; positions are then places in the template.
    """

    file: str
    text: str | bytes = field(repr=False)
    index: int
    packed: Packed = field(default=NOTHING, repr=False)
    variables: Mapping[Path, str] = field(default_factory=_none)
    defaults: frozenset[Path] = _NO_PATHS
    unset: Mapping[Path, EnvTag] = field(default_factory=_none)
    parameters: Mapping[Path, str] = field(default_factory=_none)
    overlaid: Mapping[Path, tuple[Document, Path]] = field(default_factory=_none, repr=False)
    positions: Mapping[Path, Position] = field(default_factory=_none, repr=False)
    origins: Origins | None = field(default=None, repr=False)

    @property
    def whole_text(self) -> str:
        """The whole text of the file."""
        if isinstance(self.text, str):
            return self.text
        import zlib  # noqa: PLC0415 - only many documents are compressed

        return zlib.decompress(self.text).decode("utf-8", "surrogatepass")

    def compressed(self) -> Document:
        """Return the same document with its text compressed, for a run that keeps thousands of them."""
        import zlib  # noqa: PLC0415 - only many documents are compressed

        data = self.whole_text.encode("utf-8", "surrogatepass")
        return dataclasses.replace(self, text=zlib.compress(data, _FAST))

    @property
    def value(self) -> JsonValue:
        """The document's value; mapping entries without a value are left out, as in the public client."""
        return self.packed.value

    @property
    def sensitive(self) -> frozenset[Path]:
        """The paths of the values that are from the environment."""
        return frozenset(self.variables) - self.defaults

    def position(self, path: Path, *, at_key: bool = False) -> Position | None:
        """Return the position of the value at `path` (or of its key), or of the nearest value above it.

        `None` for a text that is JSON but not YAML, such as a backup.
        """
        document, inside = self.stated(path)
        if document is not self:
            position = document.position(inside, at_key=at_key)
            return position and position._replace(file=position.file or document.file)
        if path in self.positions and not at_key:
            return self.positions[path]
        roots = _all_roots(self.whole_text)
        if self.index >= len(roots):
            return None
        return _original(locate(roots[self.index], path, at_key=at_key), self.origins)

    def stated(self, path: Path) -> tuple[Document, Path]:
        """Return the document that states the value at `path`, and the value's path there."""
        for end in range(len(path), 0, -1) if self.overlaid else ():
            if path[:end] in self.overlaid:
                document, base = self.overlaid[path[:end]]
                return document, (*base, *path[end:])
        return self, path

    def parameter(self, path: Path) -> str | None:
        """Return the parameter of the `!param` at or above `path`, or `None`."""
        document, inside = self.stated(path)
        known = document.parameters
        return next((known[inside[:end]] for end in range(len(inside), 0, -1) if inside[:end] in known), None)

    def lines(self, file: str) -> Sequence[str]:
        """Return the lines of `file`: this document's, an overlay's, or one that either includes."""
        others = (document for document, _ in self.overlaid.values() if file in document.sources)
        return _split(next(others, self).sources.get(file, ""))

    @property
    def sources(self) -> Mapping[str, str]:
        """The text of each file that the document comes from, as it is on the disk."""
        return {self.file: self.whole_text} if self.origins is None else self.origins.sources

    def place(self, path: Path, *, at_key: bool = False) -> str:
        """Return `position(path)` as text: `FILE:LINE:COLUMN`, or only the file."""
        position = self.position(path, at_key=at_key)
        if position is None:
            return self.file
        return f"{position.file or self.file}:{position.line}:{position.column}"


def read_documents(  # noqa: PLR0913 - each has its default
    file: str,
    text: str,
    tags: Tags,
    extent: Extent | None = None,
    origins: Origins | None = None,
    *,
    keep_null: bool = False,
) -> tuple[list[Document], list[Finding]]:
    """Return the valid documents in the text of `file`, and a finding for each error in the others.

    Args:
        file: The file, as the user named it.
        text: Its text.
        tags: The readers of `!env`, `!file` and `!param`.
        extent: Counts what is built.
        origins: Where the text comes from, if a template gave it.
        keep_null: Whether mapping entries without a value stay, as `null`.
    """
    documents: list[Document] = []
    findings: list[Finding] = []
    builder = ValueBuilder(file, tags, findings, extent or Extent(), keep_null=keep_null)
    try:
        for index, root in enumerate(_roots(text)):
            before = builder.errors
            value = builder.document(root)
            if builder.errors == before:
                documents.append(
                    Document(
                        file=file,
                        text=text,
                        index=index,
                        packed=Packed.of(value),
                        variables=dict(builder.variables) or _NONE,
                        defaults=frozenset(builder.defaults) or _NO_PATHS,
                        unset=dict(builder.unset) or _NONE,
                        parameters=dict(builder.parameters) or _NONE,
                        positions=_identity_positions(root, value, origins),
                        origins=origins,
                    )
                )
    except YamlProblemError as problem:
        message = printable(problem.message)
        finding = Finding(file=file, rule=problem.rule, message=message, position=problem.position)
        # First, since it says why nothing after it was read.
        findings.insert(0, finding)
    if origins is not None:
        findings = [
            dataclasses.replace(finding, position=_original(finding.position, origins))
            for finding in findings
        ]
    return documents, findings


def read_single_document(file: FilePath, what: str, root: FilePath | None = None) -> Document | None:
    """Return the only document of a YAML file without `!env`, `!file` and `!param`; `None` if it is empty.

    Args:
        file: The file.
        what: The subject of error messages, such as `the configuration`.
        root: The resolved directory that must contain the file; `None` for the file's own.

    Raises:
        InvalidInputError: The file cannot be read, is not valid YAML, or has more than one document.
    """
    name = printable(str(file))
    tags = Tags(
        env=lambda _tag: Included(problem=f"!env is not supported in {what}"),
        file=lambda _name: Included(problem=f"!file is not supported in {what}"),
        param=lambda _name: Included(problem=f"!param is not supported in {what}"),
    )
    try:
        text = read_text(file, root or file.parent.resolve())
        if file.suffix.lower() == ".json":
            text = nodes.json_as_yaml(text)
        documents, findings = read_documents(name, text, tags)
    except UnreadableError as error:
        raise InvalidInputError(f"cannot read {what} {name}: {error}") from None
    if findings:
        first = findings[0]
        line = f":{first.position.line}" if first.position else ""
        raise InvalidInputError(f"invalid {what.removeprefix('the ')}:\n{name}{line}: {first.message}")
    if len(documents) > 1:
        raise InvalidInputError(
            f"{what} {name} has {len(documents)} documents; only one is allowed",
            hint="Remove the lines '---' that separate them.",
        )
    return documents[0] if documents else None


def _original(position: Position | None, origins: Origins | None) -> Position | None:
    return position if position is None or origins is None else origins.translate(position)


@lru_cache(maxsize=4)
def _split(text: str) -> list[str]:
    """Return the lines of a file, which may hold thousands of manifests."""
    return text.splitlines()


def _identity_positions(root: Node, value: JsonValue, origins: Origins | None) -> dict[Path, Position]:
    found = {
        path: locate(root, path, at_key=False)
        for path in _IDENTITY_PATHS
        if lookup(value, path) is not ABSENT
    }
    if origins is None:
        return found
    return {path: origins.translate(position) for path, position in found.items()}


def _roots(text: str) -> Iterator[Node]:
    for index, root in enumerate(nodes.compose(text)):
        if index >= MAX_DOCUMENTS:
            message = f"more than {MAX_DOCUMENTS} documents in one file; split the file"
            raise YamlProblemError("too-many-documents", message, nodes.position_of(root))
        yield root


@lru_cache(maxsize=1)
def _all_roots(text: str) -> tuple[Node, ...]:
    """Return the roots of the documents before the first syntax error."""
    found: list[Node] = []
    # Documents before the error were read, and findings about them need positions.
    with suppress(YamlProblemError):
        found.extend(_roots(text))
    return tuple(found)
