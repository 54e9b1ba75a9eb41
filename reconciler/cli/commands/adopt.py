"""`peak-reconciler adopt`: manifests for live workflows that have none, and the ownership tag."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from reconciler.cli.apply_options import exclude_option, text_apply_options
from reconciler.cli.command_settings import ownership_options
from reconciler.cli.commands.init import EXAMPLE
from reconciler.cli.help import command_of, option
from reconciler.cli.options import backup_dir_option, secrets_option
from reconciler.cli.terminal import TerminalListener, show, warn
from reconciler.export import SecretHandling
from reconciler.operations import Adopted, AdoptOptions, ApplyOptions, Settings, adopt
from reconciler.render import export_lines
from reconciler.text import clip, counted, first_few, printable


@command_of(
    "adopt",
    examples=(
        ("adopt --dry-run", "Show which workflows would be adopted"),
        ("adopt --ownership-tag my-team", "Adopt all workflows that have no manifest"),
        ("adopt 'daily-*'", "Adopt the workflows whose name matches"),
    ),
)
@click.argument("names", metavar="[NAME|GLOB...]", nargs=-1)
@exclude_option
@option(
    "--output-dir",
    metavar="DIRECTORY",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for the manifests.",
    show_default="the first that reconciler.yaml names under manifests",
    section="Output",
    aliases=("--out",),
)
@secrets_option
@option("--dry-run", is_flag=True, help="Show what would be adopted, and write nothing.", section="Apply")
@text_apply_options
@ownership_options(backup_dir_option)
def command(  # noqa: PLR0913 - one for each option
    *,
    settings: Settings,
    names: tuple[str, ...],
    exclude: tuple[str, ...],
    output_dir: Path | None,
    secrets: str,
    dry_run: bool,
    options: ApplyOptions,
    listener: TerminalListener,
) -> int:
    """Adopt live workflows that no manifest describes: by NAME, by a GLOB over names, or all.

    Writes their manifests, as export does; plans the ownership tag on them, shows the plan, asks and applies
    it; and checks that a plan of them is empty. Nothing but the tag changes in the tenant. Without an
    ownership tag (ownership: {tag: NAME} in reconciler.yaml, or --ownership-tag) nothing changes at all.

    Workflows that another owner has are never adopted; those of a Press deployment, and orphaned ones, only
    if they are named. Exits with 1 when a workflow that was to be adopted is not in sync, or when there is
    nothing to adopt but workflows whose manifest was never applied have no ownership tag.
    """
    chosen = AdoptOptions(
        names=names,
        exclude=exclude,
        directory=output_dir,
        secrets=SecretHandling(secrets),
        example=EXAMPLE,
        dry_run=dry_run,
    )
    result = adopt(settings, chosen, options, listener)
    for line in export_lines(result.exported, result.redactor):
        warn(line)
    show("\n".join(printable(result.redactor.text(line)) for line in _lines(result, dry_run=dry_run)))
    return result.exit_code


def _lines(result: Adopted, *, dry_run: bool) -> Iterator[str]:
    """Yield a line for each workflow that is left out, and the result."""
    for item in result.left_out:
        yield f"left out: {clip(item.name, 100)} (id {item.id}): {item.reason}"
    number = len(result.exported)
    workflows = counted(number, "workflow")
    if result.untagged:
        some = "1 workflow has" if len(result.untagged) == 1 else f"{len(result.untagged)} workflows have"
        yield (
            f"{some} a manifest but not the tag {result.owner}: {first_few(result.untagged)}; "
            f"run apply to own {'it' if len(result.untagged) == 1 else 'them'}"
        )
    if number == 0:
        yield "Nothing to adopt."
    elif dry_run:
        yield from (
            f"would adopt: {clip(item.live.name, 100)} (id {item.live.id})" for item in result.exported
        )
        nobody = "" if result.owner else " No ownership tag is set: nothing would be owned."
        yield f"Would adopt {workflows}.{nobody}"
    else:
        unfinished = {item.id for item in result.left_out} & {item.live.id for item in result.exported}
        done = number - len(unfinished)
        owner = f"owned by {result.owner}" if result.owner else "no ownership tag is set"
        yield (
            f"Adopted {workflows} ({owner}); a plan of {'them' if number > 1 else 'it'} is empty."
            if (done == number)
            else f"Wrote {number} manifests; {done} of their workflows are in sync ({owner})."
        )
