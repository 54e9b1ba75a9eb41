"""The documents of a file: what each says, and where in the text its values stand.

Positions are not kept beside every value: a document keeps its text, and the place of a value is looked up
when a message needs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from reconciler.findings import Finding, Position
from reconciler.manifests import yaml_nodes as nodes
from reconciler.manifests.bounds import MAX_DOCUMENTS
from reconciler.manifests.locating import locate
from reconciler.manifests.values import Tags, ValueBuilder
from reconciler.manifests.yaml_nodes import Node, YamlProblemError
from reconciler.text import printable
from reconciler.values import JsonValue, Path

_BODIES: Final[tuple[Path, ...]] = ((), ("body",), ("patch",))
"""Where a document may have the body of a manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One YAML document.

    Args:
        file: The file as the user named it.
        text: The file's whole text.
        index: Which of the file's documents this is, from 0.
        value: What it says; empty values are left out of mappings, as the public client does.
        variables: The paths of the values that came through `!env`, and the variable of each.
        unset: The paths where a placeholder stands, because the variable that `!env` names is not set.
        name_lines: The line of the `name` of a manifest, by the path of the body that it may be in.
    """

    file: str
    text: str = field(repr=False)
    index: int
    value: JsonValue = field(repr=False)
    variables: Mapping[Path, str] = field(default_factory=dict)
    unset: frozenset[Path] = frozenset()
    name_lines: Mapping[Path, int] = field(default_factory=dict, repr=False)

    @property
    def sensitive(self) -> frozenset[Path]:
        """The paths of the values that came through `!env`."""
        return frozenset(self.variables)

    def position(self, path: Path, *, at_key: bool = False) -> Position | None:
        """Return where the value at `path` (or its key) stands, or the nearest value above it.

        None for a text that is JSON and no YAML, such as a backup's.
        """
        roots = _all_roots(self.text)
        return locate(roots[self.index], path, at_key=at_key) if self.index < len(roots) else None


def read_documents(file: str, text: str, tags: Tags) -> tuple[list[Document], list[Finding]]:
    """Return the documents in `text`, and a finding for each mistake; a broken document is left out.

    Args:
        file: The file as the user named it.
        text: Its text.
        tags: What `!env` and `!file` read from.
    """
    documents: list[Document] = []
    findings: list[Finding] = []
    builder = ValueBuilder(file, tags, findings)
    try:
        for index, root in enumerate(_roots(text)):
            before = builder.errors
            value = builder.document(root)
            if builder.errors == before:
                variables, unset = dict(builder.variables), frozenset(builder.unset)
                lines = {base: locate(root, (*base, "name"), at_key=False).line for base in _BODIES}
                documents.append(
                    Document(
                        file=file,
                        text=text,
                        index=index,
                        value=value,
                        variables=variables,
                        unset=unset,
                        name_lines=lines,
                    )
                )
    except YamlProblemError as problem:
        message = printable(problem.message)
        finding = Finding(file=file, rule=problem.rule, message=message, position=problem.position)
        # First, since it says why nothing after it was read.
        findings.insert(0, finding)
    return documents, findings


def _roots(text: str) -> Iterator[Node]:
    for index, root in enumerate(nodes.compose(text)):
        if index >= MAX_DOCUMENTS:
            message = f"more than {MAX_DOCUMENTS} documents in one file; split it"
            raise YamlProblemError("too-many-documents", message, nodes.position_of(root))
        yield root


@lru_cache(maxsize=1)
def _all_roots(text: str) -> tuple[Node, ...]:
    """Return the roots of the documents before the first mistake; those of the last text are remembered."""
    found: list[Node] = []
    # A document before the mistake was read, and may be asked where its values stand.
    with suppress(YamlProblemError):
        found.extend(_roots(text))
    return tuple(found)
