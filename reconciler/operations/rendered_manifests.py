"""Render: the manifests as parameters and overlays make them, and where each value comes from."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path as FilePath
from typing import Final

from reconciler.errors import InvalidInputError, UsageError
from reconciler.files import nearest_path
from reconciler.findings import Severity
from reconciler.manifests import STDIN, SUFFIXES, Manifest, OverlayOptions, WorkflowManifest, load_manifests
from reconciler.operations.listener import Listener
from reconciler.operations.settings import Settings
from reconciler.render import RenderedManifest, ValueSource
from reconciler.secrecy import SENSITIVE, Redactor, SecretFields, mask
from reconciler.text import clip, did_you_mean, printable
from reconciler.values import ABSENT, JsonObject, Path, as_object, lookup, nodes, put

_TOKEN: Final[Path] = ("patch", "set", "token")


def render_manifests(
    settings: Settings,
    target: str | None = None,
    listener: Listener | None = None,
    env: Mapping[str, str] = os.environ,
) -> Sequence[RenderedManifest]:
    """Return the manifests with parameters and overlays, secrets masked.

    Args:
        settings: The manifests, the environment and its parameters.
        target: The name or glob of some of them, or a file or directory; all of them by default.
        listener: Receives the findings.
        env: The variables for `!env`; they need not be set.

    Raises:
        UsageError: Nothing names any manifests, or none has that name.
        InvalidInputError: A manifest is invalid.
    """
    listener = listener or Listener()
    reading = settings.reading._replace(require_env=False)
    paths = settings.paths
    if target is not None and is_path(target):
        paths, target = (target,), None
        reading = reading._replace(overlays=reading.overlays._replace(whole=False))
    else:
        settings.require_manifests()
    loaded = load_manifests(paths, env, reading)
    redactor = Redactor.of(loaded.secrets)
    for finding in loaded.findings:
        if finding.rule != "env" or finding.severity is Severity.ERROR:
            listener.finding(finding, redactor)
    if not loaded.valid:
        raise InvalidInputError("the manifests are invalid, and were not rendered")
    chosen = _chosen(loaded.manifests, target, reading.overlays)
    return [_rendered(manifest, settings, redactor) for manifest in chosen]


def is_path(word: str) -> bool:
    """Return whether a word of the command line is a file or directory, not the name of a workflow."""
    return word == STDIN or word.lower().endswith(SUFFIXES) or os.path.lexists(word)


def _chosen(manifests: Sequence[Manifest], target: str | None, names: OverlayOptions) -> Sequence[Manifest]:
    """Return the manifests that `target` names: as they are called, or without what the environment adds."""
    if target is None:
        return manifests
    wanted = (target, f"{names.prefix}{target}{names.suffix}")
    named = [manifest for manifest in manifests if manifest.name in wanted]
    found = named or [
        manifest for manifest in manifests if any(fnmatchcase(manifest.name, glob) for glob in wanted)
    ]
    if not found:
        known = [manifest.name for manifest in manifests if ("name",) not in manifest.sensitive]
        nearest = printable(did_you_mean(target, known, listed="known names"))
        raise UsageError(f"no manifest is named {clip(printable(target), 100)!r}; {nearest}")
    return found


def _rendered(manifest: Manifest, settings: Settings, redactor: Redactor) -> RenderedManifest:
    source, document = manifest.source, manifest.source.document
    variables = {path: name for path, name in document.variables.items() if path not in document.defaults}
    unset = {path: tag.name for path, tag in document.unset.items()}
    file, line = source.line()
    shown = _masked(manifest, redactor)
    return RenderedManifest(
        name=redactor.text(manifest.name),
        file=file,
        line=line,
        document=shown,
        variables={**variables, **unset},
        sources=dict(_sources(manifest, shown, {**document.variables, **unset}, settings)),
    )


def _masked(manifest: Manifest, redactor: Redactor) -> JsonObject:
    """Return the document of a manifest without its anchors, secrets masked."""
    document = manifest.source.document
    whole = {key: item for key, item in as_object(document.value).items() if not key.startswith("x-")}
    shown = as_object(copy.deepcopy(SecretFields(document.sensitive | frozenset(document.unset)).mask(whole)))
    is_whole = isinstance(manifest, WorkflowManifest)
    for base in (manifest.source.base if is_whole else ("patch", "body"), ("reconcile", "extra")):
        part = lookup(shown, base)
        if part is not ABSENT:
            masked = mask(part, SecretFields())
            shown = as_object(masked) if base == () else shown
            if base:
                put(shown, base, masked)
    if lookup(shown, _TOKEN) is not ABSENT:
        put(shown, _TOKEN, SENSITIVE)
    return as_object(redactor.value(shown))


def _sources(
    manifest: Manifest, shown: JsonObject, variables: Mapping[Path, str], settings: Settings
) -> Iterator[tuple[Path, ValueSource]]:
    source, document = manifest.source, manifest.source.document
    names = settings.reading.overlays
    renamed = isinstance(manifest, WorkflowManifest) and bool(names.prefix or names.suffix)
    for path, value in nodes(shown):
        if path and (not isinstance(value, dict | list) or not value):
            position = document.position(path)
            parameter = document.parameter(path)
            yield (
                path,
                ValueSource(
                    file=nearest_path(FilePath((position.file if position else "") or document.file)),
                    line=position.line if position else None,
                    parameter=parameter,
                    parameter_source=settings.reading.parameters.source(parameter) if parameter else None,
                    variable=variables.get(path),
                    renamed=renamed and path == (*source.base, "name"),
                ),
            )
