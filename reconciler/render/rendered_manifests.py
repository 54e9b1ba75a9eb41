"""Manifests as parameters and overlays make them, as YAML with the source of each value, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.json_documents import document_text, versioned
from reconciler.manifests import manifest_text
from reconciler.text import clip
from reconciler.values import JsonObject, Path, display_path

FORMAT_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSource:
    """The place that states a value.

    Args:
        file: The file.
        line: The line in it.
        parameter: The parameter of `!param`.
        parameter_source: Where that is set.
        variable: The variable of `!env`.
        renamed: Whether the environment adds to the value, which is a name.
    """

    file: str
    line: int | None
    parameter: str | None = None
    parameter_source: str | None = None
    variable: str | None = None
    renamed: bool = False

    def __str__(self) -> str:
        parts = [self.file if self.line is None else f"{self.file}:{self.line}"]
        if self.parameter is not None:
            parts.append(f"parameter {self.parameter} from {self.parameter_source or 'its default'}")
        if self.variable is not None:
            parts.append(f"variable {self.variable}")
        if self.renamed:
            parts.append("names of the environment")
        return clip(", ".join(parts), 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedManifest:
    """One manifest with parameters and overlays, secrets masked.

    Args:
        name: Its name, already redacted.
        file: The file of the manifest.
        line: The line of its name.
        document: The document.
        variables: The variables to write as `!env NAME` in place of values, by path.
        sources: Where each value comes from, by path.
    """

    name: str
    file: str
    line: int | None
    document: JsonObject = field(repr=False)
    variables: Mapping[Path, str]
    sources: Mapping[Path, ValueSource] = field(repr=False)


def rendered_yaml(manifests: Sequence[RenderedManifest], *, sources: bool = True) -> str:
    """Return the manifests as YAML documents; with `sources`, each line says where its value comes from."""
    return "---\n".join(
        manifest_text(
            manifest.document,
            manifest.variables,
            line_comments={path: str(source) for path, source in manifest.sources.items()} if sources else {},
        )
        for manifest in manifests
    ).rstrip("\n")


def rendered_json(manifests: Sequence[RenderedManifest], *, sources: bool = True) -> str:
    """Return the manifests as JSON, with the source of each value."""
    return document_text(
        versioned(
            FORMAT_VERSION, {"manifests": [_manifest(manifest, sources=sources) for manifest in manifests]}
        )
    )


def _manifest(manifest: RenderedManifest, *, sources: bool) -> JsonObject:
    shown: JsonObject = {
        "name": manifest.name,
        "file": manifest.file,
        "line": manifest.line,
        "manifest": manifest.document,
    }
    if sources:
        shown["sources"] = [_source(path, source) for path, source in manifest.sources.items()]
    return shown


def _source(path: Path, source: ValueSource) -> JsonObject:
    return {
        "path": display_path(path),
        "file": source.file,
        "line": source.line,
        "parameter": source.parameter,
        "parameter_source": source.parameter_source,
        "variable": source.variable,
    }
