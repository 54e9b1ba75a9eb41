"""The page about performance: its tables and plots are those of the results that were measured."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


def test_the_page_shows_the_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """`make bench-page` would change nothing."""
    monkeypatch.syspath_prepend(str(_ROOT / "benchmarks"))
    from pages import page_text, plots  # noqa: PLC0415 - a directory of scripts

    results = json.loads((_ROOT / "benchmarks" / "results.json").read_text("utf-8"))
    page = (_ROOT / "docs" / "explanation" / "performance.md").read_text("utf-8")
    assert page == page_text(page, results)
    for name, svg in plots(results).items():
        assert (_ROOT / "docs" / "images" / name).read_text("utf-8") == svg


def test_what_grows_is_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command line whose growth is measured is one that the program takes."""
    monkeypatch.syspath_prepend(str(_ROOT / "benchmarks"))
    from growth import MORE_READS, READS, WRITES  # noqa: PLC0415 - a directory of scripts

    for step in (*READS, *MORE_READS, *WRITES):
        name, *words = step.words
        import_module(f"reconciler.cli.commands.{name}").command.make_context(name, words)
