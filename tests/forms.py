"""Bodies as plain JSON in, canonical forms and own tags out: what tests of workflows share."""

from __future__ import annotations

from typing import Any

from reconciler.workflow import (
    Body,
    ComparableForms,
    Live,
    OwnTags,
    SentDigests,
    without_default_resource,
)


def canonical_of(body: Any, default_resource: Any = None) -> Any:
    """Return the canonical form of a body, without resources that equal the default resource."""
    form = Body(body).form
    return without_default_resource(form, default_resource) if default_resource else form


def forms_of(live: Any, desired: Any, default_resource: Any = None) -> ComparableForms:
    """Return the forms of two bodies, ready to be compared."""
    return ComparableForms(Body(live), Body(desired), default_resource or {})


def live_of(body: Any, workflow_id: int = 1, name: str = "w") -> Live:
    """Return a body as a live workflow; it may have any shape."""
    status = body.get("status")
    return Live(
        id=workflow_id, name=name, status=status if isinstance(status, str) else None, body=Body(body)
    )


def digests_in(body: Any) -> SentDigests:
    """Return the digests that the tags of a body keep."""
    return Body(body).own_tags.digests


def digest_tags(digests: SentDigests) -> list[Any]:
    """Return the tags that keep digests."""
    return OwnTags(digests=digests).tags()
