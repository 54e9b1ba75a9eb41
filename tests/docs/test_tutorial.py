"""The tutorial works as written, in an empty directory."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from console_pages import run_page
from markdown_pages import ROOT, TUTORIAL

_INSTALLING = "it installs from a package index"


def test_tutorial_works_as_written(tmp_path: Path) -> None:
    """Each command of the tutorial, in order, prints what the tutorial shows."""
    run_page(TUTORIAL, tmp_path, {}, strict=True)


@pytest.mark.skipif("DOCS_INSTALL" not in os.environ, reason="it installs packages; CI sets DOCS_INSTALL")
def test_tutorial_works_from_a_clone(tmp_path: Path) -> None:
    """It works with a clone of the repository, installed as the tutorial says, and no other installation."""
    subprocess.run(["git", "clone", "--quiet", ROOT, tmp_path / "peak-reconciler"], check=True)
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if ".venv" not in part)
    run_page(TUTORIAL, tmp_path, {"PATH": path}, also=_INSTALLING)
