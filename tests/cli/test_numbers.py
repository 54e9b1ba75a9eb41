"""Numbers on the command line are what was typed, or are refused."""

from __future__ import annotations

import click
import pytest

from reconciler.cli.commands import apply
from reconciler.cli.options import Number


def test_a_whole_number_of_many_digits_is_the_one_that_was_typed() -> None:
    """An id never becomes another one that is only near it."""
    assert Number(1, whole=True).convert("9007199254740993", None, None) == 9_007_199_254_740_993
    assert Number(1, whole=True).convert("1e3", None, None) == 1000


@pytest.mark.parametrize(
    "words", [["--wait-running", "nan"], ["--allow-deletes", "-1"], ["--allow-deletes", "x"]]
)
def test_no_number(words: list[str]) -> None:
    """What is no number that makes sense is refused before anything is looked at."""
    with pytest.raises(click.UsageError, match="number of at least 0, found"):
        apply.command.main(words, standalone_mode=False)
