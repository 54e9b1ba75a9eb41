"""Names in the package: one public class per name, one module per name; exceptions have a reason."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parents[2] / "reconciler"
_NAMED_AFTER: Final = ("cli/commands/", "render/")
"""Where a module is named after what it runs or shows: a command, a result."""
_SHARED: Final = {
    "__init__.py": "the face of every package",
    "__main__.py": "the entry point of a package",
    "values.py": "JSON values; values of YAML nodes",
    "files.py": "file helpers; the files below the paths of manifests",
    "registry.py": "the schemas; the rules",
    "fields.py": "fields of the schema; secret fields",
    "run.py": "one apply; one run of the job; one check",
    "model.py": "the plan; a rule",
    "deciding.py": "the action for a workflow; whether a value is secret",
    "tenant.py": "reading the tenant; rules that ask it",
    "retrying.py": "retries of requests; whether a write can be repeated",
    "masking.py": "masks for any JSON; masks in a plan",
    "writing.py": "writes to the API; backup files; manifests",
    "parameters.py": "a rule; parameters on the command line",
    "credentials.py": "a rule; the token",
}
"""Module names that occur twice, each with a reason."""


def _modules() -> dict[str, str]:
    """Return the text of each module by its path below the package."""
    return {
        str(file.relative_to(_PACKAGE)): file.read_text(encoding="utf-8") for file in _PACKAGE.rglob("*.py")
    }


def _repeated(places: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: sorted(found) for name, found in places.items() if len(found) > 1}


def test_public_classes_have_names_of_their_own() -> None:
    """A class name leads to one class."""
    places = defaultdict(list)
    for path, text in _modules().items():
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(path)
    assert len(places) > 100
    assert _repeated(places) == {}


def test_modules_have_names_of_their_own() -> None:
    """A file name says what is inside; the names that occur twice are listed, and no other."""
    places = defaultdict(list)
    for path in _modules():
        if not path.startswith(_NAMED_AFTER) or path.endswith("__init__.py"):
            places[Path(path).name].append(path)
    repeated = _repeated(places)
    assert {name: found for name, found in repeated.items() if name not in _SHARED} == {}
