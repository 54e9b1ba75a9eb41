"""Which texts of the manifests must never be shown, whoever quotes them."""

from __future__ import annotations

import json
from collections.abc import Iterable

from reconciler.manifests import Manifest, PatchManifest
from reconciler.secrecy.fields import secret_values


def secrets_of(manifests: Iterable[Manifest], from_env: Iterable[str]) -> set[str]:
    """Return what a server must not be quoted with: the secrets of the manifests, plain and as in JSON.

    Args:
        manifests: The manifests, whose secret fields are meant.
        from_env: What came through `!env`, wherever it stands.
    """
    secrets = set(from_env)
    for manifest in manifests:
        secrets.update(secret_values(manifest.body))
        if isinstance(manifest, PatchManifest):
            secrets.add(str(manifest.keywords.get("token", "")))
    return also_as_json(secrets)


def also_as_json(secrets: set[str]) -> set[str]:
    """Return `secrets` as they are, and as they stand inside of JSON."""
    return secrets | {json.dumps(secret)[1:-1] for secret in secrets}
