"""`peak-reconciler export`: live workflows to manifests that plan clean."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

import click

from reconciler.cli.interrupts import terminating_as_interrupt
from reconciler.cli.shared_options import Number, connection_options
from reconciler.cli.terminal import show, warn
from reconciler.client import Session, Workflow
from reconciler.errors import ReconcilerError, UsageError
from reconciler.exits import ExitCode
from reconciler.export import Exporter, ExportResult
from reconciler.manifests import CONFIGURATION_NAMES
from reconciler.operations.engine import compare_options_of, open_session
from reconciler.operations.new_files import place_files
from reconciler.operations.resolving import unknown
from reconciler.operations.settings import Settings
from reconciler.plan import (
    PlatformFacts,
    describe_all,
    list_tenant,
    read_default_resource,
)
from reconciler.render import export_lines
from reconciler.secrecy import Redactor, credential_kind
from reconciler.text import clip, printable, slug
from reconciler.workflow import Listed, Live


@click.command(name="export")
@click.argument("names", metavar="[NAME|GLOB...]", nargs=-1)
@click.option("--all", "take_all", is_flag=True, help="Every workflow of the tenant.")
@click.option(
    "--id",
    "ids",
    metavar="N",
    multiple=True,
    type=Number(1, whole=True),
    help="The workflow with this id; may be repeated.",
)
@connection_options
@click.option(
    "--out",
    metavar="DIRECTORY",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write one file for each workflow into DIRECTORY, and print their names; else all goes to standard "
    "output.",
)
@click.option("--force", is_flag=True, help="With --out: replace files that are there.")
def command(  # noqa: PLR0913 - one for each option
    *,
    settings: Settings,
    names: tuple[str, ...],
    take_all: bool,
    ids: tuple[int, ...],
    out: Path | None,
    force: bool,
) -> int:
    """Write live workflows as manifests that plan clean: by NAME, by a GLOB over names, or all.

    What the platform fills in by itself is left out. No secret is written: an environment variable stands in
    its place (!env NAME), which a comment and standard error name. Only reads: no request but GET is sent.

    Each manifest is read back and compared with the live workflow. Exits with 1 when one of them cannot say
    all that the workflow is; what it cannot say is named.
    """
    if not (names or take_all or ids):
        raise UsageError("name the workflows: by NAME or GLOB, with --id N, or --all for every one")
    if force and out is None:
        raise UsageError("--force replaces files", hint="Use it with --out DIRECTORY.")
    with terminating_as_interrupt(), open_session(settings) as session:
        exported = _exported(session, settings, names, ids, take_all=take_all)
    secrets = frozenset[str]().union(*(item.secrets for item in exported))
    redactor = session.redactor().joined(Redactor.of(secrets))
    written = [item.text for item in exported if item.text]
    if out is None and written:
        show(_for_standard_output("---\n".join(written).removesuffix("\n")))
    elif out is not None and written:
        hint = "Nothing was written. --force replaces them."
        with terminating_as_interrupt():
            show(
                "\n".join(
                    printable(str(path))
                    for path in place_files(out, _files(exported), force=force, hint=hint)
                )
            )
    for line in export_lines(exported, redactor):
        warn(line)
    if not exported:
        warn("The tenant has no workflow, and nothing was written.")
    return ExitCode.FAILED if any(item.problems for item in exported) else ExitCode.OK


def _for_standard_output(text: str) -> str:
    """Return `text`, in which an escape in the place of a character would say something else.

    Raises:
        ReconcilerError: Standard output does not know one of its characters.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        raise ReconcilerError(
            f"standard output takes {encoding} only, and the manifests have other characters",
            hint="--out DIRECTORY writes them as UTF-8.",
        ) from None
    return text


def _exported(
    session: Session, settings: Settings, names: tuple[str, ...], ids: tuple[int, ...], *, take_all: bool
) -> list[ExportResult]:
    reader = Workflow(session.as_read_only())
    listed = list_tenant(reader)
    chosen = _chosen(listed, names, ids, take_all=take_all)
    live = describe_all(reader, [item.id for item in chosen], settings.concurrency)
    options = compare_options_of(settings, os.environ)
    facts = PlatformFacts(default_resource=read_default_resource(reader))
    exporter = Exporter(options, facts.learned_from(live.values(), options), session.redactor())
    same = Counter(item.name for item in listed)
    twice = Counter(item.name for item in chosen)
    return [
        exporter.export(live[item.id], pinned=same[item.name] > 1)
        if twice[item.name] == 1
        else _ambiguous(live[item.id], same[item.name])
        for item in chosen
    ]


def _ambiguous(live: Live, number: int) -> ExportResult:
    problem = (
        f"{number} live workflows have this name, and manifests tell workflows by it: export one by --id"
    )
    return ExportResult(live=live, text="", problems=(problem,))


def _chosen(
    listed: tuple[Listed, ...], names: tuple[str, ...], ids: tuple[int, ...], *, take_all: bool
) -> list[Listed]:
    """Return the workflows that are asked for, by name.

    Raises:
        ReconcilerError: A name, a glob or an id means none.
    """
    chosen: dict[int, Listed] = {item.id: item for item in listed if take_all or item.id in ids}
    for number in ids:
        if number not in chosen:
            raise ReconcilerError(f"there is no workflow with the id {number}")
    for name in names:
        found = _named(listed, name)
        if not found:
            told = clip(printable(name), 100)
            raise unknown(f"no workflow is called {told!r}, or like it", name, {item.name for item in listed})
        chosen |= {item.id: item for item in found}
    return sorted(chosen.values(), key=lambda item: (item.name, item.id))


def _named(listed: Iterable[Listed], name: str) -> list[Listed]:
    """Return those of exactly this name, else those that it matches as a glob."""
    listed = list(listed)
    exact = [item for item in listed if item.name == name]
    return exact or [item for item in listed if fnmatchcase(item.name, name)]


def _files(exported: Iterable[ExportResult]) -> dict[str, str]:
    """Return the manifests by file name: the name of the workflow, with its id where that is not enough."""
    written = [item for item in exported if item.text]
    slugs = {
        item.live.id: "" if credential_kind(item.live.name) else slug(item.live.name) for item in written
    }
    shared = Counter(slugs.values())
    files = {}
    for item in written:
        base = slugs[item.live.id]
        alone = shared[base] == 1 and base and f"{base}.yaml" not in CONFIGURATION_NAMES
        files[f"{base}.yaml" if alone else f"{base or 'workflow'}-{item.live.id}.yaml"] = item.text
    return files
