"""Checks of a built wheel and sdist.

They open the two archives and compare them with the source tree; they build and write nothing.
"""

from __future__ import annotations

import re
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path, PurePosixPath

_INCLUDED = {"schemas": "reconciler/schemas", "examples/workflows": "reconciler/examples"}
"""Directories outside the package that are shipped inside it."""

_NOT_IN_A_WHEEL = re.compile(
    r"(^|/)(tests?|benchmarks|scripts|docs|__pycache__|\.[^/]+)(/|$)|\.(pyc|pyo|part|orig)$"
)
_NAME = "peak-reconciler"


def wheel_problems(wheel: Path, root: Path, version: str) -> list[str]:
    """Return the problems of `wheel`; empty if there are none.

    Args:
        wheel: The built file.
        root: The source tree.
        version: The expected version.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = f"peak_reconciler-{version}.dist-info"
        if f"{info}/METADATA" not in names:
            return [f"the wheel is not of version {version}"]
        metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode("utf-8"))
        points = archive.read(f"{info}/entry_points.txt").decode("utf-8")
    wrong = [f"{name} must not be in the wheel" for name in sorted(names) if _NOT_IN_A_WHEEL.search(name)]
    wanted = {"reconciler/py.typed", f"{info}/licenses/LICENSE", *_shipped(root)}
    wrong += [f"{name} is missing in the wheel" for name in sorted(wanted - names)]
    if "peak-reconciler = reconciler.cli:main" not in points:
        wrong.append("the wheel does not install the command peak-reconciler")
    return [*wrong, *metadata_problems(metadata, version)]


def metadata_problems(metadata: Message, version: str) -> list[str]:
    """Return the problems of the core metadata of a distribution of version `version`."""
    wanted = {
        "Name": _NAME,
        "Version": version,
        "License-Expression": "Apache-2.0",
        "License-File": "LICENSE",
        "Description-Content-Type": "text/markdown",
    }
    wrong = [
        f"{key} is {metadata[key]!r} and must be {value!r}"
        for key, value in wanted.items()
        if metadata[key] != value
    ]
    if not re.fullmatch(r">=3\.[0-9]+", metadata["Requires-Python"] or ""):
        wrong.append(
            f"Requires-Python is {metadata['Requires-Python']!r}: it must name the oldest Python only"
        )
        return wrong
    classifiers = metadata.get_all("Classifier", [])
    oldest = metadata["Requires-Python"].removeprefix(">=")
    wrong += [
        f"the classifier {classifier!r} is missing"
        for classifier in (f"Programming Language :: Python :: {oldest}", "Typing :: Typed")
        if classifier not in classifiers
    ]
    links = metadata.get_all("Project-URL", [])
    return wrong + [f"the link {link!r} is not https" for link in links if "https://" not in link]


def sdist_problems(sdist: Path, tracked: list[str], version: str) -> list[str]:
    """Return the problems of `sdist`; empty if there are none.

    Args:
        sdist: The built file.
        tracked: The paths under version control, relative to the root.
        version: The expected version.
    """
    top = f"peak_reconciler-{version}"
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
    names = {member.name for member in members if member.isfile()}
    wanted = {f"{top}/{name}" for name in tracked}
    made = {f"{top}/PKG-INFO"}
    wrong = [f"{name} is missing in the sdist" for name in sorted(wanted - names)]
    wrong += [f"{name} must not be in the sdist" for name in sorted(names - wanted - made)]
    return wrong + [f"{member.name} is a link" for member in members if member.issym() or member.islnk()]


def _shipped(root: Path) -> set[str]:
    return {
        str(PurePosixPath(inside) / file.relative_to(root / outside))
        for outside, inside in _INCLUDED.items()
        for file in (root / outside).rglob("*")
        if file.is_file()
    }
