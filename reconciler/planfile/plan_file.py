"""Plan file format: its content with the options of the plan, its text, and when a file is refused."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

from reconciler import __version__
from reconciler.apply_limits import Safety
from reconciler.errors import BlockedError, InvalidInputError, ReconcilerError
from reconciler.files import UnreadableError
from reconciler.json_documents import document_pieces, read_object
from reconciler.plan import CompareOptions, Scope, Selection, Shard
from reconciler.schema import validate
from reconciler.text import printable
from reconciler.values import JsonObject, as_list, as_object, as_objects, dump_compact

FORMAT_VERSION: Final = 1
PLAN_FILE_BYTES: Final = 256 * 1024 * 1024
"""The largest plan file that is written and read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanContext:
    """The environment, tenant, manifests and options of a plan: it is valid for nothing else.

    Args:
        environment: The name of the environment; `None` for none.
        tenant: The base URL of the tenant.
        stage: The stage of the tenant.
        manifests: A digest of the content of the manifests.
        options: The options that shaped the plan, as `dump_options` returns them.
    """

    environment: str | None
    tenant: str
    stage: str
    manifests: str
    options: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """A saved plan.

    Args:
        context: What the plan was made for.
        created: RFC 3339, in UTC.
        records: One record for each action that is not `unchanged`.
    """

    context: PlanContext
    created: str
    records: tuple[JsonObject, ...]


def plan_file_pieces(context: PlanContext, created: str, records: Iterable[JsonObject]) -> Iterator[str]:
    """Yield the text of a plan file in pieces: JSON, with a digest of everything else in it.

    Args:
        context: What the plan was made for.
        created: RFC 3339, in UTC.
        records: As those of a `PlanFile`.

    Raises:
        ReconcilerError: The file would be larger than one that can be read again.
    """
    head: JsonObject = {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "created": created,
        "environment": context.environment,
        "tenant": context.tenant,
        "stage": context.stage,
        "manifests": context.manifests,
        "options": context.options,
    }
    digest = _RunningDigest()
    document = {**head, "changes": digest.of_records(records), "digest": partial(digest.with_head, head)}
    size = 0
    for piece in chain(document_pieces(document), ("\n",)):
        size += len(piece)  # ASCII: each character is a byte
        if size > PLAN_FILE_BYTES:
            raise ReconcilerError(
                f"the plan is not saved: its file would be larger than the {PLAN_FILE_BYTES:,} bytes "
                "that can be read again",
                hint="Save the plan of a part of the workflows, with --target or --shard.",
            )
        yield piece


def read_plan_file(path: Path) -> PlanFile:
    """Return the plan that was saved at `path`.

    Raises:
        InvalidInputError: It cannot be read, or is not a plan file.
        BlockedError: It was edited, or has the format of another version.
    """
    try:
        value = read_object(path, PLAN_FILE_BYTES, streams=True)
    except UnreadableError as error:
        raise InvalidInputError(f"the plan file {path} cannot be read: {error}") from None
    return parse_plan_file(value, path)


def parse_plan_file(value: JsonObject, path: Path) -> PlanFile:
    """Return the plan that the JSON object in the file `path` holds.

    Raises:
        InvalidInputError: It is not a plan file.
        BlockedError: It was edited, or has the format of another version.
    """
    version = value.get("format_version")
    if version != FORMAT_VERSION:
        raise BlockedError(
            f"the plan file {path} has format {printable(str(version))[:20]}; "
            f"this version reads format {FORMAT_VERSION}",
            hint="Plan again with this version.",
        )
    content = {key: item for key, item in value.items() if key != "digest"}
    if value.get("digest") != _digest(content):
        raise BlockedError(
            f"the plan file {path} was changed after it was written: its digest does not match",
            hint="Plan again.",
        )
    problems = list(validate(value, "plan"))
    if problems:
        raise InvalidInputError(f"{path} is not a plan file: {problems[0].message}{problems[0].found}")
    context = PlanContext(
        environment=None if value.get("environment") is None else str(value["environment"]),
        tenant=str(value["tenant"]),
        stage=str(value["stage"]),
        manifests=str(value["manifests"]),
        options=as_object(value["options"]),
    )
    records = as_objects(value["changes"])
    return PlanFile(context=context, created=str(value["created"]), records=records)


