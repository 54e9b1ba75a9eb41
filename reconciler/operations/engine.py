"""Wires manifests, a session and the engine together for the commands that talk to a tenant."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import click

from reconciler.apply import Applier
from reconciler.backup import BackupWriter
from reconciler.cli.terminal import warn
from reconciler.client import (
    MissingEnvironmentVariableException,
    NotFoundException,
    NotSentError,
    Observer,
    RequestRecord,
    RetryPolicy,
    Session,
    Workflow,
)
from reconciler.concurrency import CONCURRENCY
from reconciler.errors import InvalidInputError
from reconciler.findings import Finding
from reconciler.manifests import LoadResult
from reconciler.operations.settings import Settings
from reconciler.plan import (
    CompareOptions,
    Plan,
    Scope,
    Snapshot,
    known_secrets,
    make_plan,
    take_snapshot,
)
from reconciler.render import exchange_line, finding_line, summary_line
from reconciler.rules import load_checked
from reconciler.secrecy import Redactor
from reconciler.text import printable

REMEMBER_KEY_VARIABLE: Final = "RECONCILER_REMEMBER_KEY"
"""The variable with the key of the digests of remembered values."""

_PUBLIC_KEY: Final = "peak-reconciler"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A tenant and the manifests for it.

    Args:
        manifests: What was loaded.
        session: The connection to the tenant.
        options: What holds for all workflows of the run.
        redactor: Removes the token and what came through `!env`.
        concurrency: How many workflows are read or written at a time.
    """

    manifests: LoadResult
    session: Session
    options: CompareOptions
    redactor: Redactor
    concurrency: int = CONCURRENCY

    def plan(self, scope: Scope | None = None) -> Plan:
        """Return the plan; nothing but GET can leave the process meanwhile.

        Args:
            scope: What the run is about, and how far it may go.

        Raises:
            ReconcilerError: Something that the plan needs cannot be read.
        """
        return make_plan(self.snapshot(scope), self.options, scope)

    def snapshot(self, scope: Scope | None = None) -> Snapshot:
        """Return what is read for a plan; nothing but GET can leave the process meanwhile.

        Args:
            scope: What the run is about.

        Raises:
            InvalidInputError: It prunes, and a manifest is an empty file: what it described would go.
            ReconcilerError: Something that the plan needs cannot be read.
        """
        if scope is not None and scope.prune and self.manifests.empty:
            raise InvalidInputError(
                f"{self.manifests.empty[0]} is an empty file, and pruning would delete what it described",
                hint="Bring back what it said, or remove the file if nothing.",
            )
        reader = Workflow(self.session.as_read_only())
        return take_snapshot(
            reader,
            self.manifests.manifests,
            self.options,
            scope,
            concurrency=self.concurrency,
        )

    def applier(self, timing: RetryPolicy | None = None, backups: BackupWriter | None = None) -> Applier:
        """Return what carries a plan out.

        Args:
            timing: How often and how long things are tried.
            backups: Where what is overwritten or deleted is kept.
        """
        writer = Workflow(self.session)
        counted = dataclasses.replace(timing or RetryPolicy(), on_retry=self.session.count_retry)
        return Applier(writer, self.options, counted, backups)


@contextmanager
def open_engine(
    settings: Settings,
    env: Mapping[str, str] = os.environ,
    *,
    allow_protected: Iterable[str] = (),
    observe: Observer | None = None,
    found: Callable[[Finding, Redactor], None] | None = None,
) -> Iterator[Engine]:
    """Load and check the manifests, then open a session; close it at the end.

    Args:
        settings: Which manifests, which tenant, and how the two are compared.
        env: Where `!env`, server and credential are read.
        allow_protected: The names of protected workflows that may go, or lose their protection.
        observe: Told of each request.
        found: Told of each finding, in place of a line on stderr.

    Raises:
        InvalidInputError: A manifest is invalid (all findings are on stderr), or there is no usable token.
    """
    loaded = load_checked(settings.paths, env, settings.off, settings.excludes)
    redactor = Redactor.of(loaded.secrets)
    for finding in loaded.findings:
        (found or _tell)(finding, redactor)
    if not loaded.valid:
        raise InvalidInputError(
            f"the manifests are invalid: {summary_line(loaded.checked)}; nothing was sent"
        )
    options = compare_options_of(settings, env, allow_protected)
    secrets = known_secrets(loaded.manifests, loaded.secrets)
    with open_session(settings, env, secrets, observe=observe) as session:
        yield Engine(
            manifests=loaded,
            session=session,
            options=options,
            redactor=redactor.joined(session.redactor()),
            concurrency=settings.concurrency,
        )


def _tell(finding: Finding, redactor: Redactor) -> None:
    warn(redactor.text(finding_line(finding)))


def compare_options_of(
    settings: Settings, env: Mapping[str, str], allow_protected: Iterable[str] = ()
) -> CompareOptions:
    """Return what holds for all workflows of a run when they are compared.

    Args:
        settings: What was chosen.
        env: Where the key of remembered values is read.
        allow_protected: The names of protected workflows that may go, or lose their protection.
    """
    key = env.get(REMEMBER_KEY_VARIABLE) or _PUBLIC_KEY
    return CompareOptions(
        key=key.encode(),
        remember=settings.remember,
        resend=settings.resend_secrets,
        owner=settings.owner,
        allow_protected=frozenset(allow_protected),
    )


@contextmanager
def open_session(
    settings: Settings,
    env: Mapping[str, str] = os.environ,
    secrets: Iterable[str] = (),
    *,
    observe: Observer | None = None,
) -> Iterator[Session]:
    """Open a session with the tenant that the settings choose; close it at the end.

    Args:
        settings: Which tenant, and how many requests at a time.
        env: Where server and credential are read.
        secrets: What must not be shown, should the server repeat it in an error.
        observe: Told of each request.

    Raises:
        InvalidInputError: There is no usable token or address.
    """
    stage = settings.environment.stage if settings.environment else None
    known = Redactor.of(secrets)

    def watch(exchange: RequestRecord) -> None:
        if settings.verbose:
            warn(exchange_line(exchange, known.joined(session.redactor())))
        if observe is not None:
            observe(exchange)

    with Session(
        _token(settings, env),
        stage,
        env=env,
        secrets=known.secrets,
        pool_size=settings.concurrency,
        max_requests_per_second=settings.max_requests_per_second,
        observe=watch,
        purpose=_command(),
    ) as session:
        try:
            yield session
        except (NotSentError, NotFoundException) as error:
            where = f"The address is {session.base_url}: PEAK_API_URL, or that of the stage."
            error.hint = error.hint or where
            raise


def _command() -> str:
    """Return the name of the command that runs, for the tenant's own logs."""
    context = click.get_current_context(silent=True)
    return (context.info_name or "") if context else ""


def _token(settings: Settings, env: Mapping[str, str]) -> str | None:
    """Return the environment's own token; `None` leaves it to the usual variables."""
    environment = settings.environment
    if environment is None or environment.token_env is None:
        return None
    token = env.get(environment.token_env)
    if not token:
        raise MissingEnvironmentVariableException(
            f"the environment {printable(environment.name)!r} has its token in {environment.token_env}, "
            "and that variable is not set"
        )
    return token
