"""Execution parameters: the request body of an execution, from options and a file.

Values may be secret: no message quotes one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.errors import InvalidInputError, UsageError
from reconciler.manifests import read_single_document
from reconciler.schema import validate
from reconciler.text import clip, printable
from reconciler.values import JsonObject, as_list, as_object


@dataclass(frozen=True, slots=True)
class ExecutionRequest:
    """The body that an execution is started with: `params` and `stepsToRun`, both optional."""

    body: JsonObject = field(repr=False, default_factory=dict)

    @staticmethod
    def of(
        file: Path | None = None,
        params: Iterable[str] = (),
        step_params: Iterable[str] = (),
        steps: Iterable[str] = (),
    ) -> ExecutionRequest:
        """Return the request with these parameters and steps.

        Args:
            file: A file with `global` and `stepWise`; the other arguments override it.
            params: `KEY=VALUE`, for every step.
            step_params: `STEP:KEY=VALUE`, for one step.
            steps: Names of the steps to run; all without any.

        Raises:
            UsageError: A parameter is malformed, or given twice.
            InvalidInputError: The file cannot be read or is invalid.
        """
        stated = {} if file is None else _read(file)
        step_wise = {step: as_object(values) for step, values in as_object(stated.get("stepWise")).items()}
        for step, values in _by_step(step_params).items():
            step_wise[step] = {**step_wise.get(step, {}), **values}
        everywhere = {**as_object(stated.get("global")), **_pairs("--param", "KEY=VALUE", params)}
        chosen: JsonObject = {"global": everywhere, "stepWise": {**step_wise}}
        body: JsonObject = {"params": {key: value for key, value in chosen.items() if value}}
        body["stepsToRun"] = [{"stepName": step} for step in dict.fromkeys(steps)]
        return ExecutionRequest({key: value for key, value in body.items() if value})

    @property
    def steps(self) -> list[str]:
        """The names of the steps that the request names."""
        listed = [str(as_object(item)["stepName"]) for item in as_list(self.body.get("stepsToRun"))]
        return [*listed, *as_object(as_object(self.body.get("params")).get("stepWise"))]

    @property
    def secrets(self) -> set[str]:
        """The values of all parameters: any of them may be secret."""
        params = as_object(self.body.get("params"))
        groups = [
            as_object(params.get("global")),
            *map(as_object, as_object(params.get("stepWise")).values()),
        ]
        return {str(value) for group in groups for value in group.values()}


def _by_step(words: Iterable[str]) -> dict[str, JsonObject]:
    found: dict[str, list[str]] = {}
    for word in words:
        step, colon, pair = word.partition(":")
        if not step or not colon or "=" in step:
            raise _unreadable("--step-param", "STEP:KEY=VALUE")
        found.setdefault(step, []).append(pair)
    return {step: _pairs("--step-param", "STEP:KEY=VALUE", pairs) for step, pairs in found.items()}


def _pairs(option: str, form: str, words: Iterable[str]) -> JsonObject:
    found: JsonObject = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not key or not equals:
            raise _unreadable(option, form)
        if key in found:
            raise UsageError(f"{option} sets {clip(printable(key), 60)!r} twice", hint="Set it once.")
        found[key] = value
    return found


def _unreadable(option: str, form: str) -> UsageError:
    return UsageError(
        f"invalid value for {option}: use {form} (the value is not shown, since it may be secret)"
    )


def _read(file: Path) -> JsonObject:
    document = read_single_document(file, "the parameters")
    if document is None:
        raise InvalidInputError(f"the parameters {printable(str(file))} are empty")
    # Without the values found, which may be secret.
    problems = [
        f"{document.place(problem.path[1:], at_key=problem.at_key)}: {problem.message}"
        for problem in validate({"params": document.value}, "execution")
    ]
    if problems:
        raise InvalidInputError("invalid parameters; nothing was started:\n" + "\n".join(problems))
    return as_object(document.value)
