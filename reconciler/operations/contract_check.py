"""Check of a tenant's answers against the contract of the reads: has the API changed since it was recorded?

Sends at most ten requests, all of them GET. What it returns has names of fields and types, and no values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from reconciler.client import (
    BaseHttpException,
    ReadContract,
    RequestRecord,
    Session,
    deviations,
    load_contract,
)
from reconciler.diagnosis import CheckState, Diagnosed
from reconciler.errors import ReconcilerError, UnexpectedAnswerError
from reconciler.text import clip, counted, printable
from reconciler.values import JsonObject, JsonValue, Path, as_list, as_object
from reconciler.workflow import Body, Listed

_PAGE: Final = 2
_DESCRIBED: Final = 3
"""How many workflows are described."""

_SHOWN: Final = 10
"""How many differences, and how many undocumented fields, are named."""

_NONE: Final[Mapping[str, str | int]] = MappingProxyType({})
_GONE: Final = frozenset({404, 405, 410})
_ADVICE: Final = (
    "The API has changed, or never was as documented: report it with this line. "
    "Where a command needs what differs, it says so."
)


class _Reads:
    """The answers of the tenant to the reads of the contract.

    Args:
        session: The session.
        records: The requests that it has made, the last one last.
    """

    def __init__(self, session: Session, records: list[RequestRecord]) -> None:
        self.contracts = {contract.method: contract for contract in load_contract()}
        self.answers: dict[str, list[JsonValue]] = {}
        self.differences: list[str] = []
        self.missing: dict[str, str] = {}
        self._session = session
        self._records = records

    def read(
        self, method: str, params: Mapping[str, str | int] = _NONE, ids: Mapping[str, str | int] = _NONE
    ) -> JsonValue:
        """Return the answer to one GET; `None` where there is none, which is then a difference, or noted.

        Args:
            method: The client's method.
            params: The query.
            ids: The ids in the path, by their names in the contract.
        """
        contract = self.contracts[method]
        path = contract.path.format(**{name: quote(str(value), safe="") for name, value in ids.items()})
        try:
            answer = self._session.request("GET", path[1:], params=dict(params))
        except BaseHttpException as error:
            if not ids and error.status in _GONE:
                self.differences.append(f"{method}: GET {contract.path} answers {error.status}")
            else:
                self.missing[method] = f"answered {error.status}"
            return None
        except UnexpectedAnswerError:
            self.differences.append(f"{method}: the answer is no JSON")
            return None
        except ReconcilerError as error:
            self.missing[method] = printable(error.message)
            return None
        status = self._records[-1].status if self._records else contract.status
        if status != contract.status:
            self.differences.append(f"{method}: the status is {status}, not {contract.status}")
        self.answers.setdefault(method, []).append(answer)
        return answer


def check_contract(session: Session, records: list[RequestRecord], listed: Iterable[Listed]) -> Diagnosed:
    """Return whether the answers of a tenant are as they were recorded from the public client.

    Args:
        session: The session.
        records: The requests that it has made, the last one last.
        listed: The workflows of the tenant.
    """
    reads = _Reads(session, records)
    _read_all(reads, tuple(listed))
    differences = list(reads.differences)
    undocumented: dict[str, list[str]] = {}
    for method, answers in reads.answers.items():
        contract = reads.contracts[method]
        found = deviations(contract, answers)
        differences += [f"{method}: {text}" for text in found.differences]
        names = _places_of_undocumented(answers) if method == "describe_workflow" else found.undocumented
        if names:
            undocumented[method] = [*names]
    clauses = [f"{len(reads.answers)} of {counted(len(reads.contracts), 'read')} compared"]
    clauses += _named(differences, "difference")
    for method, names in undocumented.items():
        clauses.append(f"undocumented in {method}: {', '.join(_named(names, 'field'))}")
    for why in dict.fromkeys(reads.missing.values()):
        methods = [method for method, reason in reads.missing.items() if reason == why]
        clauses.append(f"not compared: {', '.join(methods)} ({why})")
    whole = not undocumented and not reads.missing
    state = CheckState.WARNING if differences else CheckState.GOOD if whole else CheckState.NOTE
    return Diagnosed(
        name="contract",
        state=state,
        text=clip(printable("; ".join(clauses)), 2000),
        advice=_ADVICE if differences else "",
    )


def _read_all(reads: _Reads, listed: tuple[Listed, ...]) -> None:
    """Read each method of the contract, as far as the tenant has what it is about."""
    page = reads.read("list_workflows", {"pageSize": _PAGE, "pageNumber": 1})
    reads.differences += _paging(reads.contracts["list_workflows"], page, "workflows")
    reads.read("list_resources")
    reads.read("get_default_resource")
    for item in listed[:_DESCRIBED]:
        reads.read("describe_workflow", ids={"workflowId": item.id})
    if not listed:
        reads.missing["describe_workflow"] = "there is no workflow"
    started = next((item.id for item in listed if item.health.get("lastExecution")), None)
    executions = ("list_executions", "get_execution_details", "get_execution_logs")
    if started is None:
        reads.missing |= dict.fromkeys(executions, "no workflow has an execution")
        return
    page = reads.read("list_executions", {"pageSize": _PAGE, "pageNumber": 1}, {"workflowId": started})
    reads.differences += _paging(reads.contracts["list_executions"], page, "executions")
    found = [as_object(one).get("executionId") for one in as_list(as_object(page).get("executions"))]
    if not found or not isinstance(found[0], str):
        reads.missing |= dict.fromkeys(executions[1:], "no execution is listed")
        return
    ids: dict[str, str | int] = {"workflowId": started, "executionId": found[0]}
    details = reads.read("get_execution_details", ids=ids)
    steps = [as_object(step).get("name") for step in as_list(as_object(details).get("steps"))]
    if steps and isinstance(steps[0], str):
        reads.read("get_execution_logs", {"stepName": steps[0]}, ids)
    else:
        reads.missing["get_execution_logs"] = "the execution has no steps"


def _paging(contract: ReadContract, page: JsonValue, key: str) -> Iterator[str]:
    """Yield how a page of a list is not the one that was asked for."""
    if not isinstance(page, dict):
        return
    asked = {"pageSize": _PAGE, "pageNumber": 1}
    for name, value in asked.items():
        if name in contract.paging and page.get(name) not in {None, value}:
            yield f"{contract.method}: {name}={value} is answered as another one"
    number = len(as_list(page.get(key)))
    if number > _PAGE:
        yield f"{contract.method}: pageSize={_PAGE} is answered with {number}"


def _places_of_undocumented(answers: Iterable[JsonValue]) -> list[str]:
    """Return the fields of described workflows that no schema has, each once."""
    views: list[JsonObject] = [answer for answer in answers if isinstance(answer, dict)]
    return list(dict.fromkeys(place_of(path) for view in views for path in Body(view).undocumented))


def place_of(path: Path) -> str:
    """Return a path in a workflow as text, without the names that are the user's."""
    parts = ["*" if number == 1 and path[0] == "steps" else part for number, part in enumerate(path)]
    return clip(printable(".".join("*" if isinstance(part, int) else str(part) for part in parts)), 80)


def _named(texts: list[str], noun: str) -> list[str]:
    """Return the first of some texts, and how many more there are."""
    more = [f"{counted(len(texts) - _SHOWN, f'more {noun}')}"] if len(texts) > _SHOWN else []
    return [*texts[:_SHOWN], *more]
