"""`peak-reconciler diff`: what differs between two environments or directories."""

from __future__ import annotations

from typing import Final

from reconciler.cli.apply_options import max_markdown_option, selection_options
from reconciler.cli.command_settings import TwoSides, two_sides_options
from reconciler.cli.help import command_of, option
from reconciler.cli.options import format_option, output_option
from reconciler.cli.terminal import TerminalListener, read_outputs
from reconciler.errors import ExitCode
from reconciler.operations import DiffResult, diff
from reconciler.plan import Selection
from reconciler.render import html_report, markdown_report, sides_json, sides_page, sides_text
from reconciler.text import TextOrPieces

_FORMATS: Final = ("text", "json", "markdown", "html")


@command_of(
    "diff",
    examples=(
        ("diff --environment dev --environment prod", "Compare the workflows of two tenants"),
        ("diff workflows/ --environment prod", "Compare a directory with a tenant"),
        ("diff before/ after/", "Compare two directories, without a network"),
        ("diff before/ after/ --output html=diff.html", "Write a page to keep, side by side"),
    ),
)
@selection_options
@format_option(
    *_FORMATS, help="Print the differences in this format: markdown for a comment, html for a page to keep."
)
@output_option()
@option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 2 when anything differs, with 0 when not.",
    section="Output",
)
@max_markdown_option
@two_sides_options
def command(  # noqa: PLR0913 - one for each option
    *,
    sides: TwoSides,
    selection: Selection,
    output_format: str,
    outputs: tuple[str, ...],
    detailed_exitcode: bool,
    max_markdown_bytes: int,
) -> int:
    """Show what differs between two sides: two environments, two directories, or one of each.

    A side is the live workflows of an environment's tenant, or the manifests in PATH, read with the
    environment's parameters and overlays where one is named. Workflows are matched by name and compared
    by meaning, as plan compares them, and by whether they are paused; the reconciler's own tags, and what
    the platform writes by itself, are left out. Of each field, the value of the left side comes first: of
    PATH, else of the environment named first. A field that a tenant does not return is not compared, and
    counted.

    Only reads: no request but GET is sent. Shows secrets of neither side.
    """
    targets = read_outputs(outputs, _FORMATS, output_format)
    listener = TerminalListener(verbose=sides.left.settings.verbose)
    result = diff(sides.left, sides.right, selection, listener)
    targets.deliver(
        lambda name: _rendered(result, name, max_markdown_bytes),
        lambda width: sides_text(result.comparison, result.redactor, width),
    )
    return result.exit_code if detailed_exitcode else ExitCode.OK


def _rendered(result: DiffResult, name: str, limit: int) -> TextOrPieces:
    match name:
        case "json":
            return sides_json(result.comparison, result.redactor)
        case "markdown":
            return markdown_report(sides_page(result.comparison, result.redactor), limit)
        case "html":
            return html_report(sides_page(result.comparison, result.redactor))
        case _:
            return sides_text(result.comparison, result.redactor)
