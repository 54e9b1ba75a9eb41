"""Plan: what differs between the manifests and the tenant. Sends no request but GET."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from reconciler import client, planfile
from reconciler.errors import BlockedError, ExitCode, UsageError
from reconciler.operations.engine import Engine, open_engine, open_session
from reconciler.operations.listener import Listener
from reconciler.operations.name_resolution import with_known_ids
from reconciler.operations.settings import Settings
from reconciler.plan import (
    Action,
    Plan,
    Scope,
    Selection,
    Shard,
    Unchanged,
    list_tenant,
)
from reconciler.secrecy import Redactor
from reconciler.text import counted
from reconciler.timestamps import rfc3339_seconds, utc_now
from reconciler.values import JsonObject
from reconciler.workflow import Listed

if TYPE_CHECKING:
    from reconciler.operations.base_manifests import Base


class ScopeOptions(NamedTuple):
    """The part of the workflows that a run is about, and the limits that are lifted for it.

    Args:
        prune: Whether to delete owned workflows that have no manifest any more.
        allow_deletes: Number of deletes to allow, overriding the limits.
        allow_protected: Names of protected workflows that may lose their protection or be pruned.
        targets: Globs over names; only workflows that match one are included.
        exclude: Globs over names; workflows that match one are left out.
        shard: `I/N` for the I-th of N parts, by a stable hash of the name.
        show_unmanaged: Whether the plan lists live workflows that are neither in Git nor owned.
    """

    prune: bool = False
    allow_deletes: int | None = None
    allow_protected: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    shard: str | None = None
    show_unmanaged: bool = False

    def scope(self, settings: Settings) -> Scope:
        """Return the scope of a plan with these options under `settings`.

        Raises:
            UsageError: Pruning needs an ownership tag and all manifests; or the shard is invalid.
        """
        if self.prune and settings.owner is None:
            raise UsageError(
                "--prune needs an ownership tag: only workflows that carry it are ever deleted",
                hint="Set ownership: {tag: NAME} in reconciler.yaml, or pass --ownership-tag NAME.",
            )
        if self.prune and not settings.whole:
            raise UsageError(
                "--prune needs all manifests that reconciler.yaml names; others would lose their workflows",
                hint="Omit PATH; to prune less, use --target GLOB.",
            )
        selection = Selection(
            targets=self.targets,
            exclude=self.exclude,
            shard=None if self.shard is None else Shard.of_text(self.shard),
        )
        return Scope(
            selection=selection,
            prune=self.prune,
            allow_deletes=self.allow_deletes,
            safety=settings.safety,
            show_unmanaged=self.show_unmanaged,
            whole=settings.whole,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Planned:
    """A plan, and the tenant it is for.

    Args:
        plan: The plan.
        engine: The manifests and the tenant it was made from.
        scope: The part of the workflows it is about.
        dropped: With a plan file: the changes that no longer apply.
        unseen: With a plan file: the number of differences that are not in it.
    """

    plan: Plan
    engine: Engine = field(repr=False)
    scope: Scope
    dropped: tuple[planfile.Dropped, ...] = ()
    unseen: int = 0

    @property
    def redactor(self) -> Redactor:
        """Removes known secrets from text about the plan."""
        return self.engine.redactor

    @property
    def environment(self) -> str | None:
        """The name of the environment; `None` for none."""
        chosen = self.engine.settings.environment
        return chosen.name if chosen else None

    @property
    def exit_code(self) -> ExitCode:
        """`BLOCKED` when a guard blocks something, `DIFFERENCES` for a plan with changes, else `OK`."""
        if self.plan.blocked:
            return ExitCode.BLOCKED
        return ExitCode.DIFFERENCES if self.plan.changes_anything else ExitCode.OK

    def plan_file_text(self) -> str:
        """Return the plan as the text of a plan file, without any secret.

        Raises:
            BlockedError: A guard refuses the whole plan.
        """
        return "".join(self.plan_file_pieces())

    def plan_file_pieces(self) -> Iterator[str]:
        """Return the same in pieces, for a plan that is too large to be in memory as a text.

        Raises:
            BlockedError: A guard refuses the whole plan.
        """
        if self.plan.refusal:
            raise BlockedError(self.plan.refusal)
        changing = (action for action in self.plan.actions if not isinstance(action, Unchanged))
        return planfile.plan_file_pieces(
            plan_context(self.engine, self.scope),
            rfc3339_seconds(utc_now()),
            (recorded_action(self.engine, action) for action in changing),
        )


def plan(  # noqa: PLR0913 - the last three by name
    settings: Settings,
    options: ScopeOptions | None = None,
    listener: Listener | None = None,
    *,
    base: str | None = None,
    refresh: bool = False,
    env: Mapping[str, str] = os.environ,
) -> Planned:
    """Return what an apply would change. Sends no request but GET.

    Args:
        settings: The manifests, the tenant and the limits.
        options: The part of the workflows to plan.
        listener: Receives findings and requests.
        base: A git revision, a run record, or `auto` for the commit before the event of a CI run: each
            difference is attributed to Git or to the tenant by the manifests at its merge base with `HEAD`.
        refresh: Whether to read all workflows again, also those that an earlier plan found in sync.
        env: Variables for `!env`, the address and the credential.

    Raises:
        UsageError: The options do not go together.
        InvalidInputError: A manifest is invalid, or there is no usable token.
        ReconcilerError: Something that the plan needs cannot be read.
    """
    settings.require_environment()
    settings.require_manifests()
    options = options or ScopeOptions()
    scope, listener = options.scope(settings), listener or Listener()
    attribute = attribution(settings, base, listener, env)
    with open_engine(
        settings,
        env,
        purpose="plan",
        selection=scope.selection,
        allow_protected=options.allow_protected,
        listener=listener,
        cached=True,
        refresh=refresh,
    ) as engine:
        planned = attribute(engine.plan(scope), engine)
        if planned.changes_anything:
            from reconciler.plan import with_next_runs  # noqa: PLC0415 - of changed schedules only

            planned = with_next_runs(planned, utc_now())
        return Planned(plan=planned, engine=engine, scope=scope)


def attribution(
    settings: Settings,
    revision: str | None,
    listener: Listener,
    env: Mapping[str, str],
    *,
    not_behind: bool = False,
) -> Callable[[Plan, Engine], Plan]:
    """Return what gives the differences of a plan their origin; without a revision, what the last write says.

    It also warns of webhooks that get another URL, which depends on the origin.

    Raises:
        BlockedError: `HEAD` lacks the commit of the revision, and is to be `not_behind` it.
        UsageError: git does not know the revision, or the manifests are not in its repository.
    """
    if revision is None:
        return _with_known_origins
    base = manifests_since(settings, revision, listener, env, not_behind=not_behind)

    def attribute(plan: Plan, engine: Engine) -> Plan:
        from reconciler.plan import with_origins, with_webhook_warnings  # noqa: PLC0415 - as below

        earlier = with_known_ids(base.manifests, engine.catalogue)
        return with_webhook_warnings(with_origins(plan, earlier, base.commit, engine.options))

    return attribute


def _with_known_origins(plan: Plan, engine: Engine) -> Plan:
    if not plan.changes_anything:
        return plan
    from reconciler.plan import with_known_origins, with_webhook_warnings  # noqa: PLC0415 - of changes only

    return with_webhook_warnings(with_known_origins(plan, engine.options))


def manifests_since(
    settings: Settings,
    revision: str,
    listener: Listener,
    env: Mapping[str, str],
    *,
    not_behind: bool = False,
) -> Base:
    """Return the manifests of an earlier commit, after a warning of those that are invalid there.

    Takes and raises what `attribution` does.
    """
    from reconciler.operations.base_manifests import read_base  # noqa: PLC0415 - most plans need no git

    base = read_base(settings, revision, env, not_behind=not_behind)
    if base.errors:
        listener.warning(
            f"the manifests at {base.commit} have {counted(base.errors, 'error')}; a manifest that is "
            "invalid there counts as new in Git"
        )
    return base


def plan_context(engine: Engine, scope: Scope) -> planfile.PlanContext:
    """Return what a plan of `engine` for `scope` depends on; a plan file names it, and `apply` checks it."""
    environment = engine.settings.environment
    return planfile.PlanContext(
        environment=environment.name if environment else None,
        tenant=engine.session.base_url,
        stage=engine.session.stage,
        manifests=planfile.manifests_digest(engine.manifests.manifests, engine.redactor),
        options=planfile.dump_options(scope, engine.options),
    )


def recorded_action(engine: Engine, action: Action) -> JsonObject:
    """Return `action` as it is in a plan file, without any secret."""
    return planfile.action_record(action, engine.options.key, engine.redactor)


def listed_workflows(settings: Settings, env: Mapping[str, str] = os.environ) -> tuple[Listed, ...]:
    """Return the list of the tenant's workflows, for runs that share it. Sends no request but GET.

    Raises:
        InvalidInputError: There is no usable token.
        ReconcilerError: The list cannot be read.
    """
    with open_session(settings, env, purpose="list") as session:
        return list_tenant(client.Workflow(session.as_read_only()))
