"""Options that shaped a plan, written to and read from a plan file."""

from __future__ import annotations

import dataclasses

from reconciler.apply_limits import Safety
from reconciler.plan import CompareOptions, Scope, Selection, Shard
from reconciler.values import JsonObject, as_list


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
