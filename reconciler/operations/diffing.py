"""Diff: what differs between two environments, two directories, or a directory and an environment."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from reconciler.client import AmbiguousNameError, Session, Workflow
from reconciler.errors import ExitCode
from reconciler.manifests import LoadResult, Manifest, PatchManifest
from reconciler.operations.engine import load_valid, open_session
from reconciler.operations.listener import Listener
from reconciler.operations.name_resolution import open_catalogue, resolve_names
from reconciler.operations.settings import Settings
from reconciler.plan import (
    Desired,
    Selection,
    Side,
    SideComparison,
    SideWorkflow,
    compare_sides,
    describe_all,
    known_secrets,
    list_tenant,
    read_default_resource,
    sensitive_fields,
)
from reconciler.portable import ids_of, names_of_ids, stated_names
from reconciler.secrecy import Redactor
from reconciler.text import clip, printable
from reconciler.values import JsonObject
from reconciler.workflow import Listed, Live


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffSide:
    """One side of a diff: the manifests of a directory, or the live workflows of a tenant.

    Args:
        settings: The settings; their paths name the directory, their environment the tenant.
        live: Whether it is the tenant.
    """

    settings: Settings
    live: bool

    @property
    def name(self) -> str:
        """What to call it: the environment, `tenant` without one, or the paths."""
        if not self.live:
            return " ".join(self.settings.paths)
        return self.settings.environment.name if self.settings.environment else "tenant"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffResult:
    """The result of a diff.

    Args:
        comparison: What differs.
        redactor: Removes known secrets from text about it.
    """

    comparison: SideComparison
    redactor: Redactor = field(repr=False)

    @property
    def exit_code(self) -> ExitCode:
        """`DIFFERENCES` when anything differs, else `OK`."""
        return ExitCode.OK if self.comparison.same else ExitCode.DIFFERENCES


def diff(
    left: DiffSide,
    right: DiffSide,
    selection: Selection | None = None,
    listener: Listener | None = None,
    *,
    env: Mapping[str, str] = os.environ,
) -> DiffResult:
    """Return what differs between two sides. Sends no request but GET.

    Args:
        left: The one side.
        right: The other.
        selection: The workflows to compare, by name.
        listener: Receives findings and requests.
        env: Variables for `!env`, the addresses and the credentials.

    Raises:
        UsageError: Environments are defined, and none is chosen.
        InvalidInputError: A manifest is invalid, or there is no usable token.
        AmbiguousNameError: Two live workflows have the same name.
        ReconcilerError: Something cannot be read.
    """
    listener = listener or Listener()
    with ExitStack() as stack:
        readers = [_open(side, selection, env, listener, stack) for side in (left, right)]
        known = {name for reader in readers for name in reader.names}
        chosen = (selection or Selection()).resolved(known)
        names = {name for name in known if chosen.takes(name)}
        tenants = [reader.read(names) for reader in readers if isinstance(reader, _Tenant)]
        tenant = next(iter(tenants), None)
        sides = [
            reader.side if isinstance(reader, _Tenant) else reader.side(names, tenant) for reader in readers
        ]
        sides = _with_names(sides, [_tenant_of(reader, tenant) for reader in readers], listener)
        redactor = readers[0].redactor.joined(readers[1].redactor)
    return DiffResult(comparison=compare_sides(*sides), redactor=redactor)


def _open(
    side: DiffSide,
    selection: Selection | None,
    env: Mapping[str, str],
    listener: Listener,
    stack: ExitStack,
) -> _Tenant | _Manifests:
    """Return the reader of a side, which knows the names of its workflows.

    Raises:
        ReconcilerError: As `diff`.
    """
    if not side.live:
        side.settings.require_manifests()
        return _Manifests(side, load_valid(side.settings, env, listener, selection), listener)
    session = stack.enter_context(open_session(side.settings, env, purpose="diff", listener=listener))
    return _Tenant(side, session)


def _tenant_of(reader: _Tenant | _Manifests, other: _Tenant | None) -> _Tenant | None:
    """Return the tenant that the ids of a side belong to."""
    return reader if isinstance(reader, _Tenant) else other


def _with_names(sides: list[Side], tenants: list[_Tenant | None], listener: Listener) -> list[Side]:
    """Return the sides with the names of their ids, unless a tenant does not return them."""
    needed = [ids_of(workflow.body.raw for workflow in side.workflows) for side in sides]
    any_type = any(ids.instance_types for ids in needed)  # else a default resource has no name
    named = []
    for side, tenant, stated in zip(sides, tenants, needed, strict=True):
        if tenant is None:
            return sides
        ids = stated._replace(instance_types=any_type)
        facts = tenant.catalogue.facts_for_ids(ids)
        if (ids.images and not facts.images) or (ids.instance_types and not facts.instance_types):
            listener.warning(
                f"{printable(tenant.name)} does not return the names of images or instance types: "
                "their ids are compared"
            )
            return sides
        named.append(dataclasses.replace(side, names=partial(names_of_ids, facts=facts)))
    return named


class _Tenant:
    """A tenant whose workflows are compared.

    Args:
        side: The side.
        session: The connection to it.
    """

    def __init__(self, side: DiffSide, session: Session) -> None:
        self.name, self._concurrency = side.name, side.settings.concurrency
        self._session = session
        self.catalogue = open_catalogue(session, self._concurrency)
        self._reader = Workflow(session.as_read_only())
        self._listed = list_tenant(self._reader)
        self.names = {item.name for item in self._listed}
        self.live: Mapping[str, Live] = {}
        self.default_resource: JsonObject = {}

    @property
    def redactor(self) -> Redactor:
        """Removes the token."""
        return self._session.redactor()

    def read(self, names: Collection[str]) -> _Tenant:
        """Read the workflows of these names, and return this tenant.

        Raises:
            AmbiguousNameError: Two of them have the same name.
            ReconcilerError: As the client.
        """
        chosen = [item for item in self._listed if item.name in names]
        _require_unique(self.name, chosen)
        found = describe_all(self._reader, [item.id for item in chosen], self._concurrency)
        self.live = {item.name: found[item.id].packed() for item in chosen}
        self.default_resource = read_default_resource(self._reader).answer
        return self

    @property
    def side(self) -> Side:
        """The side that was read."""
        workflows = tuple(
            SideWorkflow(name=name, body=live.body, id=live.id, paused=live.paused)
            for name, live in self.live.items()
        )
        return Side(name=self.name, workflows=workflows, default_resource=self.default_resource)


def _require_unique(tenant: str, listed: Iterable[Listed]) -> None:
    ids: dict[str, list[int]] = {}
    for item in listed:
        ids.setdefault(item.name, []).append(item.id)
    for name, same in ids.items():
        if len(same) > 1:
            raise AmbiguousNameError(
                f"there are {len(same)} live workflows named {clip(printable(name), 100)!r} in "
                f"{printable(tenant)}: ids {', '.join(map(str, same))}",
                hint="Rename one of them, or leave them out with --exclude NAME.",
            )


class _Manifests:
    """The manifests of a directory.

    Args:
        side: The side.
        loaded: Its manifests, which are valid.
        listener: Receives a finding for each name that the tenant does not have.
    """

    def __init__(self, side: DiffSide, loaded: LoadResult, listener: Listener) -> None:
        self._name, self._allow_latest, self._listener = side.name, side.settings.allow_latest, listener
        self._manifests = {manifest.wanted_name: manifest for manifest in loaded.manifests}
        self.names = set(self._manifests)
        self.redactor = Redactor.of(known_secrets(loaded.manifests, loaded.secrets))

    def side(self, names: Collection[str], tenant: _Tenant | None) -> Side:
        """Return the side with the workflows of these names, compared with a tenant if there is one.

        Raises:
            ReconcilerError: A patch cannot be applied to its workflow.
        """
        live = tenant.live if tenant else {}
        chosen = [manifest for name, manifest in self._manifests.items() if name in names]
        if tenant is not None:
            chosen = self._with_ids(chosen, tenant)
        return Side(
            name=self._name,
            workflows=tuple(_stated(manifest, live.get(manifest.wanted_name)) for manifest in chosen),
            default_resource=tenant.default_resource if tenant else {},
        )

    def _with_ids(self, manifests: list[Manifest], tenant: _Tenant) -> list[Manifest]:
        resolved = resolve_names(
            manifests,
            tenant.catalogue,
            lambda _: True,
            allow_latest=self._allow_latest,
            redactor=self.redactor,
            listener=self._listener,
        )
        return [*resolved.manifests]


def _stated(manifest: Manifest, live: Live | None) -> SideWorkflow:
    """Return the workflow of a manifest; that of a patch has the rest from the live one."""
    desired = Desired.of(manifest, live)
    start = 1 if isinstance(manifest, PatchManifest) else 0  # its paths begin at the patch, with `body`
    named = {name.path[start:] for name in stated_names(manifest)}
    return SideWorkflow(
        name=desired.name,
        body=desired.packed().body,
        source=manifest.source,
        paused=manifest.settings.paused,
        sensitive=sensitive_fields(manifest, desired.body.raw),
        ignored=desired.ignored if live else (),
        extra=manifest.extra | named,  # names of images and instance types that no tenant has resolved
    )
