"""All pages: links have targets, snippets are valid, console blocks are run or say why not."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from click.testing import CliRunner
from markdown_pages import README, ROOT, Fence, Remark, all_pages, fences, headings, links, parts

from reconciler.cli import group

_PAGES = all_pages()
_LANGUAGES = {"console", "yaml", "json", "python", "text"}


def _named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _anchors(page: Path) -> list[str]:
    """Return the anchors of a page as GitHub makes them."""
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings(page))
    return [text.replace(" ", "-") for text in kept]


@pytest.mark.parametrize("page", _PAGES, ids=_named)
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link leads to an existing file and heading; every other one is a complete URL."""
    for link in links(page):
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme in {"https", "http", "mailto"}, link
            assert parts.netloc or parts.scheme == "mailto", link
            continue
        target = (page.parent / parts.path).resolve() if parts.path else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), f"{_named(page)}: {link}"
        if parts.fragment:
            assert parts.fragment in _anchors(target), f"{_named(page)}: {link}"


@pytest.mark.parametrize("page", _PAGES, ids=_named)
def test_headings_have_one_anchor_each(page: Path) -> None:
    """The headings of a page have different anchors, which GitHub and the site derive alike."""
    anchors = _anchors(page)
    assert len(anchors) == len(set(anchors))
    assert (
        not [anchor for anchor in anchors if "--" in anchor or anchor != anchor.strip("-")]
        or page.name == "json.md"
    )


def test_pages_are_in_the_navigation() -> None:
    """The site's navigation lists every page of the documentation, and no other."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = set(re.findall(r"[\w/-]+\.md", text.partition("\nnav:")[2]))
    assert listed == {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}


def test_site_fetches_nothing() -> None:
    """Neither the site's theme nor a picture loads a font, a script or an image over the network."""
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert settings["theme"]["font"] is False
    assert "extra_javascript" not in settings
    assert "extra_css" not in settings
    for picture in (ROOT / "docs").rglob("*.svg"):
        assert not re.search(r"url\(['\"]?(?!#)|<image|href=", picture.read_text(encoding="utf-8")), picture


def test_screenshots_are_small_and_used() -> None:
    """Each screenshot is on a page, and loads fast."""
    shown = {
        link for page in _PAGES for link in re.findall(r"!\[[^\]]*\]\(\S+?([\w-]+\.png)\)", page.read_text())
    }
    pictures = list((ROOT / "docs" / "images").glob("*.png"))
    assert {picture.name for picture in pictures} == shown
    assert [picture.name for picture in pictures if picture.stat().st_size > 150_000] == []


def _snippets(*languages: str) -> list[Fence]:
    return [fence for page in _PAGES for fence in fences(page, *languages)]


def test_snippets_are_of_known_kinds() -> None:
    """Each fenced block names its language, so that none escapes the checks below."""
    for page in _PAGES:
        for part in parts(page):
            assert isinstance(part, Remark) or part.language in _LANGUAGES, part.place


@pytest.mark.parametrize("fence", _snippets("yaml"), ids=lambda fence: fence.place)
def test_yaml_is_valid(fence: Fence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each YAML snippet is a valid configuration or a valid manifest, or says why it is neither."""
    monkeypatch.chdir(tmp_path)
    if fence.is_marked("not checked"):
        return
    arguments = ["validate", "snippet.yaml"]
    if fence.text.startswith("version:"):
        (tmp_path / "reconciler.yaml").write_text(fence.text, encoding="utf-8")
        fence_text = "name: any\nsteps: {one: {imageId: 100, imageVersionId: 200, command: any}}\n"
    else:
        fence_text = fence.text
    (tmp_path / "snippet.yaml").write_text(fence_text, encoding="utf-8")
    done = CliRunner().invoke(group, arguments, standalone_mode=False)
    assert (done.exception, done.return_value) == (None, 0), f"{fence.place}\n{done.output}"


@pytest.mark.parametrize("fence", _snippets("json", "python"), ids=lambda fence: fence.place)
def test_code_can_be_read(fence: Fence) -> None:
    """Each JSON snippet is JSON, each Python snippet is Python, and its imports work."""
    if fence.language == "json":
        json.loads(fence.text)
        return
    tree = ast.parse(fence.text)
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    exec(compile(ast.Module(body=list(imports), type_ignores=[]), fence.place, "exec"), {})  # noqa: S102 - our own


def test_skipped_console_blocks_have_a_reason() -> None:
    """A console block that the tests skip has a reason that a reader of the source can judge."""
    for fence in _snippets("console"):
        if fence.remark is not None and fence.remark.kind.startswith("not"):
            assert fence.is_marked("not run"), fence.place
            assert len(fence.remark.text.split()) > 3, fence.place


def test_targets_of_make_are_run_by_ci() -> None:
    """Each `make` command on a page is a target, and CI runs the two of the README."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for fence in _snippets("console"):
        for target in re.findall(r"^\$ make ([a-z]+)", fence.text, re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), fence.place
            assert fence.page != README or re.search(rf"^make {target}$", ci, re.MULTILINE), target
