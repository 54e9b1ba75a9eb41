"""Budget of one rendering: how many steps it takes, how large a value gets, and how much text it gives.

No clock: the same template fails or renders on every machine. A step handles a bounded amount of data, so
that a bound on steps bounds the time, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from jinja2.utils import Namespace

MAX_STEPS: Final = 500_000
"""Steps of one rendering: an output, an iteration, a call; 4 items or 512 characters that one handles."""

MAX_SIZE: Final = 1_000_000
"""Characters of one value, those inside it included."""

MAX_ITEMS: Final = 200_000
"""Items of one value, those inside it included."""

MAX_OUTPUT: Final = 5_000_000
"""Characters that all outputs of one rendering give together."""

MAX_BITS: Final = 4096
"""Bits of one whole number."""

MAX_TOKENS: Final = 100_000
"""Words and signs of one template, literal text aside."""

MAX_INCLUDES: Final = 50
"""Templates that include each other, one inside the other."""

_ITEMS_A_STEP: Final = 4
_CHARACTERS_A_STEP: Final = 512
_LONGEST_NUMBER: Final = 4000
_WIDEST: Final = 1000
_PRECISION: Final = 300
_WIDTH: Final = re.compile(r"\d{4,}|\*")
_PERCENT_FIELD: Final = re.compile(r"%(?:\([^)]*\))?[^%a-zA-Z]*")
_BRACE_FIELD: Final = re.compile(r"\{[^{}]*")
_NESTED_FIELD: Final = re.compile(r"\{[^{}]*\{")


class BudgetError(Exception):
    """A template exceeds a bound; the text says which."""


class Budget:
    """What one rendering may still use."""

    def __init__(self) -> None:
        self.steps = 0
        self._output = 0

    def spend(self, steps: int) -> None:
        """Count `steps`.

        Raises:
            BudgetError: There were more than `MAX_STEPS`.
        """
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise BudgetError(f"the template takes more than {MAX_STEPS} steps: loop over less")

    def give(self, characters: int) -> None:
        """Count the characters of an output.

        Raises:
            BudgetError: There were more than `MAX_OUTPUT`.
        """
        self._output += characters
        if self._output > MAX_OUTPUT:
            raise BudgetError(f"the template gives more than {MAX_OUTPUT} characters")
        self.spend(1 + characters // _CHARACTERS_A_STEP)

    def weigh(self, *values: Any) -> int:  # noqa: ANN401 - any value of a template
        """Count the handling of values, and return their size with all that is inside them.

        Raises:
            BudgetError: The size is more than `MAX_SIZE`, or a whole number has more than `MAX_BITS`.
        """
        size = characters = 0
        pending: list[Any] = list(values)
        while pending:
            item = pending.pop()
            size += 1
            if isinstance(item, (str, bytes)):
                characters += len(item)
            elif isinstance(item, range):
                size += len(item)
            elif isinstance(item, int):
                if item.bit_length() > MAX_BITS:
                    raise BudgetError(f"a whole number has more than {MAX_BITS} bits")
            elif isinstance(item, (list, tuple, set, frozenset)):
                self._check(characters, size + len(item))
                pending.extend(item)
            elif isinstance(item, dict):
                self._check(characters, size + len(item))
                pending.extend(item)
                pending.extend(item.values())
            elif isinstance(item, Namespace):
                pending.extend(object.__getattribute__(item, "_Namespace__attrs").values())
            self._check(characters, size)
        self.spend(1 + size // _ITEMS_A_STEP + characters // _CHARACTERS_A_STEP)
        return size + characters

    def expect(self, size: int) -> None:
        """Count an operation whose result will have that size.

        Raises:
            BudgetError: The size is more than `MAX_SIZE`.
        """
        self._check(size)
        self.spend(1 + size // _CHARACTERS_A_STEP)

    def items(self, values: Any) -> list[Any]:  # noqa: ANN401 - whatever can be iterated over
        """Return what `values` yields, and count it."""
        found: list[Any] = []
        for item in values:
            found.append(item)
            self._check(0, len(found))
        self.spend(1 + len(found))
        return found

    @staticmethod
    def _check(characters: int, items: int = 0) -> None:
        if characters > MAX_SIZE:
            raise BudgetError(f"a value has more than {MAX_SIZE} characters")
        if items > MAX_ITEMS:
            raise BudgetError(f"a value has more than {MAX_ITEMS} items")


def expected_size(name: str, args: Sequence[Any], kwargs: Mapping[str, Any], budget: Budget) -> int:
    """Return the size of the result of a filter or method, where it may be larger than its arguments.

    Args:
        name: The name of the filter, or of the method of a text, with a dot before it.
        args: The value and the arguments.
        kwargs: The arguments that are stated by name.
        budget: Counts what is looked at.

    Raises:
        BudgetError: An argument exceeds a bound of its own.
    """
    measure = _SIZES.get(name)
    return 0 if measure is None or not args else measure(budget, list(args), dict(kwargs))


def product_size(left: Any, right: Any) -> int:  # noqa: ANN401 - any operand
    """Return the size of `left * right`."""
    for text, number in ((left, right), (right, left)):
        if isinstance(text, (str, bytes, list, tuple)) and isinstance(number, int):
            return len(text) * max(number, 0)
    return 0


def power_bits(left: Any, right: Any) -> int:  # noqa: ANN401 - any operand
    """Return the number of bits of `left ** right`."""
    is_whole = isinstance(left, int) and isinstance(right, int)
    return left.bit_length() * abs(right) if is_whole else 0


def percent_size(template: str, values: int) -> int:
    """Return the size of `template % …`, for arguments of the size `values`.

    Raises:
        BudgetError: A field is wider than allowed, or its width is an argument.
    """
    return _formatted(template, _PERCENT_FIELD.findall(template), values)


def _formatted(template: str, fields: list[str], values: int) -> int:
    if any(_WIDTH.search(found) for found in fields):
        raise BudgetError(f"a format field has at most {_WIDEST - 1} characters, stated in the field itself")
    widths = _WIDEST if any(char.isdigit() for found in fields for char in found) else 0
    return len(template) + len(fields) * (widths + values)


def _whole(values: Sequence[Any], default: int = 0) -> int:
    """Return the largest whole number among `values`."""
    return max((abs(value) for value in values if isinstance(value, int)), default=default)


def _text(value: Any) -> str:  # noqa: ANN401 - the value of a filter
    return value if isinstance(value, str) else str(value)


def _stated(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[Any]:
    yield from args[1:]
    yield from kwargs.values()


def _by_width(_budget: Budget, args: list[Any], kwargs: dict[str, Any]) -> int:
    return _whole(list(_stated(args, kwargs)))


def _by_tabs(_budget: Budget, args: list[Any], kwargs: dict[str, Any]) -> int:
    return (1 + _text(args[0]).count("\t")) * _whole(list(_stated(args, kwargs)), 8)


def _by_lines(_budget: Budget, args: list[Any], kwargs: dict[str, Any]) -> int:
    values = list(_stated(args, kwargs))
    widest = max([_whole(values, 4), *(len(value) for value in values if isinstance(value, str))])
    text = _text(args[0])
    return len(text) + (1 + text.count("\n")) * widest


def _by_breaks(_budget: Budget, args: list[Any], kwargs: dict[str, Any]) -> int:
    longest = max((len(value) for value in _stated(args, kwargs) if isinstance(value, str)), default=1)
    return len(_text(args[0])) * longest


def _by_replacement(_budget: Budget, args: list[Any], kwargs: dict[str, Any]) -> int:
    text, words = _text(args[0]), [_text(value) for value in _stated(args, kwargs)]
    old, new = kwargs.get("old", words[0] if words else ""), kwargs.get("new", words[1] if words[1:] else "")
    return len(text) + text.count(_text(old)) * len(_text(new))


def _by_separator(budget: Budget, args: list[Any], kwargs: dict[str, Any]) -> int:
    values = list(_stated(args, kwargs))
    separator = next((value for value in values if isinstance(value, str)), "")
    return budget.weigh(args[0]) * (1 + len(separator))


def _by_items(budget: Budget, args: list[Any], kwargs: dict[str, Any]) -> int:
    return budget.weigh(*_stated(args, kwargs)) * (1 + len(_text(args[0])))


def _by_table(budget: Budget, args: list[Any], kwargs: dict[str, Any]) -> int:
    values = [value for table in _stated(args, kwargs) if isinstance(table, dict) for value in table.values()]
    budget.weigh(values)
    return len(_text(args[0])) * max((len(value) for value in values if isinstance(value, str)), default=1)


def _by_percents(budget: Budget, args: list[Any], kwargs: dict[str, Any]) -> int:
    return percent_size(_text(args[0]), budget.weigh(*_stated(args, kwargs)))


def _by_braces(budget: Budget, args: list[Any], kwargs: dict[str, Any]) -> int:
    template = _text(args[0])
    if _NESTED_FIELD.search(template.replace("{{", "")):
        raise BudgetError("a format field inside a format field is not supported")
    return _formatted(template, _BRACE_FIELD.findall(template), budget.weigh(*_stated(args, kwargs)))


def _by_indent(budget: Budget, args: list[Any], kwargs: dict[str, Any]) -> int:
    return budget.weigh(args[0]) * (1 + _whole(list(_stated(args, kwargs))))


def _of_precision(_budget: Budget, args: list[Any], kwargs: dict[str, Any]) -> int:
    if _whole(list(_stated(args, kwargs))) > _PRECISION:
        raise BudgetError(f"a number is rounded to at most {_PRECISION} places")
    return 0


def _of_number(_budget: Budget, args: list[Any], _kwargs: dict[str, Any]) -> int:
    if isinstance(args[0], str) and len(args[0]) > _LONGEST_NUMBER:
        raise BudgetError(f"a number has at most {_LONGEST_NUMBER} digits")
    return 0


def _of_numbers(_budget: Budget, args: list[Any], kwargs: dict[str, Any]) -> int:
    if any(isinstance(value, (list, tuple)) for value in _stated(args, kwargs)):
        raise BudgetError("only numbers can be summed")
    return 0


_SIZES: Final[dict[str, Callable[[Budget, list[Any], dict[str, Any]], int]]] = {
    **dict.fromkeys(("center", "batch", "slice", "truncate"), _by_width),
    **dict.fromkeys((".center", ".ljust", ".rjust", ".zfill", ".to_bytes"), _by_width),
    **dict.fromkeys(("replace", ".replace"), _by_replacement),
    **dict.fromkeys((".format", ".format_map"), _by_braces),
    ".expandtabs": _by_tabs,
    ".join": _by_items,
    ".translate": _by_table,
    "format": _by_percents,
    "indent": _by_lines,
    "int": _of_number,
    "join": _by_separator,
    "round": _of_precision,
    "sum": _of_numbers,
    "tojson": _by_indent,
    "wordwrap": _by_breaks,
}
"""The filters and methods whose result may be much larger than their arguments."""
