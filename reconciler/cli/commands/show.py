"""`peak-reconciler show`: a plan file, a run record or backups, in any format."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from reconciler.cli.apply_options import max_markdown_option, show_bodies_option
from reconciler.cli.help import command_of
from reconciler.cli.options import format_option, output_option
from reconciler.cli.terminal import read_outputs
from reconciler.errors import ExitCode
from reconciler.json_documents import document_text
from reconciler.planfile import load_scope
from reconciler.render import (
    Fact,
    ReportPage,
    backups_json,
    backups_page,
    backups_text,
    html_report,
    markdown_report,
    plan_json,
    plan_page,
    plan_text,
    run_record_page,
    run_record_text,
)
from reconciler.saved import SavedBackups, SavedDocument, SavedPlan, SavedRun, read_saved
from reconciler.secrecy import Redactor
from reconciler.text import TextOrPieces, printable

_FORMATS: Final = ("text", "json", "markdown", "html")

_MASKED: Final = Redactor()
"""Removes nothing: what is saved holds no secret."""


@command_of(
    "show",
    examples=(
        ("show plan.json", "Read a plan file before it is applied"),
        ("show run.json --output html=run.html", "Make a page of last night's run record"),
        ("show .reconciler/backups", "List all backups"),
    ),
)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@format_option(*_FORMATS, help="Print it in this format: markdown for a comment, html for a page to keep.")
@output_option()
@show_bodies_option
@max_markdown_option
def command(
    *, file: Path, output_format: str, outputs: tuple[str, ...], show_bodies: bool, max_markdown_bytes: int
) -> int:
    """Show what is saved in FILE: a plan file, a run record, or backups.

    A plan file is what plan --save-plan wrote, a run record what --run-record wrote. A backup is one file of
    .reconciler/backups; the directory of a run, or all of it, may be named, too. FILE is recognised by its
    content. Needs no configuration, no network and no credentials, and shows no secret: there is none in it.

    Exits with 3 when FILE is none of these, and with 4 when a plan file was edited or is of another version.
    """
    targets = read_outputs(outputs, _FORMATS, output_format)
    saved = read_saved(file)

    def rendered(name: str) -> TextOrPieces:
        match name:
            case "json":
                return _json(saved, bodies=show_bodies)
            case "markdown":
                return markdown_report(_page(saved, bodies=show_bodies), max_markdown_bytes)
            case "html":
                return html_report(_page(saved, bodies=show_bodies))
            case _:
                return _text(saved, bodies=show_bodies)

    targets.deliver(rendered, lambda width: _text(saved, bodies=show_bodies, width=width))
    return ExitCode.OK


def _text(saved: SavedDocument, *, bodies: bool, width: int | None = None) -> str:
    match saved:
        case SavedPlan():
            head = [printable(f"{fact.label}: {fact.text}") for fact in _context(saved)]
            return "\n".join([*head, "", plan_text(saved.plan, _MASKED, bodies=bodies, width=width)])
        case SavedRun():
            return run_record_text(saved.record, _MASKED, bodies=bodies, width=width)
        case SavedBackups():
            return backups_text(saved.runs, saved.directory, bodies=bodies or saved.is_one)


def _json(saved: SavedDocument, *, bodies: bool) -> TextOrPieces:
    match saved:
        case SavedPlan():
            return plan_json(saved.plan, _MASKED)
        case SavedRun():
            return document_text(saved.document)
        case SavedBackups():
            return backups_json(saved.runs, bodies=bodies or saved.is_one)


def _page(saved: SavedDocument, *, bodies: bool) -> ReportPage:
    match saved:
        case SavedPlan():
            return plan_page(saved.plan, _MASKED, bodies=bodies).with_facts(*_context(saved))
        case SavedRun():
            return run_record_page(saved.record, _MASKED, bodies=bodies)
        case SavedBackups():
            return backups_page(saved.runs)


def _context(saved: SavedPlan) -> list[Fact]:
    """Return what a plan file was made for."""
    context, options = saved.context, saved.context.options
    facts = [
        Fact("Saved", saved.created),
        Fact("Tenant", f"{context.tenant} (stage {context.stage})"),
        *([Fact("Environment", context.environment)] if context.environment else []),
        *([Fact("Ownership tag", str(options["owner"]))] if options["owner"] else []),
    ]
    selection = load_scope(options).selection
    chosen = [f"--target {name}" for name in selection.targets]
    chosen += [f"--exclude {name}" for name in selection.exclude]
    chosen += [f"--shard {selection.shard}"] if selection.shard else []
    return [*facts, *([Fact("Selected", " ".join(chosen))] if chosen else [])]