def check_context(saved: PlanContext, now: PlanContext) -> None:
    """Check that a saved plan is for this environment, this tenant, this owner and these manifests.

    Raises:
        BlockedError: It is not; nothing was changed.
    """
    for what, then, found in (
        ("environment", saved.environment or "none", now.environment or "none"),
        ("tenant", saved.tenant, now.tenant),
        ("stage", saved.stage, now.stage),
        ("ownership tag", str(saved.options.get("owner") or "none"), str(now.options.get("owner") or "none")),
    ):
        if then != found:
            raise BlockedError(
                f"the plan file was made for another {what}: {printable(then)}, not {printable(found)}",
                hint="Nothing was changed.",
            )
    if saved.manifests != now.manifests:
        raise BlockedError(
            "the manifests have changed since the plan was made; nothing was applied",
            hint="Plan again, or check out the commit that the plan was made from.",
        )


def dump_options(scope: Scope, options: CompareOptions) -> JsonObject:
    """Return the options of a run as JSON for a plan file."""
    shard = scope.selection.shard
    return {
        "owner": options.owner,
        "prune": scope.prune,
        "allow_deletes": scope.allow_deletes,
        "allow_protected": [*sorted(options.allow_protected)],
        "targets": [*scope.selection.targets],
        "exclude": [*scope.selection.exclude],
        "shard": None if shard is None else str(shard),
        "remember": options.remember,
        "resend_secrets": options.resend,
        "max_deletes": scope.safety.max_deletes,
        "max_delete_ratio": scope.safety.max_delete_ratio,
        "max_change_ratio": scope.safety.max_change_ratio,
    }


def load_scope(options: JsonObject) -> Scope:
    """Return the selection and the limits of a saved plan."""
    shard = options["shard"]
    allowed = options["allow_deletes"]
    return Scope(
        selection=Selection(
            targets=tuple(map(str, as_list(options["targets"]))),
            exclude=tuple(map(str, as_list(options["exclude"]))),
            shard=None if shard is None else Shard.of_text(str(shard)),
        ),
        prune=options["prune"] is True,
        allow_deletes=None if allowed is None else int(str(allowed)),
        safety=Safety(
            max_deletes=int(str(options["max_deletes"])),
            max_delete_ratio=float(str(options["max_delete_ratio"])),
            max_change_ratio=float(str(options["max_change_ratio"])),
        ),
    )


def load_compare_options(options: JsonObject, now: CompareOptions) -> CompareOptions:
    """Return `now` with the options of a saved plan; its key stays."""
    return dataclasses.replace(
        now,
        owner=None if options["owner"] is None else str(options["owner"]),
        allow_protected=frozenset(map(str, as_list(options["allow_protected"]))),
        remember=options["remember"] is True,
        resend=options["resend_secrets"] is True,
    )


class _RunningDigest:
    """The digest of a plan file: of its content as compact JSON, where `changes` is the first key."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def of_records(self, records: Iterable[JsonObject]) -> Iterator[JsonObject]:
        """Yield `records`, and add them to the digest."""
        before = '{"changes":['
        for record in records:
            self._add(before + dump_compact(record))
            before = ","
            yield record
        self._add("]" if before == "," else before + "]")

    def with_head(self, head: JsonObject) -> str:
        """Add everything else, and return the digest."""
        self._add("," + dump_compact(head)[1:])
        return f"sha256:{self._hash.hexdigest()}"

    def _add(self, text: str) -> None:
        self._hash.update(text.encode("utf-8", "surrogatepass"))


def _digest(content: JsonObject) -> str:
    """Return the digest of the content of a plan file, whatever it is."""
    text = dump_compact(content).encode("utf-8", "surrogatepass")
    return "sha256:" + hashlib.sha256(text).hexdigest()
