"""A workflow as its manifest describes it, with live values for what the manifest leaves to others. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from reconciler.manifests import Manifest, PatchManifest
from reconciler.plan.ignoring import Pattern, read_patterns, with_live_values
from reconciler.values import JsonObject
from reconciler.workflow import Body, Live, patched_body

_CAMEL: Final = re.compile(r"[A-Z]")


@dataclass(frozen=True, kw_only=True)
class Desired:
    """A workflow as its manifest describes it.

    Args:
        manifest: The manifest.
        body: The body, without the reconciler's own tags, and with the live value of each ignored field.
        ignored: The fields that are left to others.
    """

    manifest: Manifest
    body: Body = field(repr=False)
    ignored: tuple[Pattern, ...] = ()

    @staticmethod
    def of(manifest: Manifest, live: Live | None = None) -> Desired:
        """Return what a manifest wants.

        Args:
            manifest: A workflow, or a patch of one.
            live: The live workflow; a patch needs it.

        Raises:
            InvalidParameterException: The patch names a step that the live workflow does not have.
            UnexpectedAnswerError: The live workflow has a shape that cannot be sent back.
        """
        body = Body(_stated_body(manifest, live))
        ignored = read_patterns(manifest.settings.ignore, body)
        if ignored and live is not None:
            body = Body(with_live_values(body.raw, live.body.sendable, ignored))
        return Desired(manifest=manifest, body=body, ignored=ignored)

    @property
    def name(self) -> str:
        """The name that the live workflow is to have."""
        return self.manifest.wanted_name

    @property
    def owns_all(self) -> bool:
        """Whether a field that the manifest leaves out is to be removed; a patch owns only what it states."""
        return not isinstance(self.manifest, PatchManifest)

    @cached_property
    def is_fixed(self) -> bool:
        """Whether the body is the same whatever is live."""
        return self.owns_all and not self.ignored


def keyword_of(key: str) -> str:
    """Return the keyword parameter of `patch_workflow` for the key `set.key` of a patch manifest."""
    return _CAMEL.sub(lambda match: f"_{match.group().lower()}", key)


def _stated_body(manifest: Manifest, live: Live | None) -> JsonObject:
    if not isinstance(manifest, PatchManifest):
        return manifest.body
    keywords = {keyword_of(key): value for key, value in manifest.keywords.items()}
    body = patched_body(
        live.body.raw if live else {},
        manifest.body,
        keywords=keywords,
        step_names=list(manifest.step_names) or None,
    )
    return {**body, "tags": Body(body).tags} if "tags" in body else body
