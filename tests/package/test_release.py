"""The release script: its checks of the changelog and the tree, and its messages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from artifacts import sdist_problems
from changelog import problems, read_version, sections

_ROOT = Path(__file__).parent.parent.parent
_CHANGELOG = (
    "# Changelog\n\n## Unreleased\n\n## 1.2.0 - 2026-01-31\n\n- New.\n\n## [1.1.0] - 2025-12-01\n\n- Old.\n"
)


def test_this_changelog_is_valid() -> None:
    """The project's changelog begins with Unreleased, and every release has its date."""
    text = (_ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert problems(text, read_version(_ROOT), release=False) == []
    assert sections(text)[0].title == "Unreleased"


def test_release_with_its_section() -> None:
    """The newest dated section is the version's, and Unreleased is empty."""
    assert problems(_CHANGELOG, "1.2.0", release=True) == []


@pytest.mark.parametrize(
    ("text", "version", "message"),
    [
        (_CHANGELOG, "1.3.0", "no section for 1.3.0: write '## 1.3.0 - 20"),
        (_CHANGELOG, "1.1.0", "1.1.0 is not the newest release"),
        (_CHANGELOG, "1.3.0.dev1", "1.3.0.dev1 cannot be released"),
        (_CHANGELOG.replace("- New.", ""), "1.2.0", "the section of 1.2.0 in CHANGELOG.md is empty"),
        (
            _CHANGELOG.replace("## 1.2.0", "- Added.\n\n## 1.2.0"),
            "1.2.0",
            "would be released without a version",
        ),
    ],
)
def test_release_without_its_section(text: str, version: str, message: str) -> None:
    """A missing part of a release is reported with what to do; without a release it is no problem."""
    (problem,) = problems(text, version, release=True)
    assert message in problem
    assert problems(text, version, release=False) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (_CHANGELOG.replace("## Unreleased\n", ""), "must begin with a section '## Unreleased'"),
        (_CHANGELOG.replace("2026-01-31", "2026-02-30"), "is not like '## 1.2.3 - 2026-01-31'"),
        (_CHANGELOG.replace(" - 2026-01-31", ""), "is not like '## 1.2.3 - 2026-01-31'"),
        (_CHANGELOG.replace("1.1.0", "1.2.0").replace("2025-12-01", "2026-01-31"), "occurs twice"),
        ("", "must begin with a section '## Unreleased'"),
    ],
)
def test_invalid_changelog(text: str, message: str) -> None:
    """A section without a date, an invalid date and a duplicate heading are always problems."""
    assert any(message in problem for problem in problems(text, "1.2.0", release=False))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a committed repository with the release script and a version, ready to be released as 1.2.0."""
    root = tmp_path / "repository"
    shutil.copytree(_ROOT / "scripts", root / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "reconciler").mkdir()
    (root / "reconciler" / "__init__.py").write_text('__version__ = "1.2.0"\n', encoding="utf-8")
    (root / "CHANGELOG.md").write_text(_CHANGELOG, encoding="utf-8")
    (root / ".gitignore").write_text("__pycache__/\ndist/\n", encoding="utf-8")
    _git(root, "init", "--quiet")
    _commit(root)
    return root


def test_release_of_a_tree_with_changes(repository: Path) -> None:
    """Uncommitted files are named, and nothing is built."""
    (repository / "forgotten.txt").write_text("x", encoding="utf-8")
    assert _refusal(repository) == "there are uncommitted changes: commit or stash them\n  ?? forgotten.txt"


def test_release_without_a_changelog(repository: Path) -> None:
    """A raised version without its section in the changelog is refused, with the missing heading."""
    (repository / "reconciler" / "__init__.py").write_text('__version__ = "1.3.0"\n', encoding="utf-8")
    _commit(repository)
    assert "CHANGELOG.md has no section for 1.3.0: write '## 1.3.0 - 20" in _refusal(repository)


def test_release_of_an_existing_version(repository: Path) -> None:
    """A version with a tag at another commit is refused."""
    _git(repository, "tag", "v1.2.0")
    (repository / "more.txt").write_text("x", encoding="utf-8")
    _commit(repository)
    assert "the tag v1.2.0 is at another commit: raise the version" in _refusal(repository)


def test_release_into_a_foreign_directory(repository: Path) -> None:
    """A directory that no release wrote is refused and not emptied."""
    kept = repository / "dist" / "kept.txt"
    kept.parent.mkdir()
    kept.write_text("x", encoding="utf-8")
    assert "is not the directory of an earlier release" in _refusal(repository)
    assert kept.exists()


def test_sdist_with_wrong_files(tmp_path: Path) -> None:
    """A missing committed file and an uncommitted file are each reported."""
    sdist = tmp_path / "peak_reconciler-1.2.0.tar.gz"
    stray = tmp_path / "stray.txt"
    stray.write_text("x", encoding="utf-8")
    with tarfile.open(sdist, "w:gz") as archive:
        archive.add(stray, "peak_reconciler-1.2.0/stray.txt")
        archive.add(stray, "peak_reconciler-1.2.0/PKG-INFO")
    assert sdist_problems(sdist, ["Makefile"], "1.2.0") == [
        "peak_reconciler-1.2.0/Makefile is missing in the sdist",
        "peak_reconciler-1.2.0/stray.txt must not be in the sdist",
    ]


@pytest.mark.parametrize(("words", "code"), [((), 0), (("--required",), 1)])
def test_audit_without_a_network(words: tuple[str, ...], code: int) -> None:
    """Without access to advisories, one line says that nothing was audited; it fails only with --required."""
    command = [sys.executable, str(_ROOT / "scripts" / "audit.py"), "requirements.lock", *words]
    # Nothing listens on port 9 of loopback.
    env = {"PATH": os.environ["PATH"], "HTTPS_PROXY": "http://127.0.0.1:9"}
    done = subprocess.run(command, env=env, cwd=_ROOT, capture_output=True, text=True, check=False)
    expected = "NOT AUDITED: the advisories of PyPI are not available here (pip-audit gets no answer)\n"
    assert (done.returncode, done.stdout, done.stderr) == (code, expected, "")


def _refusal(root: Path) -> str:
    command = [sys.executable, str(root / "scripts" / "release.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    first, _, reasons = done.stderr.partition("\n")
    assert first == "no release:"
    return reasons.strip()


def _commit(root: Path) -> None:
    _git(root, "add", "--all")
    _git(root, "-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "--quiet", "-m", "x")


def _git(root: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True)
