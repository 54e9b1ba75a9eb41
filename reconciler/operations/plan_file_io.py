"""Plan files in an apply: saving a plan, and checking a saved one against a new plan."""

from __future__ import annotations

import dataclasses

from reconciler.errors import BlockedError
from reconciler.operations.engine import Engine
from reconciler.plan import Action, Plan, Scope, Unchanged
from reconciler.planfile import (
    PlanContext,
    PlanFile,
    Revalidated,
    action_record,
    check_context,
    dump_options,
    load_compare_options,
    load_scope,
    manifests_digest,
    plan_file_text,
    revalidate_plan,
)
from reconciler.text import first_few
from reconciler.timestamps import rfc3339_seconds, utc_now
from reconciler.values import JsonObject


def saved_text(engine: Engine, plan: Plan, scope: Scope) -> str:
    """Return the text of the plan file of `plan`.

    Args:
        engine: The tenant and the manifests it was made from.
        plan: The plan.
        scope: The part of the workflows it is about.

    Raises:
        BlockedError: A guard refuses the whole plan.
    """
    if plan.refusal:
        raise BlockedError(plan.refusal)
    changing = (action for action in plan.actions if not isinstance(action, Unchanged))
    saved = PlanFile(
        context=_context(engine, dump_options(scope, engine.options)),
        created=rfc3339_seconds(utc_now()),
        records=tuple(_recorded(engine, action) for action in changing),
    )
    return plan_file_text(saved)


def revalidate(engine: Engine, saved: PlanFile, *, strict: bool) -> tuple[Engine, Scope, Revalidated]:
    """Return an engine with the options of a saved plan, its scope, and what still applies of it.

    Args:
        engine: The tenant and the manifests of now.
        saved: The saved plan.
        strict: Whether one change that no longer applies blocks all.

    Raises:
        BlockedError: It is for another tenant or other manifests, or `strict` blocks it.
        ReconcilerError: Something that the plan needs cannot be read.
    """
    check_context(saved.context, _context(engine, dump_options(Scope(), engine.options)))
    engine = dataclasses.replace(engine, options=load_compare_options(saved.context.options, engine.options))
    scope = load_scope(saved.context.options)
    valid = revalidate_plan(saved, engine.plan(scope), lambda action: _recorded(engine, action))
    stale = [item for item in valid.dropped if not item.done]
    if strict and stale:
        names = first_few(item.name for item in stale)
        raise BlockedError(
            f"{len(stale)} of {len(saved.records)} changes of the plan file no longer apply ({names})",
            hint="Nothing was changed. Plan again.",
        )
    return engine, scope, valid


def _context(engine: Engine, options: JsonObject) -> PlanContext:
    return PlanContext(
        tenant=engine.session.base_url,
        stage=engine.session.stage,
        manifests=manifests_digest(engine.manifests.manifests, engine.redactor),
        options=options,
    )


def _recorded(engine: Engine, action: Action) -> JsonObject:
    return action_record(action, engine.options.key, engine.redactor)
