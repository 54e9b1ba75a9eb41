"""Value classes: the dataclasses of the standard library, made in a fraction of the time.

`dataclasses.dataclass` compiles up to eight methods for each class that it decorates, which was almost half
of the start of a command. `dataclass` of this module gives a class methods that all classes share, and
compiles `__init__` alone, when the first value is made. For everyone else the class is a dataclass:
`dataclasses.replace`, `fields` and `asdict` take its values, and so do `match` and pickle. Type checkers read
it as the original.

Only what this package uses is here: no order, no `InitVar`, no `ClassVar`.
"""

# ruff: noqa: ANN401 - as the decorator of the standard library, for values of any class

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, Field, FrozenInstanceError, field
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, Final, TypeAlias

__all__ = ["dataclass", "field"]

_Class: TypeAlias = type[Any]
_Fields: TypeAlias = dict[str, Field[Any]]
_Init: TypeAlias = Callable[..., None]

_FIELDS: Final = "__dataclass_fields__"
"""The attribute by which the standard library knows a dataclass."""


@dataclasses.dataclass
class _Example:
    value: int


_ORDINARY: Final = dataclasses.fields(_Example)[0]._field_type  # type: ignore[attr-defined]  # noqa: SLF001
"""The mark of a field that is neither a class variable nor an argument of `__init__` alone."""


def _value_class(
    *, frozen: bool = False, slots: bool = False, kw_only: bool = False, eq: bool = True
) -> Callable[[_Class], _Class]:
    """Return a decorator that makes a class a dataclass; takes what `dataclasses.dataclass` does.

    Raises:
        ValueError: A default is a value that can change, which all values of the class would share.
    """

    def decorate(cls: _Class) -> _Class:
        own = _own_fields(cls, kw_only=kw_only)
        inherited: _Fields = {}
        for base in cls.__mro__[-1:0:-1]:
            inherited |= getattr(base, _FIELDS, {})
        fields = inherited | own
        for name, one in own.items():
            if isinstance(cls.__dict__.get(name), Field):
                if one.default is MISSING:
                    delattr(cls, name)
                else:
                    setattr(cls, name, one.default)
        methods = dict(_methods(list(fields.values()), frozen=frozen, slots=slots, eq=eq))
        shared = {
            _FIELDS: fields,
            "__match_args__": tuple(one.name for one in fields.values() if one.init and not one.kw_only),
        }
        if slots:
            cls = _with_slots(cls, fields)
        for name, value in {**shared, **methods}.items():
            if name not in cls.__dict__ or (name == "__hash__" and cls.__dict__[name] is None):
                setattr(cls, name, value)
        cls.__init__ = _first_init(cls, frozen=frozen)
        return cls

    return decorate


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _value_class


def _own_fields(cls: _Class, *, kw_only: bool) -> _Fields:
    """Return the fields that `cls` itself states."""
    fields: _Fields = {}
    for name, annotation in inspect.get_annotations(cls).items():
        default = cls.__dict__.get(name, MISSING)
        one: Any = default if isinstance(default, Field) else field(default=default)
        if one.default is not MISSING and one.default.__class__.__hash__ is None:
            raise ValueError(f"the default of {name} is a value that can change: use default_factory")
        one.name, one.type, one.kw_only = name, annotation, kw_only
        one._field_type = _ORDINARY  # noqa: SLF001 - `dataclasses.fields` wants it
        fields[name] = one
    return fields


def _with_slots(cls: _Class, fields: _Fields) -> _Class:
    """Return `cls` made once more, with a slot for each field that no base has one for."""
    content = dict(cls.__dict__)
    taken = {slot for base in cls.__mro__[1:-1] for slot in _slots(base)}
    content["__slots__"] = tuple(name for name in fields if name not in taken)
    for name in (*fields, "__dict__", "__weakref__"):
        content.pop(name, None)
    metaclass: Any = type(cls)
    made: _Class = metaclass(cls.__name__, cls.__bases__, content)
    made.__qualname__ = cls.__qualname__
    return made


def _slots(cls: _Class) -> Sequence[str]:
    slots: str | Sequence[str] = cls.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else slots


def _methods(
    fields: Sequence[Field[Any]], *, frozen: bool, slots: bool, eq: bool
) -> Iterator[tuple[str, Any]]:
    """Yield the methods of a class with these fields, by name, unless the class has its own."""
    shown = [one.name for one in fields if one.repr]

    @recursive_repr()
    def represent(self: Any) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{self.__class__.__qualname__}({values})"

    yield "__repr__", represent
    if eq:
        compared = _values_of([one.name for one in fields if one.compare])

        def equal(self: Any, other: object) -> Any:
            same = other.__class__ is self.__class__
            return compared(self) == compared(other) if same else NotImplemented

        yield "__eq__", equal
        yield "__hash__", _hash_of(fields) if frozen else None
    if frozen:
        yield "__setattr__", _refuse_to_set
        yield "__delattr__", _refuse_to_delete
    if frozen and slots:  # without `__dict__`, pickle would set attributes
        names = [one.name for one in fields]
        kept = _values_of(names)

        def set_state(self: Any, state: Sequence[Any]) -> None:
            for name, value in zip(names, state, strict=True):
                object.__setattr__(self, name, value)

        yield "__getstate__", lambda self: list(kept(self))
        yield "__setstate__", set_state


def _hash_of(fields: Sequence[Field[Any]]) -> Callable[[Any], int]:
    hashed = _values_of([one.name for one in fields if (one.compare if one.hash is None else one.hash)])
    return lambda self: hash(hashed(self))


def _values_of(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that returns the values of these fields."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def _refuse_to_set(self: Any, name: str, value: object) -> None:
    if _FIELDS in type(self).__dict__ or name in getattr(self, _FIELDS):
        raise FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(self, name, value)


def _refuse_to_delete(self: Any, name: str) -> None:
    if _FIELDS in type(self).__dict__ or name in getattr(self, _FIELDS):
        raise FrozenInstanceError(f"cannot delete field {name!r}")
    object.__delattr__(self, name)


def _first_init(cls: _Class, *, frozen: bool) -> _Init:
    """Return an `__init__` that at its first call puts the compiled one into its place."""

    def first(self: Any, *args: Any, **values: Any) -> None:
        made = _compiled_init(cls, frozen=frozen)
        cls.__init__ = made
        made(self, *args, **values)

    return first


def _compiled_init(cls: _Class, *, frozen: bool) -> _Init:
    """Return the `__init__` that takes the fields of `cls`, those of keywords alone last."""
    parameters: dict[bool, list[str]] = {False: [], True: []}
    assignments: list[str] = []
    names: dict[str, Any] = {"_set": object.__setattr__, "_missing": MISSING}
    for one in getattr(cls, _FIELDS).values():
        name = one.name
        value, default = name, ""
        if one.default is not MISSING:
            names[f"_default_{name}"] = one.default
            default = f"=_default_{name}"
        elif one.default_factory is not MISSING:
            names[f"_make_{name}"] = one.default_factory
            value, default = f"_make_{name}() if {name} is _missing else {name}", "=_missing"
        if one.init:
            parameters[one.kw_only].append(f"{name}{default}")
        elif default:
            value = f"_make_{name}()" if default == "=_missing" else f"_default_{name}"
        assignments.append(f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        assignments.append("self.__post_init__()")
    keywords = ["*", *parameters[True]] if parameters[True] else []
    head = f"def __init__({', '.join(['self', *parameters[False], *keywords])}):"
    exec("\n    ".join([head, *(assignments or ["pass"])]), names)  # noqa: S102 - names of fields, from this package
    init: _Init = names["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init
