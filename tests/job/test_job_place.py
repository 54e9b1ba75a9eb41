"""Where a run finds its manifests when a symbolic link is turned under it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.errors import ReconcilerError
from reconciler.job.context import enter, starting_place, with_links_resolved
from reconciler.operations import RawOptions


@pytest.fixture
def link(tmp_path: Path) -> Path:
    """Return a link to one of two checkouts."""
    for commit in ("one", "two"):
        (tmp_path / commit / "workflows").mkdir(parents=True)
    link = tmp_path / "current"
    link.symlink_to("one")
    return link


def _turn(link: Path, commit: str) -> None:
    link.unlink()
    link.symlink_to(commit)


def test_links_are_followed_once_for_a_run(link: Path) -> None:
    """What a run was given to read stays the same checkout, also when the link is turned meanwhile."""
    raw = RawOptions(paths=(str(link / "workflows"),), config=link / "reconciler.yaml")
    first = with_links_resolved(raw)
    _turn(link, "two")
    assert first.paths == (str(link.with_name("one") / "workflows"),)
    assert first.config == link.with_name("one") / "reconciler.yaml"
    assert with_links_resolved(raw).paths == (str(link.with_name("two") / "workflows"),)


@pytest.mark.parametrize("path", ["workflows", "./workflows/a.yaml", "-", "", "no/such/path", "x\0y"])
def test_a_path_without_links_stays_as_it_was_written(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages name files as the user did."""
    monkeypatch.chdir(tmp_path)
    assert with_links_resolved(RawOptions(paths=(path,))).paths == (path,)


def test_the_working_directory_is_known_by_its_name(link: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entered through a link, it is entered through the link again; a PWD that lies is not believed."""
    monkeypatch.chdir(link)
    monkeypatch.setenv("PWD", str(link))
    place = starting_place()
    assert place == link
    _turn(link, "two")
    enter(place)
    assert os.path.samefile(Path.cwd(), link.with_name("two"))  # noqa: PTH121 - of two names
    for lie in ("", "relative", str(link.with_name("one")), "/no/such/place"):
        monkeypatch.setenv("PWD", lie)
        assert starting_place() == link.with_name("two")


def test_a_working_directory_that_is_gone_is_an_error(link: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a checkout is put in place, a run fails in words, and the next one finds it."""
    monkeypatch.chdir(link.parent)
    link.unlink()
    with pytest.raises(ReconcilerError, match=r"current cannot be entered: no such file"):
        enter(link)
