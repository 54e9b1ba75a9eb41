"""Wires manifests, a session and the engine together for the commands that talk to a tenant."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.apply import Applier
from reconciler.cli.output import warn
from reconciler.cli.secrecy import secrets_of
from reconciler.client import Session, Workflow
from reconciler.client.exceptions import NotFoundException, NotSentError
from reconciler.configuration import Configuration
from reconciler.errors import InvalidInputError
from reconciler.manifests import LoadResult
from reconciler.plan import DefaultResource, Plan, Scope, Tenancy, make_plan, take_snapshot
from reconciler.render.findings import finding_line, summary_line
from reconciler.rules import load_checked
from reconciler.text import Redactor

REMEMBER_KEY_VARIABLE: Final = "RECONCILER_REMEMBER_KEY"
"""The variable with the key of the digests of remembered values."""

_PUBLIC_KEY: Final = "peak-reconciler"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the options of a command say about comparing.

    Args:
        remember: Whether what the platform does not tell is remembered in tags.
        resend_secrets: Whether it is sent again.
        off: The ids of rules that are switched off.
        excludes: Says of a file below a directory that it is left out.
    """

    remember: bool = True
    resend_secrets: bool = False
    off: frozenset[str] = frozenset()
    excludes: Callable[[Path], bool] = lambda _: False


def choose(configuration: Configuration, *, remember: bool | None, resend_secrets: bool) -> Choices:
    """Return what holds for comparing: what a flag says, else the configuration.

    Args:
        configuration: The configuration.
        remember: What `--remember` or `--no-remember` says, if either was typed.
        resend_secrets: What `--resend-secrets` says.
    """
    return Choices(
        remember=configuration.remember if remember is None else remember,
        resend_secrets=resend_secrets,
        off=configuration.off,
        excludes=configuration.excludes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A tenant and the manifests for it.

    Args:
        manifests: What was loaded.
        session: The connection to the tenant.
        tenancy: What holds for all workflows of the run.
        redactor: Removes the token and what came through `!env`.
    """

    manifests: LoadResult
    session: Session
    tenancy: Tenancy
    redactor: Redactor

    def plan(self, scope: Scope | None = None) -> Plan:
        """Return the plan; nothing but GET can leave the process meanwhile.

        Args:
            scope: What the run is about, and how far it may go.

        Raises:
            ReconcilerError: Something that the plan needs cannot be read.
        """
        reader = Workflow(self.session.as_read_only())
        snapshot = take_snapshot(
            reader,
            self.manifests.manifests,
            DefaultResource(reader.get_default_resource),
            self.tenancy,
            scope,
        )
        return make_plan(snapshot, self.tenancy, scope)

    def applier(self) -> Applier:
        """Return what carries a plan out."""
        writer = Workflow(self.session)
        return Applier(writer, self.tenancy, DefaultResource(writer.get_default_resource))


@contextmanager
def open_engine(
    paths: tuple[str, ...], choices: Choices, env: Mapping[str, str] = os.environ
) -> Iterator[Engine]:
    """Load and check the manifests, then open a session; close it at the end.

    Raises:
        InvalidInputError: A manifest is invalid (all findings are on stderr), or there is no usable token.
    """
    loaded = load_checked(paths, env, choices.off, choices.excludes)
    redactor = Redactor.of(loaded.secrets)
    for finding in loaded.findings:
        warn(redactor.text(finding_line(finding)))
    if not loaded.valid:
        raise InvalidInputError(
            f"the manifests are invalid: {summary_line(loaded.checked)}; nothing was sent"
        )
    key = env.get(REMEMBER_KEY_VARIABLE) or _PUBLIC_KEY
    tenancy = Tenancy(key=key.encode(), remember=choices.remember, resend=choices.resend_secrets)
    secrets = secrets_of(loaded.manifests, loaded.secrets)
    with Session(env=env, secrets=secrets) as session:
        try:
            yield Engine(
                manifests=loaded,
                session=session,
                tenancy=tenancy,
                redactor=redactor.joined(session.redactor()),
            )
        except (NotSentError, NotFoundException) as error:
            where = f"The address is {session.base_url}: PEAK_API_URL, or that of the stage."
            error.hint = error.hint or where
            raise
