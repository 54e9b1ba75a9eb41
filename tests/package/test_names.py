"""Names in the package: one public class per name, one module per name; exceptions have a reason."""

from __future__ import annotations

import ast
import importlib
import re
from collections import defaultdict
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parents[2] / "reconciler"
_NAMED_AFTER: Final = ("cli/commands/", "render/")
"""Where a module is named after what it runs or shows: a command, a result."""
_SHARED: Final = {
    "__init__.py": "the face of every package",
    "__main__.py": "the entry point of a package",
    "fields.py": "the fields of the schema; the secret fields",
    "run.py": "one apply; one run of the job",
    "options.py": "options of the command line; the typed options of the operations",
    "writing.py": "writes to the API; backup files; manifests",
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


def test_each_face_has_what_it_names() -> None:
    """Every name in a package's `__all__` is there, also where its module is loaded late."""
    names = [
        (face, name)
        for path in _modules()
        if path.endswith("__init__.py")
        for face in [importlib.import_module(".".join(["reconciler", *Path(path).parent.parts]))]
        for name in getattr(face, "__all__", ())
    ]
    assert len(names) > 100
    assert [(face.__name__, name) for face, name in names if not hasattr(face, name)] == []


def test_words_of_the_code_are_at_home() -> None:
    """Each name in the glossary of CONTRIBUTING.md is a class or function of its home."""
    text = (_PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    words = re.findall(r"^\| `(\w+)` \| .* \| `([a-z_./]+)` \|$", text, re.MULTILINE)
    assert len(words) > 10
    for word, home in words:
        files = _PACKAGE.glob(f"{home}*.py") if home.endswith("/") else [_PACKAGE / home]
        sources = [file.read_text(encoding="utf-8") for file in files]
        assert any(re.search(rf"^(class|def) {word}\b", source, re.MULTILINE) for source in sources), word
