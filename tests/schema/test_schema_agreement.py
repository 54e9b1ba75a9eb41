"""The fast validator, which decides, and jsonschema, which explains, say the same."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from strategies import LAWS, hostile_bodies, workflow_bodies

from reconciler.manifests.documents import read_documents
from reconciler.manifests.yaml_values import Included, Tags
from reconciler.schema import SCHEMA_NAMES, is_valid
from reconciler.schema.explaining import explain

_CASES = sorted((Path(__file__).parents[1] / "cases" / "validate").glob("*/*.*"))
_TAGS = Tags(
    env=lambda tag: Included(value=tag.name),
    file=lambda name: Included(value=name),
    param=lambda name: Included(value=name),
)


def _agree(value: Any) -> bool:
    """Return what both say of `value`, for every schema."""
    decided = {name: is_valid(value, name) for name in SCHEMA_NAMES}
    explained = {name: not any(True for _ in explain(value, name)) for name in SCHEMA_NAMES}
    assert decided == explained, value
    return decided["workflow"]


@LAWS
@given(body=workflow_bodies())
def test_agree_on_what_is_valid(body: dict[str, Any]) -> None:
    """A body that the schema allows is allowed by both, and so are its parts by their own schemas."""
    assert _agree(body)
    _agree({"body": body})


@LAWS
@given(body=hostile_bodies())
def test_agree_on_any_json(body: dict[str, Any]) -> None:
    """Whatever JSON it is, both say the same of it."""
    _agree(body)
    _agree({"patch": body})


@LAWS
@given(body=workflow_bodies(), other=hostile_bodies())
def test_agree_on_one_fault(body: dict[str, Any], other: dict[str, Any]) -> None:
    """A valid body with one part exchanged for any other is judged alike."""
    chance = random.Random(str(sorted(other)))  # noqa: S311 - picks a place
    broken: Any = copy.deepcopy(body)
    place = broken
    while isinstance(place, dict) and place:
        key = chance.choice(sorted(place))
        if not isinstance(place[key], dict) or chance.random() < 0.3:
            place[key] = chance.choice([other, None, [], "text\n", 5.0, -1, True, *other.values()])
            break
        place = place[key]
    _agree(broken)


@pytest.mark.parametrize("file", _CASES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_agree_on_the_cases(file: Path) -> None:
    """Of every case file that can be read, both say the same."""
    text = file.read_text(encoding="utf-8", errors="replace")
    documents, _ = read_documents(file.name, text, _TAGS)
    for document in documents:
        _agree(document.value)
        if isinstance(document.value, dict):
            _agree(document.value.get("body"))
