"""Large runs: what is printed stays short, and what is counted is complete."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flow_helpers import body
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAWS

from reconciler.json_documents import document_pieces, document_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from flow_helpers import Ended, Git

_TEXTS = st.text(alphabet='\n "changes":[]{}', max_size=20)
_ITEMS = st.recursive(
    st.none() | st.integers() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)


def test_findings_are_counted_after_the_first(git: Git, typed: Callable[..., Ended]) -> None:
    """A plan prints 50 findings in manifests, and says how many more there are, by rule."""
    bad = [{"name": f"w{number}", "steps": {"one": {"imageId": "text"}}} for number in range(70)]
    git.write("\n---\n".join(json.dumps({"body": each}) for each in bad))
    ended = typed("plan", git.folder)
    assert ended.code == 3
    shown = [line for line in ended.err.splitlines() if ": error:" in line]
    assert len(shown) == 50
    assert "findings that are not shown: 20 (schema-type: 20); run validate to see them" in ended.err


def test_a_plan_of_many_is_the_same_json(git: Git, typed: Callable[..., Ended]) -> None:
    """The changes of a plan, written one by one, are one well-formed document."""
    for number in range(5):
        git.write(body(f"w{number}"), f"{number}.yaml")
    text = typed("plan", git.folder, "--format", "json").out
    document = json.loads(text)
    assert [change["name"] for change in document["changes"]] == [f"w{number}" for number in range(5)]
    assert text.rstrip("\n") == document_text(document)


@LAWS
@given(_TEXTS, st.lists(_ITEMS, max_size=4), st.dictionaries(_TEXTS, _ITEMS, max_size=3))
def test_items_written_one_by_one(key: str, items: list[Any], others: dict[str, Any]) -> None:
    """A document that is written item by item is the document written at once, whatever texts it has."""
    document = {"format_version": 1, **others}
    at_once = document_text({**document, key: items})
    assert "".join(document_pieces({**document, key: iter(items)})) == at_once
    nested = {"inner": {key: items}, "each": [{key: items}], "last": len(items)}
    streamed = {
        "inner": {key: iter(items)},
        "each": iter([{key: iter(items)}]),
        "last": lambda: len(items),
    }
    assert "".join(document_pieces(streamed)) == document_text(nested)


@LAWS
@given(_ITEMS | st.floats() | st.booleans() | st.text())
def test_a_document_is_indented_as_the_standard_library_does(document: Any) -> None:
    """The text of a document is that of `json.dumps` with an indentation of two, in ASCII."""
    assert document_text(document) == json.dumps(document, indent=2)


def test_an_item_is_made_when_its_turn_comes() -> None:
    """No item is made before the one before it is written, and a value of a function after all items."""
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(3):
            made.append(number)
            yield number

    pieces = document_pieces({"items": items(), "number": lambda: len(made)})
    written = ""
    while '"number"' not in written:
        written += next(pieces)
        assert len(made) - written.count("\n    ") in {0, 1}
    assert json.loads(written + "".join(pieces)) == {"items": [0, 1, 2], "number": 3}
