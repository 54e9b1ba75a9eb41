"""Portable names: images and instance types by name in place of the ids of one tenant.

A manifest may state `image: {name, version}` and `instanceType`; they become ids with what was read of the
tenant's catalogue, once a run. The same facts give ids their names, for plans and exports. Only
`CatalogueReading` sends requests, all of them reads; the rest is pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.lazy_face import lazy_face

if TYPE_CHECKING:
    from reconciler.portable.catalogue_reading import CatalogueReading
    from reconciler.portable.ids_for_names import ResolvedManifest, resolve_manifest, unresolved_names
    from reconciler.portable.lookups import (
        UNUSABLE,
        CatalogueFacts,
        Image,
        ImageVersion,
        InstanceType,
        Unresolved,
    )
    from reconciler.portable.names_for_ids import CatalogueIds, ids_of, names_of_ids, portable_body, whole
    from reconciler.portable.stated import (
        StatedImage,
        StatedInstanceType,
        StatedName,
        id_patterns,
        id_places,
        stated_names,
    )

__all__ = [
    "UNUSABLE",
    "CatalogueFacts",
    "CatalogueIds",
    "CatalogueReading",
    "Image",
    "ImageVersion",
    "InstanceType",
    "ResolvedManifest",
    "StatedImage",
    "StatedInstanceType",
    "StatedName",
    "Unresolved",
    "id_patterns",
    "id_places",
    "ids_of",
    "names_of_ids",
    "portable_body",
    "resolve_manifest",
    "stated_names",
    "unresolved_names",
    "whole",
]

__getattr__ = lazy_face(  # most manifests state ids
    __name__,
    catalogue_reading="CatalogueReading",
    ids_for_names="resolve_manifest ResolvedManifest unresolved_names",
    lookups="CatalogueFacts Image ImageVersion InstanceType Unresolved UNUSABLE",
    names_for_ids="CatalogueIds ids_of names_of_ids portable_body whole",
    stated="id_patterns id_places stated_names StatedImage StatedInstanceType StatedName",
)
