"""Several environments in one run: the result in each of them, and the exit code of all.

Knows nothing of tenants: whoever plans or applies says what to do in one environment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, TypeVar

from reconciler.errors import INTERRUPTED, ExitCode, ReconcilerError, exit_code

S = TypeVar("S")
T = TypeVar("T")

WORST_FIRST: Final = (
    ExitCode.FAILED,
    ExitCode.BLOCKED,
    ExitCode.INVALID,
    ExitCode.USAGE,
    ExitCode.DIFFERENCES,
    ExitCode.OK,
)
"""The exit codes in the order in which the one of all environments is chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentResult(Generic[T]):
    """The result in one environment: a value, an error, or neither when it was skipped.

    Args:
        environment: The name of the environment.
        value: What the operation returned.
        error: What it raised.
        exit_code: The exit code that the operation alone would have; `OK` when it was skipped.
        interrupted: Whether it was interrupted, by Ctrl-C or SIGTERM.
    """

    environment: str
    value: T | None = None
    error: ReconcilerError | None = None
    exit_code: ExitCode = ExitCode.OK
    interrupted: bool = False

    @property
    def skipped(self) -> bool:
        """Whether it was never started."""
        return self.value is None and self.error is None


def own_exit_code(value: object) -> ExitCode:
    """Return the `exit_code` of a result; `OK` without one."""
    return ExitCode(getattr(value, "exit_code", ExitCode.OK))


def run_in_each(
    targets: Mapping[str, S],
    operation: Callable[[S], T],
    *,
    code_of: Callable[[T], ExitCode] = own_exit_code,
    goes_on: Callable[[ExitCode], bool] = lambda _: True,
) -> tuple[EnvironmentResult[T], ...]:
    """Return the result of `operation` in each environment, one after the other.

    An error ends one environment, an interrupt all that follow.

    Args:
        targets: What the operation takes, by the name of the environment and in order.
        operation: Does the work in one, and returns its result.
        code_of: Returns the exit code of a result; by default its `exit_code`.
        goes_on: Returns whether to start the next one after an exit code; else the rest is skipped.
    """
    results: list[EnvironmentResult[T]] = []
    started = True
    for name, target in targets.items():
        if started:
            result = _attempt(name, partial(operation, target), code_of)
            started = not result.interrupted and goes_on(result.exit_code)
        else:
            result = EnvironmentResult(environment=name)
        results.append(result)
    return tuple(results)


def _attempt(name: str, operation: Callable[[], T], code_of: Callable[[T], ExitCode]) -> EnvironmentResult[T]:
    try:
        value = operation()
    except ReconcilerError as error:
        return EnvironmentResult(environment=name, error=error, exit_code=exit_code(error))
    except KeyboardInterrupt:
        stopped = ReconcilerError("interrupted")
        return EnvironmentResult(environment=name, error=stopped, exit_code=ExitCode.FAILED, interrupted=True)
    return EnvironmentResult(environment=name, value=value, exit_code=code_of(value))


def worst_exit_code(results: Iterable[EnvironmentResult[T]]) -> int:
    """Return the exit code of all results: the first of theirs in the order of `WORST_FIRST`.

    Where that is `OK` although one was skipped, it is `FAILED`; after an interrupt, that of an interrupt.
    """
    every = list(results)
    if any(result.interrupted for result in every):
        return INTERRUPTED
    worst = min((result.exit_code for result in every), key=WORST_FIRST.index, default=ExitCode.OK)
    skipped = any(result.skipped for result in every)
    return ExitCode.FAILED if skipped and worst is ExitCode.OK else worst
