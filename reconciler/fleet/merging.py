"""Merge of results: the documents of units as one report, whose numbers are the sums of theirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from reconciler.environments import EnvironmentResult, worst_exit_code
from reconciler.errors import ExitCode, InvalidInputError, ReconcilerError
from reconciler.files import UnreadableError, read_bounded
from reconciler.fleet.units import RESULTS
from reconciler.json_documents import NestingError, NotJsonError, parse_json, versioned
from reconciler.text import first_few, printable
from reconciler.values import JsonObject, JsonValue, as_list, as_object

FORMAT_VERSION: Final = 1
_LARGEST: Final = 2**30
_NEEDED: Final = frozenset(
    {"command", "environment", "shard", "unit", "units", "exit_code", "skipped", "error"}
)


def merge(documents: Iterable[JsonObject]) -> JsonObject:
    """Return the documents of units as one report: its sums, and by environment the units.

    A unit that has no document is missing, and counts as one that failed.

    Args:
        documents: The results of units of one fleet, in any order.

    Raises:
        InvalidInputError: They are of two fleets, or one unit is in them twice.
    """
    units = sorted(documents, key=_index)
    _check(units)
    command = str(units[0]["command"])
    missing = _count(units[0], "units") - len(units)
    by_name: dict[str, list[JsonObject]] = {}
    for unit in units:
        by_name.setdefault(str(unit["environment"]), []).append(unit)
    code = worst_exit_code([*map(_result, units), *[EnvironmentResult(environment="")] * missing])
    fields: JsonObject = {
        "command": command,
        "exit_code": int(code),
        "missing": missing,
        **_sums(command, units),
        "environments": [
            {
                "environment": name,
                "exit_code": int(worst_exit_code(map(_result, found))),
                **_sums(command, found),
                "units": [*found],
            }
            for name, found in by_name.items()
        ],
    }
    return versioned(FORMAT_VERSION, fields)


def _check(units: Sequence[JsonObject]) -> None:
    if not units:
        raise InvalidInputError("there are no results to merge")
    if len({(str(unit["command"]), _count(unit, "units")) for unit in units}) > 1:
        raise InvalidInputError(
            "these are results of different fleets: their commands or numbers of units differ",
            hint="Merge the results of one run.",
        )
    results = Counter(map(_index, units))
    twice = [f"{unit['environment']} {unit['shard']}" for unit in units if results[_index(unit)] > 1]
    if twice:
        raise InvalidInputError(
            f"a unit has more than one result: {printable(first_few(dict.fromkeys(twice)))}",
            hint="Merge the results of one run, each once.",
        )


def _index(unit: JsonObject) -> int:
    return _count(unit, "unit")


def _count(unit: JsonObject, key: str) -> int:
    number = unit[key]
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise InvalidInputError(f"this is no result of a unit: {key!r} is not a whole number")
    return number


def _result(unit: JsonObject) -> EnvironmentResult[JsonObject]:
    """Return the result of a unit for the exit code of all."""
    name, code = str(unit["environment"]), unit["exit_code"]
    if unit["skipped"] is True or not isinstance(code, int):
        return EnvironmentResult(environment=name)
    error = None if unit["error"] is None else ReconcilerError(str(unit["error"]))
    return EnvironmentResult(environment=name, value=unit, error=error, exit_code=ExitCode(code))


def _sums(command: str, units: Iterable[JsonObject]) -> JsonObject:
    """Return the sums of the summaries, and of the requests of an apply."""
    results = [as_object(unit.get(RESULTS[command])) for unit in units]
    sums: JsonObject = {"summary": _added(as_object(result.get("summary")) for result in results)}
    if command == "apply":
        sums["traffic"] = _added(as_object(result.get("traffic")) for result in results)
    return sums


def _added(counts: Iterable[JsonObject]) -> JsonObject:
    sums: dict[str, float] = {}
    for each in counts:
        for key, number in each.items():
            if isinstance(number, int | float):
                sums[key] = round(sums.get(key, 0) + number, 3)
    return dict(sums)


def read_results(files: Iterable[Path]) -> list[JsonObject]:
    """Return the documents of units in files: one JSON object in each, or one in a line of a log.

    A report that was merged counts as the units in it.

    Raises:
        InvalidInputError: A file cannot be read, or has no result of a unit.
    """
    found: list[JsonObject] = []
    for file in files:
        units = [unit for document in _documents(file) for unit in _units(document)]
        if not units:
            raise InvalidInputError(
                f"{printable(str(file))} has no result of a unit",
                hint="Merge what fleet wrote with --output json=FILE, or printed with --unit.",
            )
        found += units
    return found


def _documents(file: Path) -> list[JsonValue]:
    try:
        data = read_bounded(file, _LARGEST)
    except UnreadableError as error:
        raise InvalidInputError(f"cannot read {printable(str(file))}: {error}") from None
    try:
        return [parse_json(data)]
    except NestingError:
        raise InvalidInputError(f"{printable(str(file))} is nested too deeply") from None
    except NotJsonError:
        pass
    documents: list[JsonValue] = []
    for line in data.splitlines():
        if line.startswith(b"{"):
            try:
                documents.append(parse_json(line))
            except (NotJsonError, NestingError):
                continue  # a line of a log
    return documents


def _units(document: JsonValue) -> list[JsonObject]:
    value = as_object(document)
    if value.keys() >= _NEEDED and value["command"] in RESULTS:
        return [value]
    environments = map(as_object, as_list(value.get("environments")))
    units = (as_object(unit) for each in environments for unit in as_list(each.get("units")))
    return [unit for unit in units if unit.keys() >= _NEEDED and unit["command"] in RESULTS]
