"""Finds the shipped schemas: inside the wheel, or beside the package in a checkout."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from reconciler.values import JsonObject

SCHEMA_NAMES = ("manifest", "workflow", "patch", "reconcile", "execution", "configuration")
"""The schemas by name: a whole manifest and its parts, the body that starts a run, the configuration file."""

URN = "urn:peak-reconciler:schema:"
"""What the `$id` of every schema starts with."""


@cache
def load_schema(name: str) -> JsonObject:
    """Return the schema called `name` (one of `SCHEMA_NAMES`), parsed; the caller must not change it."""
    schema: JsonObject = json.loads((_folder() / f"{name}.json").read_text(encoding="utf-8"))
    return schema


def _folder() -> Path:
    package = Path(__file__).resolve().parent.parent
    shipped = package / "schemas"
    return shipped if shipped.is_dir() else package.parent / "schemas"
