"""Parameters: named values for manifests, each with the place that states it.

They come in layers (the configuration, an environment of it, files, the command line); mappings are merged by
key, and a later layer wins. Parameters are not secrets: messages may quote them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path as FilePath
from typing import NamedTuple

from reconciler.errors import InvalidInputError
from reconciler.files import nearest_path
from reconciler.manifests.documents import Document, read_single_document
from reconciler.text import did_you_mean
from reconciler.values import ABSENT, Absent, JsonObject, JsonValue, Path, as_object, lookup


class ParameterLayer(NamedTuple):
    """The parameters that one place states.

    Args:
        values: The parameters.
        place: The name of the place: an option, or what a `document` is for, such as `environment prod`.
        document: The file that states them; `None` for an option.
        base: The path of the parameters in `document`.
    """

    values: JsonObject
    place: str = ""
    document: Document | None = None
    base: Path = ()

    def source(self, path: Path) -> str:
        """Return where the value at `path` is stated: `FILE:LINE, environment NAME`, or the option."""
        if self.document is None:
            return self.place
        shown = nearest_path(FilePath(self.document.file))
        position = self.document.position((*self.base, *path), at_key=True)
        stated = f"{shown}:{position.line}" if position else shown
        return f"{stated}, {self.place}" if self.place else stated


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a run.

    Args:
        layers: What each place states; a later one wins.
        values: The parameters, merged from `layers`.
        files: The files, resolved, that state them.
    """

    layers: tuple[ParameterLayer, ...] = field(default=(), repr=False)
    values: JsonObject = field(default_factory=dict)
    files: frozenset[FilePath] = frozenset()

    def overridden_by(self, *layers: ParameterLayer) -> Parameters:
        """Return these parameters with those of `layers` over them, the last one first."""
        merged = reduce(_merged, (layer.values for layer in layers), self.values)
        documents = (layer.document for layer in layers if layer.values)
        files = {FilePath(document.file).resolve() for document in documents if document is not None}
        return Parameters((*self.layers, *layers), merged, self.files | files)

    def get(self, name: str) -> JsonValue | Absent:
        """Return the value of the parameter `name`; a dot leads into a mapping (`team.name`)."""
        return lookup(self.values, self._path(name))

    def source(self, name: str) -> str:
        """Return where the value of `name` is stated: `FILE:LINE`, or the option; empty if nowhere."""
        path = self._path(name)
        stating = (layer for layer in reversed(self.layers) if lookup(layer.values, path) is not ABSENT)
        return next((layer.source(path) for layer in stating), "")

    def names(self) -> list[str]:
        """Return the names of all parameters, those inside mappings with dots."""
        return list(_names(self.values, ""))

    def suggestion(self, name: str) -> str:
        """Return what the unknown `name` may mean, as the end of a message."""
        known = self.names()
        return did_you_mean(name, known, listed="known parameters") if known else "no parameters are set"

    def _path(self, name: str) -> Path:
        return (name,) if name in self.values else tuple(name.split("."))


def read_parameter_file(
    file: FilePath, what: str = "the parameters", place: str = "", root: FilePath | None = None
) -> ParameterLayer:
    """Return the parameters in a YAML or JSON file, a mapping; an empty file has none.

    Args:
        file: The file.
        what: The subject of error messages.
        place: What the file is for, in addition to its name.
        root: The resolved directory that must contain the file; `None` for the file's own.

    Raises:
        InvalidInputError: The file cannot be read, or is not a mapping.
    """
    document = read_single_document(file, what, root)
    if document is None:
        return ParameterLayer(values={}, place=place)
    if not isinstance(document.value, dict):
        raise InvalidInputError(
            f"{what} {document.file} must be a mapping",
            hint="Write one parameter a line, as NAME: VALUE.",
        )
    return ParameterLayer(values=document.value, place=place, document=document)


def _merged(below: JsonObject, above: JsonObject) -> JsonObject:
    """Return `below` with `above` over it, mappings merged by key."""
    return {**below, **{key: _over(below.get(key), value) for key, value in above.items()}}


def _over(below: JsonValue, above: JsonValue) -> JsonValue:
    return _merged(below, above) if isinstance(below, dict) and isinstance(above, dict) else above


def _names(values: JsonObject, prefix: str) -> Iterator[str]:
    for key, value in values.items():
        yield f"{prefix}{key}"
        yield from _names(as_object(value), f"{prefix}{key}.") if isinstance(value, dict) else ()
