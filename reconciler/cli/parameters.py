"""What a run is started with: the options of `run` and its file of parameters, as one request body.

Values may be secret: no message quotes one.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from reconciler.errors import InvalidInputError, UsageError
from reconciler.manifests import read_single_document
from reconciler.schema import validate
from reconciler.text import clip, printable
from reconciler.values import JsonObject, as_object


def run_body(
    file: Path | None, params: Iterable[str], step_params: Iterable[str], steps: Iterable[str]
) -> JsonObject:
    """Return the body that a run is started with.

    Args:
        file: The file with `global` and `stepWise`; what is typed goes before what it says.
        params: `KEY=VALUE`, for every step.
        step_params: `STEP:KEY=VALUE`, for one step.
        steps: The steps that run; all when there are none.

    Raises:
        UsageError: What is typed cannot be read, or says a thing twice.
        InvalidInputError: The file cannot be read or is not valid.
    """
    said = {} if file is None else _read(file)
    step_wise = {step: as_object(values) for step, values in as_object(said.get("stepWise")).items()}
    for step, values in _by_step(step_params).items():
        step_wise[step] = {**step_wise.get(step, {}), **values}
    everywhere = {**as_object(said.get("global")), **_pairs("--param", "KEY=VALUE", params)}
    chosen: JsonObject = {"global": everywhere, "stepWise": {**step_wise}}
    body: JsonObject = {"params": {key: value for key, value in chosen.items() if value}}
    body["stepsToRun"] = [{"stepName": step} for step in dict.fromkeys(steps)]
    return {key: value for key, value in body.items() if value}


def steps_of(body: JsonObject) -> list[str]:
    """Return the names of the steps that a run's body speaks of."""
    chosen = body.get("stepsToRun")
    listed = [str(as_object(item)["stepName"]) for item in chosen] if isinstance(chosen, list) else []
    return [*listed, *as_object(as_object(body.get("params")).get("stepWise"))]


def secrets_of_run(body: JsonObject) -> set[str]:
    """Return the values in an execution's body, which no message may quote."""
    params = as_object(body.get("params"))
    groups = [as_object(params.get("global")), *map(as_object, as_object(params.get("stepWise")).values())]
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
            raise UsageError(f"{option} gives {clip(printable(key), 60)!r} twice", hint="Give it once.")
        found[key] = value
    return found


def _unreadable(option: str, form: str) -> UsageError:
    return UsageError(
        f"{option} takes {form}; what was given has another form (and may be secret: not shown)"
    )


def _read(file: Path) -> JsonObject:
    document = read_single_document(file, "the parameters")
    if document is None:
        raise InvalidInputError(f"the parameters {printable(str(file))} are empty")
    # Without what was found, which may be secret.
    problems = [
        f"{document.place(problem.path[1:], at_key=problem.at_key)}: {problem.message}"
        for problem in validate({"params": document.value}, "execution")
    ]
    if problems:
        raise InvalidInputError("invalid parameters; nothing was started:\n" + "\n".join(problems))
    return as_object(document.value)
