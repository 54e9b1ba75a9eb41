"""`peak-reconciler doctor`: what works of the configuration, the connection and the tenant."""

from __future__ import annotations

from reconciler import render
from reconciler.cli.command_settings import connection_options
from reconciler.cli.help import command_of
from reconciler.cli.options import MANIFEST_OPTIONS, format_option
from reconciler.cli.terminal import TerminalListener, show
from reconciler.cli.terminal_features import terminal_width
from reconciler.operations import Settings, diagnose


@command_of(
    "doctor",
    examples=(
        ("doctor", "Check the configuration, the connection and the tenant"),
        ("doctor --environment prod --format json", "The same, for a bug report"),
    ),
)
@format_option("text", "json")
@connection_options(*MANIFEST_OPTIONS, concurrent=True)
def command(*, settings: Settings, output_format: str) -> int:
    """Check the configuration, the manifests, the connection and the tenant, and say what to do.

    Sends no request but GET: to the address, with the token, about what it may read, how the list behaves and
    what existing workflows have. The result has no secrets, and of workflows only ids, field names and
    counts: it is fit for a bug report.

    Exits with 1 when a check failed; a warning fails nothing.
    """
    listener = TerminalListener(verbose=settings.verbose)
    diagnosis = diagnose(settings, listener)
    if output_format == "json":
        show(render.diagnosis_json(diagnosis))
    else:
        show(render.diagnosis_text(diagnosis, terminal_width()))
    return diagnosis.exit_code
