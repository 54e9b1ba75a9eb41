"""Reference pages of the documentation, generated from the code that they describe.

`make reference` writes them to `docs/reference/`; the tests check that the committed pages are up to date.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from reference import commands, exits, files, manifests, methods, platforms, rules, settings

FOLDER: Final = Path(__file__).resolve().parent.parent.parent / "docs" / "reference"

PAGES: Final[dict[str, Callable[[], str]]] = {
    "cli.md": commands.page,
    "client.md": methods.page,
    "configuration.md": settings.page,
    "emulator-profiles.md": platforms.page,
    "exit-codes.md": exits.page,
    "files.md": files.page,
    "manifest.md": manifests.page,
    "rules.md": rules.page,
}
"""The file of each page, and the function that returns its text."""
