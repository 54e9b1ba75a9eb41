"""Manifests: from files on disk to checked values that remember where they stand.

This package reads files and the environment, and knows the schemas. It never talks to the API, and a
mistake in a manifest is a finding, never an exception.
"""

from reconciler.manifests.load import LoadResult, load_manifests
from reconciler.manifests.manifest import Manifest, PatchManifest, ReconcileSettings, WorkflowManifest

__all__ = [
    "LoadResult",
    "Manifest",
    "PatchManifest",
    "ReconcileSettings",
    "WorkflowManifest",
    "load_manifests",
]
