"""Manifests: files on disk as checked values that know their file and line.

This package reads files and environment variables and checks them against the schemas. It never talks to the
API. An error in a manifest is a finding, never an exception.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.lazy_face import lazy_face
from reconciler.manifests.discovery import (
    CONFIGURATION_NAMES,
    MAX_FILE_BYTES,
    STDIN,
    SUFFIXES,
    ManifestFile,
    find_files,
    read_text,
)
from reconciler.manifests.documents import Document, read_single_document
from reconciler.manifests.file_findings import (
    MAX_FINDINGS,
    FileSummary,
    FindingLimit,
    combine_findings,
    read_within_bounds,
    with_excerpt,
)
from reconciler.manifests.load import (
    FileContent,
    LoadResult,
    load_manifests,
    read_file,
    read_overlays,
    reading_files,
    required_variables,
    unmatched_overlays,
    with_required_variables,
)
from reconciler.manifests.manifest import (
    Manifest,
    PatchManifest,
    ReconcileSettings,
    Source,
    WhenRunning,
    WorkflowManifest,
)
from reconciler.manifests.parameters import ParameterLayer, Parameters, read_parameter_file
from reconciler.manifests.read_options import OverlayOptions, ReadOptions
from reconciler.manifests.rendering import IncludedFiles
from reconciler.manifests.template_expressions import (
    UNRENDERED_TEMPLATE,
    may_hold_expression,
    template_expression,
    template_message,
)

if TYPE_CHECKING:
    from reconciler.manifests.editing import NotEditableError, edited_text
    from reconciler.manifests.name_scan import quick_names
    from reconciler.manifests.overlays import Overlays
    from reconciler.manifests.shared_settings import SharedSettings
    from reconciler.manifests.writing import manifest_text

__all__ = [
    "CONFIGURATION_NAMES",
    "MAX_FILE_BYTES",
    "MAX_FINDINGS",
    "STDIN",
    "SUFFIXES",
    "UNRENDERED_TEMPLATE",
    "Document",
    "FileContent",
    "FileSummary",
    "FindingLimit",
    "IncludedFiles",
    "LoadResult",
    "Manifest",
    "ManifestFile",
    "NotEditableError",
    "OverlayOptions",
    "Overlays",
    "ParameterLayer",
    "Parameters",
    "PatchManifest",
    "ReadOptions",
    "ReconcileSettings",
    "SharedSettings",
    "Source",
    "WhenRunning",
    "WorkflowManifest",
    "combine_findings",
    "edited_text",
    "find_files",
    "load_manifests",
    "manifest_text",
    "may_hold_expression",
    "quick_names",
    "read_file",
    "read_overlays",
    "read_parameter_file",
    "read_single_document",
    "read_text",
    "read_within_bounds",
    "reading_files",
    "required_variables",
    "template_expression",
    "template_message",
    "unmatched_overlays",
    "with_excerpt",
    "with_required_variables",
]

__getattr__ = lazy_face(  # overlays, and what writes manifests, are for few runs
    __name__,
    editing="NotEditableError edited_text",
    name_scan="quick_names",
    overlays="Overlays",
    shared_settings="SharedSettings",
    writing="manifest_text",
)
