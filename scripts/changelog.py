"""Check of CHANGELOG.md: a section for unreleased changes, and a dated section for each release.

    python scripts/changelog.py             the checks that always apply
    python scripts/changelog.py --release   the checks before a release, too

Reads the changelog and `reconciler/__init__.py`, which defines the version; writes nothing.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
_RELEASABLE = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+((a|b|rc)[0-9]+)?")
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_UNRELEASED = "Unreleased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Section of the changelog for one version.

    Args:
        title: Its heading, without brackets.
        text: The text below the heading.
    """

    title: str
    text: str

    @property
    def has_entries(self) -> bool:
        """Whether it has any line besides headings."""
        return any(line.strip() and not line.startswith("#") for line in self.text.splitlines())


def read_version(root: Path) -> str:
    """Return the version of the project below `root`.

    Raises:
        ValueError: There is not exactly one version.
    """
    found = _VERSION.findall((root / "reconciler" / "__init__.py").read_text(encoding="utf-8"))
    if len(found) != 1:
        raise ValueError('reconciler/__init__.py must have one line like __version__ = "1.2.3"')
    return str(found[0])


def sections(text: str) -> list[Section]:
    """Return the sections of a changelog, in their order."""
    parts = _HEADING.split(text)[1:]
    titles, texts = parts[::2], parts[1::2]
    return [
        Section(title=title.replace("[", "").replace("]", "").strip(), text=below)
        for title, below in zip(titles, texts, strict=True)
    ]


def problems(text: str, version: str, *, release: bool) -> list[str]:
    """Return the problems of a changelog, each with its fix; empty if there are none.

    Args:
        text: The changelog.
        version: The project's version.
        release: Whether this version is about to be released.
    """
    found = sections(text)
    wrong = [*_of_unreleased(found, release=release), *_of_dates(found)]
    if release:
        wrong += _of_release(found, version)
    return wrong


def _of_unreleased(found: list[Section], *, release: bool) -> list[str]:
    if not found or found[0].title != _UNRELEASED:
        return ["CHANGELOG.md must begin with a section '## Unreleased': add it"]
    if release and found[0].has_entries:
        what = "changes under '## Unreleased' would be released without a version"
        return [f"{what}: move them below the heading of this release"]
    return []


def _of_dates(found: list[Section]) -> list[str]:
    titles = [section.title for section in found]
    wrong = [
        f"the section '## {title}' occurs twice" for title in sorted(set(titles)) if titles.count(title) > 1
    ]
    for title in titles:
        version, _, day = title.partition(" - ")
        if title != _UNRELEASED and not (_RELEASABLE.fullmatch(version) and _is_date(day)):
            wrong.append(f"the heading '## {title}' is not like '## 1.2.3 - 2026-01-31'")
    return wrong


def _of_release(found: list[Section], version: str) -> list[str]:
    if not _RELEASABLE.fullmatch(version):
        return [f"the version {version} cannot be released: write one like 1.2.3 in reconciler/__init__.py"]
    section = next((item for item in found if item.title.partition(" - ")[0] == version), None)
    if section is None:
        heading = f"## {version} - {date.today()}"  # noqa: DTZ011 - a day in the local time zone
        what = f"CHANGELOG.md has no section for {version}"
        return [f"{what}: write '{heading}' below '## Unreleased', and move the released changes there"]
    if not section.has_entries:
        return [f"the section of {version} in CHANGELOG.md is empty"]
    newest = next(item.title for item in found if item.title != _UNRELEASED)
    return (
        [] if section.title == newest else [f"{version} is not the newest release: '## {newest}' is above it"]
    )


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def main() -> int:
    """Check, print the problems, and return the exit code."""
    parser = argparse.ArgumentParser(description="Checks CHANGELOG.md.")
    parser.add_argument("--release", action="store_true", help="run the checks before a release, too")
    parser.add_argument("--root", type=Path, default=Path(__file__).parent.parent, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    text = (chosen.root / "CHANGELOG.md").read_text(encoding="utf-8")
    wrong = problems(text, read_version(chosen.root), release=chosen.release)
    for problem in wrong:
        print(problem, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
