"""Plans as files: saving one, and what of a saved one is still to be done."""

from __future__ import annotations

import dataclasses

from reconciler.errors import BlockedError
from reconciler.moments import in_seconds, utc_now
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
from reconciler.values import JsonObject


def saved_text(engine: Engine, plan: Plan, scope: Scope) -> str:
    """Return the text of the file that keeps `plan`.

    Args:
        engine: What made it.
        plan: The plan.
        scope: What it is about.

    Raises:
        BlockedError: The whole plan is refused, so that there is nothing to be done later.
    """
    if plan.refusal:
        raise BlockedError(plan.refusal)
    changing = (action for action in plan.actions if not isinstance(action, Unchanged))
    saved = PlanFile(
        context=_context(engine, dump_options(scope, engine.options)),
        created=in_seconds(utc_now()),
        records=tuple(_recorded(engine, action) for action in changing),
    )
    return plan_file_text(saved)


def revalidate(engine: Engine, saved: PlanFile, *, strict: bool) -> tuple[Engine, Revalidated]:
    """Return what of a saved plan still holds, and an engine with the choices that it was made with.

    Args:
        engine: The tenant and the manifests of now.
        saved: The saved plan.
        strict: Whether a part that does not hold any more refuses the whole.

    Raises:
        BlockedError: It is for another tenant, or for other manifests, or refused.
        ReconcilerError: Something that the plan needs cannot be read.
    """
    check_context(saved.context, _context(engine, dump_options(Scope(), engine.options)))
    engine = dataclasses.replace(engine, options=load_compare_options(saved.context.options, engine.options))
    fresh = engine.plan(load_scope(saved.context.options))
    held = revalidate_plan(saved, fresh, lambda action: _recorded(engine, action))
    stale = [item for item in held.dropped if not item.done]
    if strict and stale:
        names = ", ".join(item.name for item in stale[:5]) + (", …" if len(stale) > 5 else "")  # noqa: PLR2004
        raise BlockedError(
            f"{len(stale)} of {len(saved.records)} changes of the saved plan do not hold any more ({names})",
            hint="Nothing was changed. Plan again.",
        )
    return engine, held


def _context(engine: Engine, options: JsonObject) -> PlanContext:
    return PlanContext(
        tenant=engine.session.base_url,
        stage=engine.session.stage,
        manifests=manifests_digest(engine.manifests.manifests, engine.redactor),
        options=options,
    )


def _recorded(engine: Engine, action: Action) -> JsonObject:
    return action_record(action, engine.options.key, engine.redactor)
