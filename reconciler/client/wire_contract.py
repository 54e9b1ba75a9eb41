"""Contract of the reads: what the answers to GET requests have, as recorded from the public client.

`wire_contract.json` is generated from the recording (`tests/wire/record_contract.py`) and compared with it in
CI. A tenant whose answers differ from it has another API than the documentation describes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from reconciler.values import JsonObject, JsonValue, as_list, as_object

CONTRACT_FILE: Final = Path(__file__).with_name("wire_contract.json")

_NESTED: Final = 2
"""How deep objects are compared: an object in an object of the answer, and no deeper."""

_MAPS: Final = frozenset({"steps"})
"""Keys whose value is a map with names of the user, where it is an object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadField:
    """A field of an answer.

    Args:
        types: The names of the JSON types that its value may have.
        required: Whether it is always there, and not null.
    """

    types: tuple[str, ...]
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadContract:
    """What the answer to one method's GET has.

    Args:
        method: The name of the client's method.
        path: The path, with names in braces for ids.
        query: The parameters that the client may send.
        status: The status of the answer.
        paging: The fields that say which page of how many an answer is.
        objects: The fields of each object in the answer, by the object's place.
    """

    method: str
    path: str
    query: tuple[str, ...]
    status: int
    paging: tuple[str, ...]
    objects: Mapping[str, Mapping[str, ReadField]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviations:
    """How answers differ from their contract, each as a short text.

    Args:
        differences: What is not as documented.
        undocumented: The fields that no documentation has.
    """

    differences: tuple[str, ...] = ()
    undocumented: tuple[str, ...] = ()


@cache
def load_contract() -> tuple[ReadContract, ...]:
    """Return the contract of each read."""
    reads = as_object(json.loads(CONTRACT_FILE.read_text(encoding="utf-8"))["reads"])
    return tuple(_contract(method, as_object(read)) for method, read in reads.items())


def _contract(method: str, read: JsonObject) -> ReadContract:
    return ReadContract(
        method=method,
        path=str(read["path"]),
        query=tuple(map(str, as_list(read["query"]))),
        status=int(str(read["status"])),
        paging=tuple(map(str, as_list(read["paging"]))),
        objects={
            place: {
                name: ReadField(
                    types=tuple(map(str, as_list(as_object(field)["types"]))),
                    required=as_object(field)["required"] is True,
                )
                for name, field in as_object(fields).items()
            }
            for place, fields in as_object(read["objects"]).items()
        },
    )


def objects_in(value: JsonValue, place: str = "", depth: int = 0) -> Iterator[tuple[str, JsonObject]]:
    """Yield the objects in an answer, each with its place, such as `workflows[].lastExecution`."""
    if isinstance(value, list):
        for item in value:
            yield from objects_in(item, f"{place}[]", depth)
    elif isinstance(value, dict):
        if depth and place.rpartition(".")[2] in _MAPS:
            for item in value.values():
                yield from objects_in(item, f"{place}.*", depth)
            return
        yield place, value
        if depth < _NESTED:
            for name, item in value.items():
                yield from objects_in(item, f"{place}.{name}".lstrip("."), depth + 1)


def deviations(contract: ReadContract, answers: Iterable[JsonValue]) -> Deviations:
    """Return how the answers to a method differ from its contract; the same in several counts once."""
    differences: dict[str, None] = {}
    undocumented: dict[str, None] = {}
    for answer in answers:
        for place, item in objects_in(answer):
            fields = contract.objects.get(place)
            if fields is None:
                continue  # an object that only undocumented fields, or other steps, have
            for name, field in fields.items():
                text = _difference(name, field, item)
                if text:
                    differences[f"{_field(place, name)} {text}"] = None
                elif f"{_field(place, name)}[]" in contract.objects and not _of_objects(item.get(name)):
                    differences[f"the items of {_field(place, name)} are no objects"] = None
            undocumented |= {_field(place, name): None for name in item if name not in fields}
        if not any(place in contract.objects for place, _ in objects_in(answer)) and answer not in ([], {}):
            differences[f"the answer is {_a(type_name(answer))}"] = None
    return Deviations(differences=tuple(differences), undocumented=tuple(undocumented))


def _difference(name: str, field: ReadField, item: JsonObject) -> str:
    """Return how a field of an object differs; empty when it does not."""
    value = item.get(name)
    if value is None:
        return ("is null" if name in item else "is missing") if field.required else ""
    kind = type_name(value)
    wanted = " or ".join(map(_a, field.types))
    return "" if kind in field.types or not field.types else f"is {_a(kind)}, not {wanted}"


def _of_objects(value: JsonValue) -> bool:
    """Return whether every item of a list is an object."""
    return all(isinstance(item, dict) for item in as_list(value))


def _field(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _a(kind: str) -> str:
    return f"an {kind}" if kind == "object" else f"a {kind}"


def type_name(value: JsonValue) -> str:
    """Return the name of the JSON type of a value."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, dict):
        return "object"
    if value is None:
        return "null"
    kinds = {str: "text", list: "list", int: "number", float: "number"}
    return kinds[type(value)]
