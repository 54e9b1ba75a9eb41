"""The README is short, opens with two commands, and names only existing files."""

from __future__ import annotations

import re

from markdown_pages import README, ROOT, fences

_TEXT = README.read_text(encoding="utf-8")


def test_readme_opens_with_the_two_commands() -> None:
    """The README opens with `make demo` and `make test`."""
    assert re.match(r"# peak-reconciler\n\n```console\n\$ make demo .*\n\$ make test .*\n```", _TEXT)


def test_readme_is_short() -> None:
    """The README is one page; details are in the documentation."""
    assert len(_TEXT.splitlines()) < 150


def test_readme_names_files_that_exist() -> None:
    """Every file and directory that the README names exists, except those that its reader saves."""
    saved = {fence.title for fence in fences(README, "yaml")}
    names = set(re.findall(r"`([a-z_]+/[a-z_/]*(?:\.\w+)?)`", _TEXT)) | set(
        re.findall(r"\]\(([^)#:]+)\)", _TEXT)
    )
    assert len(names) > 10
    for name in sorted(names - saved):
        assert (ROOT / name).exists() or (ROOT / "reconciler" / name).exists(), name


def test_readme_shows_a_manifest_a_patch_and_a_configuration() -> None:
    """The README shows one of each; that they are valid is checked with the snippets of all pages."""
    blocks = [fence.text for fence in fences(README, "yaml")]
    assert sorted(block.split(":")[0] for block in blocks) == ["body", "patch", "version"]


def test_readme_leads_to_every_kind_of_page() -> None:
    """The README links the tutorial, and each page of the documentation."""
    linked = set(re.findall(r"\]\((docs/[\w/-]+\.md)\)", _TEXT))
    pages = {str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md")}
    assert linked == pages - {"docs/index.md"}
