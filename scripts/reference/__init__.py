"""The reference pages of the documentation, generated from the code that they describe.

`make reference` writes them into `docs/reference/`; the tests see that what is committed is what
the code says now.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from reference import commands, exits, files, manifests, methods, rules, settings

FOLDER: Final = Path(__file__).resolve().parent.parent.parent / "docs" / "reference"

PAGES: Final[dict[str, Callable[[], str]]] = {
    "cli.md": commands.page,
    "client.md": methods.page,
    "configuration.md": settings.page,
    "exit-codes.md": exits.page,
    "files.md": files.page,
    "manifest.md": manifests.page,
    "rules.md": rules.page,
}
"""The page's file, and what gives its text."""
