"""`peak-reconciler export`: live workflows to manifests that plan clean."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from reconciler.cli.command_settings import connection_options
from reconciler.cli.help import command_of, option
from reconciler.cli.options import Number, names_argument, secrets_option
from reconciler.cli.terminal import TerminalListener, show, warn
from reconciler.errors import ExitCode, ReconcilerError, UsageError
from reconciler.export import SecretHandling
from reconciler.files import place_files
from reconciler.operations import Settings, export
from reconciler.render import export_lines
from reconciler.text import printable


@command_of(
    "export",
    examples=(
        ("export --all --output-dir workflows", "Adopt a tenant: one manifest for each workflow"),
        ("export 'daily-*' > daily.yaml", "Export the workflows whose name matches"),
    ),
)
@names_argument
@option("--all", "everything", is_flag=True, help="Export every workflow of the tenant.", section="Selection")
@option(
    "--id",
    "ids",
    metavar="N",
    multiple=True,
    type=Number(1, whole=True),
    help="Export the workflow with this id; repeatable.",
    section="Selection",
)
@option(
    "--output-dir",
    metavar="DIRECTORY",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write one file for each workflow, and print their names.",
    show_default="all to standard output",
    section="Output",
    aliases=("--out",),
)
@secrets_option
@option(
    "--portable",
    is_flag=True,
    help="Write the names of images and instance types in place of their ids, for other tenants.",
    section="Output",
)
@option("--force", is_flag=True, help="With --output-dir: replace existing files.", section="Output")
@connection_options(concurrent=True)
def command(  # noqa: PLR0913 - one for each option
    *,
    settings: Settings,
    names: tuple[str, ...],
    everything: bool,
    ids: tuple[int, ...],
    output_dir: Path | None,
    secrets: str,
    portable: bool,
    force: bool,
) -> int:
    """Write live workflows as manifests that plan clean: by NAME, by a GLOB over names, or all.

    Leaves out what the platform fills in by itself. Writes no secret, but a reference to an environment
    variable (!env NAME), one for each distinct value, which a comment and standard error name. Only reads: no
    request but GET is sent.

    Reads each manifest back and compares it with the live workflow. Exits with 1 when a manifest cannot say
    all that its workflow is; what it cannot say is named.
    """
    if force and output_dir is None:
        raise UsageError("--force replaces files", hint="Use it with --output-dir DIRECTORY.")
    result = export(
        settings,
        names,
        ids,
        TerminalListener(verbose=settings.verbose),
        everything=everything,
        secrets=SecretHandling(secrets),
        portable=portable,
    )
    if output_dir is None and result.text:
        show(_for_standard_output(result.text.removesuffix("\n")))
    elif output_dir is not None and result.text:
        hint = "Nothing was written. To replace existing files, use --force."
        paths = place_files(output_dir, result.files(), force=force, hint=hint)
        show("\n".join(printable(str(path)) for path in paths))
    for line in export_lines(result.workflows, result.redactor):
        warn(line)
    if not result.workflows:
        warn("The tenant has no workflows; nothing was written.")
    return ExitCode.OK if result.complete else ExitCode.FAILED


def _for_standard_output(text: str) -> str:
    """Return `text`, in which an escape instead of a character would mean something else.

    Raises:
        ReconcilerError: The encoding of standard output lacks one of its characters.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        raise ReconcilerError(
            f"standard output takes {encoding} only, and the manifests have other characters",
            hint="To write them as UTF-8, use --output-dir DIRECTORY.",
        ) from None
    return text
