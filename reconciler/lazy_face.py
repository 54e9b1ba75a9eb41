"""Lazy face of a package: each public name is loaded at its first use, so that an import is cheap."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def lazy_face(package: str, **contents: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package.

    Args:
        package: The package's dotted name.
        **contents: The public names to load from each of its modules, separated by spaces.
    """
    homes = {name: module for module, names in contents.items() for name in names.split()}

    def load(name: str) -> Any:  # noqa: ANN401 - whatever has that name
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return load
