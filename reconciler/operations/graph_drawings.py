"""Step graphs of manifests or of live workflows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from reconciler.errors import InvalidInputError, ReconcilerError, UsageError
from reconciler.manifests import Manifest, PatchManifest, load_manifests
from reconciler.operations.listener import Listener
from reconciler.operations.rendered_manifests import is_path
from reconciler.operations.settings import Settings
from reconciler.render import Drawing
from reconciler.secrecy import Redactor
from reconciler.text import printable
from reconciler.workflow import Body, StepGraph


def step_graphs(
    settings: Settings,
    target: str | None = None,
    workflow_id: int | None = None,
    listener: Listener | None = None,
    *,
    env: Mapping[str, str] = os.environ,
) -> list[Drawing]:
    """Return the step graph of each manifest in a path, or of one live workflow.

    Args:
        settings: The tenant, for a live workflow.
        target: A file, a directory, what ends like a manifest, or `-`; anything else is a workflow's name.
        workflow_id: A live workflow's id, instead of `target`.
        listener: Receives findings, notes and requests.
        env: Variables for `!env`, the address and the credential.

    Raises:
        UsageError: Not one thing is named.
        InvalidInputError: The manifests are invalid.
        ReconcilerError: There is no such workflow; or as the client.
    """
    if (target is None) is (workflow_id is None):
        raise UsageError("name a live workflow, or a file or directory with manifests")
    listener = listener or Listener()
    if target is not None and is_path(target):
        return list(_of_manifests(settings, target, listener, env))
    return [_of_tenant(settings, target, workflow_id, listener, env)]


def _of_tenant(
    settings: Settings, name: str | None, workflow_id: int | None, listener: Listener, env: Mapping[str, str]
) -> Drawing:
    # Manifests need no client, and no time to load it.
    from reconciler.client import Workflow  # noqa: PLC0415
    from reconciler.operations.engine import open_session  # noqa: PLC0415
    from reconciler.operations.resolving import live_workflow  # noqa: PLC0415

    with open_session(settings, env, purpose="graph", listener=listener) as session:
        live = live_workflow(Workflow(session.as_read_only()), name, workflow_id)
        shown = session.redactor().text(live.name)
    return Drawing(name=shown, graph=StepGraph.of(live.body), id=live.id)


def _of_manifests(
    settings: Settings, path: str, listener: Listener, env: Mapping[str, str]
) -> Iterator[Drawing]:
    overlays = settings.reading.overlays._replace(whole=False)
    reading = settings.reading._replace(require_env=False, overlays=overlays)
    loaded = load_manifests((path,), env, reading)
    redactor = Redactor.of(loaded.secrets)
    for finding in loaded.findings:
        listener.finding(finding, redactor)
    if not loaded.valid:
        raise InvalidInputError("the manifests are invalid, and were not drawn")
    whole = [manifest for manifest in loaded.manifests if _has_steps(manifest, listener)]
    if not whole:
        raise ReconcilerError(f"there is no workflow to draw in {printable(str(Path(path)))}")
    for manifest in whole:
        name = redactor.text(manifest.name)
        yield Drawing(name=name, graph=StepGraph.of(Body(manifest.body)), file=manifest.source.file)


def _has_steps(manifest: Manifest, listener: Listener) -> bool:
    if isinstance(manifest, PatchManifest):
        listener.note(f"note: {printable(manifest.name)} is a patch, and has no steps of its own")
        return False
    return True
