"""All pages with commands, except the tutorial, work as written in a prepared repository.

`make test` runs two of them; with TEST_DEPTH=2 or more, as in CI, all.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from console_pages import prepared_folder, run_page
from markdown_pages import ROOT, TUTORIAL, all_pages
from strategies import DEPTH

from reconciler.emulator.server import EmulatorServer

_ALWAYS = (ROOT / "README.md", ROOT / "docs" / "first-week.md")
_PAGES = [page for page in all_pages() if page != TUTORIAL and "\n```console" in page.read_text()]
_TRIED = _PAGES if DEPTH > 1 else _ALWAYS


@pytest.mark.parametrize("page", _TRIED, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_works_as_written(page: Path, tmp_path: Path) -> None:
    """Each command of the page, in order, prints what the page shows, with the example manifests."""
    with EmulatorServer(step_seconds=0.01) as server:
        env = {"PEAK_API_URL": server.url, "PEAK_AUTH_TOKEN": "anything"}
        run_page(page, prepared_folder(tmp_path), env)
