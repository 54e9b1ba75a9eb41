"""Export: write live workflows as manifests whose plan is empty."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.client import Session, Workflow
from reconciler.errors import ReconcilerError, UsageError
from reconciler.export import Exporter, ExportResult, SecretHandling
from reconciler.manifests import CONFIGURATION_NAMES
from reconciler.operations.engine import compare_options_of, open_session
from reconciler.operations.listener import Listener
from reconciler.operations.name_resolution import open_catalogue
from reconciler.operations.resolving import unknown
from reconciler.operations.settings import Settings
from reconciler.plan import PlatformFacts, describe_all, list_tenant, names_matching, read_default_resource
from reconciler.portable import ids_of
from reconciler.secrecy import Redactor, credential_kind
from reconciler.text import clip, printable, slug
from reconciler.workflow import Listed, Live


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedWorkflows:
    """The exported workflows of a tenant.

    Args:
        workflows: Each workflow with its manifest, or with the reason that it has none.
        redactor: Removes known secrets from text about them.
    """

    workflows: tuple[ExportResult, ...]
    redactor: Redactor

    @property
    def complete(self) -> bool:
        """Whether every manifest says all that its workflow is."""
        return not any(item.problems for item in self.workflows)

    @property
    def text(self) -> str:
        """All manifests as one YAML stream; empty when there are none."""
        return "---\n".join(item.text for item in self.workflows if item.text)

    def files(self, taken: Container[str] = ()) -> dict[str, str]:
        """Return the manifests by file name: the workflow's name, and its id where that is not enough.

        Args:
            taken: File names that others have.
        """
        written = [item for item in self.workflows if item.text]
        slugs = {
            item.live.id: "" if credential_kind(item.live.name) else slug(item.live.name) for item in written
        }
        shared = Counter(slugs.values())
        files = {}
        for item in written:
            base = slugs[item.live.id]
            free = f"{base}.yaml" not in CONFIGURATION_NAMES and f"{base}.yaml" not in taken
            alone = shared[base] == 1 and base and free
            files[f"{base}.yaml" if alone else f"{base or 'workflow'}-{item.live.id}.yaml"] = item.text
        return files


def export(  # noqa: PLR0913 - what to export, and from where
    settings: Settings,
    names: Sequence[str] = (),
    ids: Sequence[int] = (),
    listener: Listener | None = None,
    *,
    everything: bool = False,
    secrets: SecretHandling = SecretHandling.NAMES,
    portable: bool = False,
    env: Mapping[str, str] = os.environ,
) -> ExportedWorkflows:
    """Return live workflows as manifests without any secret. Sends no request but GET.

    Args:
        settings: The tenant.
        names: Names of workflows, or globs over names.
        ids: Ids of workflows.
        listener: Receives requests.
        everything: Whether to export all workflows of the tenant.
        secrets: What is written for secrets.
        portable: Whether to write names in place of the ids of images and instance types.
        env: Variables for the address and the credential.

    Raises:
        UsageError: Nothing is named.
        ReconcilerError: A name, a glob or an id matches no workflow; or as the client.
    """
    if not (names or everything or ids):
        raise UsageError("name the workflows: by NAME or GLOB, with --id N, or --all for every one")
    with open_session(settings, env, purpose="export", listener=listener) as session:
        reader = Workflow(session.as_read_only())
        listed = list_tenant(reader)
        chosen = chosen_workflows(listed, names, ids)
        chosen = list(listed) if everything else chosen
        live = describe_all(reader, [item.id for item in chosen], settings.concurrency)
        exported = export_live(session, settings, env, listed, live.values(), secrets, portable=portable)
        found = frozenset[str]().union(*(item.secrets for item in exported))
        return ExportedWorkflows(
            workflows=tuple(exported), redactor=session.redactor().joined(Redactor.of(found))
        )


def export_live(  # noqa: PLR0913, PLR0917 - one call
    session: Session,
    settings: Settings,
    env: Mapping[str, str],
    listed: Iterable[Listed],
    live: Iterable[Live],
    secrets: SecretHandling,
    *,
    portable: bool = False,
) -> list[ExportResult]:
    """Return live workflows with their manifests, by name.

    Args:
        session: The tenant.
        settings: How workflows are compared.
        env: Variables, for the key of the digests of sent values.
        listed: Every workflow of the tenant.
        live: The workflows.
        secrets: What is written for secrets.
        portable: Whether to write names in place of the ids of images and instance types.

    Raises:
        ReconcilerError: As the client.
    """
    live = sorted(live, key=lambda item: (item.name, item.id))
    options = compare_options_of(settings, env)
    facts = PlatformFacts(default_resource=read_default_resource(Workflow(session.as_read_only())))
    catalogue = None
    if portable:
        ids = ids_of(item.body.raw for item in live)
        catalogue = open_catalogue(session, settings.concurrency).facts_for_ids(ids)
    learned = facts.learned_from(live, options)
    exporter = Exporter(options, learned, session.redactor(), secrets, catalogue)
    same = Counter(item.name for item in listed)
    twice = Counter(item.name for item in live)
    return [
        exporter.export(item, pinned=same[item.name] > 1)
        if twice[item.name] == 1
        else _ambiguous(item, same[item.name])
        for item in live
    ]


def _ambiguous(live: Live, number: int) -> ExportResult:
    problem = (
        f"{number} live workflows have this name, which must be unique among manifests: export one by --id"
    )
    return ExportResult(live=live, text="", problems=(problem,))


def chosen_workflows(
    listed: tuple[Listed, ...], names: Sequence[str], ids: Sequence[int] = ()
) -> list[Listed]:
    """Return the workflows of these names, globs and ids.

    Raises:
        ReconcilerError: A name, a glob or an id matches none.
    """
    chosen: dict[int, Listed] = {item.id: item for item in listed if item.id in ids}
    for number in ids:
        if number not in chosen:
            raise ReconcilerError(f"there is no workflow with the id {number}")
    for name in names:
        found = _named(listed, name)
        if not found:
            shown = clip(printable(name), 100)
            raise unknown(
                f"no workflow is named {shown!r} or matches it", name, {item.name for item in listed}
            )
        chosen |= {item.id: item for item in found}
    return list(chosen.values())


def _named(listed: Iterable[Listed], name: str) -> list[Listed]:
    """Return the workflows of exactly this name, else those that match it as a glob."""
    listed = list(listed)
    names = names_matching(name, (item.name for item in listed))
    return [item for item in listed if item.name in names]
