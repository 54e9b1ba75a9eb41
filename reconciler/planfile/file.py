"""A plan file: what stands in it, how it is written, and when one is refused."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler import __version__
from reconciler.errors import BlockedError, InvalidInputError
from reconciler.files import UnreadableError
from reconciler.json_documents import document_text, read_object
from reconciler.schema import validate
from reconciler.text import printable
from reconciler.values import JsonObject, as_list, as_object, dump_compact

FORMAT_VERSION: Final = 1
_LARGEST: Final = 256 * 1024 * 1024
"""How many bytes of a plan file are read at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanContext:
    """What a plan was made for, and how: it is good for nothing else.

    Args:
        tenant: The tenant's address.
        stage: Its stage.
        manifests: The digest of what the manifests said.
        options: The choices that shaped the plan.
    """

    tenant: str
    stage: str
    manifests: str
    options: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """A plan that was saved.

    Args:
        made: What it was made for, and how.
        created: When, in UTC, as RFC 3339.
        records: What is to be done, one record for each action that is not `unchanged`.
    """

    made: PlanContext
    created: str
    records: tuple[JsonObject, ...]


def plan_file_text(plan: PlanFile) -> str:
    """Return the text of a plan file: JSON, with a digest of all else that it says."""
    said: JsonObject = {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "created": plan.created,
        "tenant": plan.made.tenant,
        "stage": plan.made.stage,
        "manifests": plan.made.manifests,
        "options": plan.made.options,
        "changes": [*plan.records],
    }
    return document_text({**said, "digest": _digest(said)}) + "\n"


def read_plan_file(path: Path) -> PlanFile:
    """Return the plan that was saved at `path`.

    Raises:
        InvalidInputError: It cannot be read, or is no plan file.
        BlockedError: It was edited, or made by a version whose format is another one.
    """
    value = _parsed(path)
    version = value.get("format_version")
    if version != FORMAT_VERSION:
        raise BlockedError(
            f"the plan file {path} has the format {printable(str(version))[:20]}, "
            f"and this version reads format {FORMAT_VERSION}",
            hint="Make the plan anew with this version.",
        )
    said = {key: item for key, item in value.items() if key != "digest"}
    if value.get("digest") != _digest(said):
        raise BlockedError(
            f"the plan file {path} was changed after it was written: its digest does not fit",
            hint="Make the plan anew.",
        )
    problems = list(validate(value, "plan"))
    if problems:
        raise InvalidInputError(f"{path} is no plan file: {problems[0].message}{problems[0].found}")
    made = PlanContext(
        tenant=str(value["tenant"]),
        stage=str(value["stage"]),
        manifests=str(value["manifests"]),
        options=as_object(value["options"]),
    )
    records = tuple(map(as_object, as_list(value["changes"])))
    return PlanFile(made=made, created=str(value["created"]), records=records)


def check_made(saved: PlanContext, now: PlanContext) -> None:
    """See that a saved plan is for this tenant and these manifests.

    Raises:
        BlockedError: It is not; nothing was touched.
    """
    for what, then, found in (
        ("tenant", saved.tenant, now.tenant),
        ("stage", saved.stage, now.stage),
        ("ownership tag", str(saved.options.get("owner")), str(now.options.get("owner"))),
    ):
        if then != found:
            raise BlockedError(
                f"the plan file was made for another {what}: {printable(then)}, not {printable(found)}",
                hint="Nothing was changed.",
            )
    if saved.manifests != now.manifests:
        raise BlockedError(
            "the manifests say something else than when the plan was made; nothing was changed",
            hint="Plan again, or check out the commit that the plan was made from.",
        )


def _parsed(path: Path) -> JsonObject:
    try:
        return read_object(path, _LARGEST, streams=True)
    except UnreadableError as error:
        raise InvalidInputError(f"the plan file {path} cannot be read: {error}") from None


def _digest(said: JsonObject) -> str:
    text = dump_compact(said).encode("utf-8", "surrogatepass")
    return "sha256:" + hashlib.sha256(text).hexdigest()
