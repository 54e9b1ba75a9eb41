"""Value classes: the classes of the package behave as those that the standard library's decorator makes."""

from __future__ import annotations

import ast
import copy
import dataclasses
import importlib
import inspect
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAWS

import reconciler
from reconciler.value_classes import dataclass, field

T = TypeVar("T")

_PACKAGE = Path(reconciler.__file__).parent


def _variants(decorator: Callable[..., Callable[[type], type]]) -> dict[str, type]:
    """Return classes of each shape that the package has, made with `decorator`."""

    @decorator(frozen=True, slots=True, kw_only=True)
    class Base:
        """A base."""

        first: int
        second: str = "two"

    @decorator(frozen=True, slots=True, kw_only=True)
    class Value(Base):
        """Own fields beside those of a base."""

        third: list[int] = field(default_factory=list)
        hidden: str = field(default="", repr=False)
        aside: int = field(default=0, compare=False)

    @decorator(frozen=True)
    class Positional(Generic[T]):
        """Fields by their place, and a dictionary for computed values."""

        first: T
        second: str = "two"

        def __post_init__(self) -> None:
            object.__setattr__(self, "second", str(self.second))

    @decorator(slots=True)
    class Changing:
        """A value that can change."""

        first: int = 1

    @decorator(frozen=True, slots=True, eq=False)
    class Key:
        """A value that equals itself alone."""

        first: int = 1

    classes: list[type] = [Base, Value, Positional, Changing, Key]
    return {made.__name__: made for made in classes}


_OURS, _THEIRS = _variants(dataclass), _variants(dataclasses.dataclass)
_NAMES = sorted(_OURS)

for _name in _NAMES:  # pickle looks for a class by its name
    globals()[f"{_name}Made"] = _OURS[_name]
    _OURS[_name].__qualname__ = _THEIRS[_name].__qualname__ = f"{_name}Made"

_ARGUMENTS = st.dictionaries(
    st.sampled_from(["first", "second", "third", "hidden", "aside", "other"]),
    st.one_of(st.integers(0, 2), st.text("ab", max_size=1), st.lists(st.integers(0, 1), max_size=1)),
)


def _outcome(action: Callable[[], object]) -> object:
    """Return the text of what an action returns or raises, with the same name for both classes."""
    try:
        return repr(action())
    except (TypeError, AttributeError, ValueError) as error:
        return type(error), re.sub(r"_variants\.<locals>\.(\w+)", r"\1Made", str(error))


@pytest.mark.parametrize("name", _NAMES)
@LAWS
@given(left=_ARGUMENTS, right=_ARGUMENTS)
def test_values_behave_as_dataclasses(name: str, left: dict[str, Any], right: dict[str, Any]) -> None:
    """Made of the same arguments, values of both show, compare, hash, change and copy alike."""
    ours, theirs = _OURS[name], _THEIRS[name]
    made = _outcome(lambda: ours(**left))
    assert made == _outcome(lambda: theirs(**left))
    if isinstance(made, tuple):
        return
    for action in (
        lambda made: made(**left) == made(**right),
        lambda made: hash(made(**left)) == hash(made(**left)),
        lambda made: dataclasses.replace(made(**left), **right),
        lambda made: dataclasses.asdict(made(**left)),
        lambda made: copy.copy(made(**left)),
        lambda made: setattr(made(**left), "first", 3),
        lambda made: delattr(made(**left), "first"),
    ):
        assert _outcome(lambda action=action: action(ours)) == _outcome(lambda action=action: action(theirs))
    value = ours(**left)
    assert repr(pickle.loads(pickle.dumps(value))) == repr(value)  # noqa: S301 - made here


@pytest.mark.parametrize("name", _NAMES)
def test_classes_state_the_same(name: str) -> None:
    """What the standard library and `match` read of a class is the same."""
    ours, theirs = _OURS[name], _THEIRS[name]
    assert str(dataclasses.fields(ours)) == str(dataclasses.fields(theirs))
    assert ours.__match_args__ == theirs.__match_args__  # type: ignore[attr-defined]
    assert ours.__dict__.get("__slots__") == theirs.__dict__.get("__slots__")


def test_a_default_that_can_change_is_refused() -> None:
    """A list as a default would be shared by all values."""
    with pytest.raises(ValueError, match="default_factory"):

        @dataclass(frozen=True)
        class Shared:
            values: list[int] = []  # noqa: RUF012 - what is refused


def _value_classes() -> list[type]:
    """Return every value class of the package."""
    found = []
    for file in sorted(_PACKAGE.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        if "from reconciler.value_classes import" not in text:
            continue
        module = importlib.import_module(
            ".".join(file.relative_to(_PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        )
        found += [
            getattr(module, node.name)
            for node in ast.parse(text).body
            if isinstance(node, ast.ClassDef)
            and any("dataclass" in ast.unparse(d) for d in node.decorator_list)
        ]
    return found


def test_every_value_class_takes_its_fields() -> None:
    """Each class compiles, at its first value, an `__init__` that takes the fields it states."""
    classes = _value_classes()
    assert classes
    for made in classes:
        with pytest.raises(TypeError, match="unexpected keyword"):
            made(no_such_field=1)
        parameters = inspect.signature(made).parameters.values()
        assert [one.name for one in parameters] == sorted(
            (one.name for one in dataclasses.fields(made)),
            key=[one.name for one in sorted(dataclasses.fields(made), key=lambda one: one.kw_only)].index,
        )
