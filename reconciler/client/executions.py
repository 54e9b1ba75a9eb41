"""The part of the workflow client for executions: start, list, details, step logs and their download."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, overload

from reconciler.client.base import ROOT, BaseClient, segment, workflow_path
from reconciler.client.exceptions import BadRequestException, InvalidPathException
from reconciler.client.responses import expect_objects, stream
from reconciler.files import write_atomically
from reconciler.text import clip, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from reconciler.client.calls import Params
    from reconciler.client.responses import Tick
    from reconciler.values import JsonObject

_SPOKE_LOGS: Final = "spoke/api/v1/logs/workflow"

MOST_LOG_BYTES: Final = 1024 * 1024 * 1024
"""The largest log file, in bytes."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 200


class WorkflowExecutions(BaseClient):
    """The methods of the workflow client for executions.

    `Workflow` lists the exceptions of all methods.
    """

    def execute_workflow(self, workflow_id: int, body: JsonObject | None = None) -> JsonObject:
        """Start an execution of a workflow.

        Args:
            workflow_id: The ID of the workflow.
            body: `{params: {global, stepWise}, stepsToRun}`, all optional.

        Returns:
            `{executionId}`.

        Raises:
            BadRequestException: The request is invalid, or the queue is full (`TooManyRequestsException`).
            NotFoundException: The given workflow does not exist.
            ConflictException: The workflow is in a conflicting state so a new execution cannot be started.
        """
        return self._send("POST", workflow_path(workflow_id, "execute"), body=body or {})

    @overload
    def list_executions(
        self,
        workflow_id: int,
        date_from: str | None = None,
        date_to: str | None = None,
        page_size: int | None = None,
        page_number: int | None = None,
        *,
        return_iterator: Literal[False],
        status: list[str] | None = None,
        count: int | None = None,
    ) -> JsonObject: ...

    @overload
    def list_executions(
        self,
        workflow_id: int,
        date_from: str | None = None,
        date_to: str | None = None,
        page_size: int | None = None,
        page_number: int | None = None,
        *,
        return_iterator: Literal[True] = True,
        status: list[str] | None = None,
        count: int | None = None,
    ) -> Iterator[JsonObject]: ...

    def list_executions(  # noqa: PLR0913 - the documented parameters
        self,
        workflow_id: int,
        date_from: str | None = None,
        date_to: str | None = None,
        page_size: int | None = None,
        page_number: int | None = None,
        *,
        return_iterator: bool = True,
        status: list[str] | None = None,
        count: int | None = None,
    ) -> Iterator[JsonObject] | JsonObject:
        """List the executions of a workflow, the latest first.

        Args:
            workflow_id: The ID of the workflow.
            date_from: The earliest date (ISO format).
            date_to: The latest date (ISO format).
            page_size: The number of executions per page. Default: the server's.
            page_number: The page, from 1; used only when `return_iterator` is false.
            return_iterator: Return an iterator over all pages rather than one page.
            status: The statuses to list: `Success`, `Running`, `Stopped`, `Stopping`, `Failed` (public
                client; not documented, and therefore by name only, like `count`).
            count: The number of latest executions to list (public client).

        Returns:
            An iterator over the executions of all pages, each page read when it is reached; or, if not
            `return_iterator`, the page: `{executions, pageCount, pageNumber, pageSize, workflowId}`.

        Raises:
            BadRequestException: The given request parameters are invalid.
            NotFoundException: The given workflow does not exist.
        """
        path = f"{ROOT}/workflows/executions/{segment(workflow_id)}"
        params: Params = {
            "count": count,
            "statuses": status,
            "dateTo": date_to,
            "dateFrom": date_from,
            "pageSize": page_size,
        }
        if return_iterator:
            return self._pages(path, "executions", params)
        page, _ = self._page(path, "executions", {**params, "pageNumber": page_number})
        return page

    def get_execution_details(self, workflow_id: int, execution_id: str) -> JsonObject:
        """Get the details of an execution.

        Returns:
            `{runId, status, executedAt, finishedAt, steps: [{name, status, startedAt, finishedAt}]}`.

        Raises:
            BadRequestException: The given request parameters are invalid.
            NotFoundException: The given workflow or execution does not exist.
        """
        path = workflow_path(workflow_id, "executions", execution_id)
        return self._send("GET", path, fields={"steps": (list,)})

    def get_execution_logs(  # noqa: PLR0913, PLR0917 - the documented parameters
        self,
        workflow_id: int,
        execution_id: str,
        step_name: str,
        next_token: str | None = None,
        save: bool = False,
        file_name: str | None = None,
    ) -> JsonObject:
        """Get the log of a step of an execution.

        The logs of a "spoke" tenant are on another host (public client); whether the tenant is one is read
        here, once for a session.

        Args:
            workflow_id: The ID of the workflow.
            execution_id: The ID of the execution.
            step_name: The name of the step.
            next_token: The `nextToken` of the previous answer, for the messages after it.
            save: Save the whole log of the step to a file. Unlike the public client's, the file appears only
                when it is complete, is readable by its owner only, and comes over https only.
            file_name: The file. Default:
                `workflow_execution_logs_<workflow_id>_<execution_id>_<step_name>.log` in the working
                directory.

        Returns:
            `{stepRunStatus, logs: [{message, timestamp}], nextToken}`; an empty object when saved to a file.

        Raises:
            BadRequestException: The request parameters are invalid; or `save` on a spoke tenant, whose logs
                cannot be downloaded (public client).
            NotFoundException: The given workflow, execution or step does not exist.
            InvalidPathException: The file cannot be written.
        """
        spoke_domain = self.session.spoke_domain
        if save:
            if spoke_domain is not None:
                raise BadRequestException(
                    "the logs of this tenant (a spoke tenant) cannot be saved to a file"
                )
            name = file_name or default_name(workflow_id, execution_id, step_name)
            self._save_logs(workflow_id, execution_id, step_name, LogFile(name))
            return {}
        if spoke_domain is not None:
            params = {**self._spoke_query(workflow_id, execution_id, step_name), "nextToken": next_token}
            return self._send("GET", _SPOKE_LOGS, params=params, spoke_domain=spoke_domain)
        path = workflow_path(workflow_id, "executions", execution_id, "logs")
        return self._send("GET", path, params={"stepName": step_name, "nextToken": next_token})

    def _save_logs(self, workflow_id: int, execution_id: str, step_name: str, file: LogFile) -> None:
        path = workflow_path(workflow_id, "executions", execution_id, "logs", "download")
        answer = self._send("GET", path, fields={"downloadUrl": (str,)}, params={"stepName": step_name})
        self.session.download(str(answer["downloadUrl"]), file.save)

    def _spoke_query(self, workflow_id: int, execution_id: str, step_name: str) -> dict[str, str | None]:
        """Return where and when the step ran; empty texts for a step that did not run (public client)."""
        details = self.get_execution_details(workflow_id, execution_id)
        steps = expect_objects(details["steps"], "the execution's `steps`")
        step = next((step for step in steps if step.get("name") == step_name), {})
        names = {"logSource": "nodeId", "startTime": "startedAt", "endTime": "finishedAt"}
        values = {key: step.get(field, "") for key, field in names.items()}
        return {key: None if value is None else str(value) for key, value in values.items()}


def default_name(workflow_id: int, execution_id: str, step_name: str) -> str:
    """Return `workflow_execution_logs_<workflow_id>_<execution_id>_<step_name>.log` (documentation).

    Any character but letters, digits, dots, hyphens and underscores becomes an underscore, so that no name
    leads out of the directory.
    """
    name = _UNSAFE.sub("_", f"workflow_execution_logs_{workflow_id}_{execution_id}_{step_name}")
    return f"{name[:_LONGEST_NAME]}.log"


class LogFile:
    """The target of a download: replaced when the download is complete, and readable by its owner only.

    A pipe or a device, such as /dev/stdout, is written to instead.

    Args:
        path: The file; an existing one is replaced.

    Raises:
        InvalidPathException: It is a directory, or its directory does not exist.
    """

    def __init__(self, path: str) -> None:
        if not path or "\0" in path or Path(path).is_dir() or not Path(path).parent.is_dir():
            raise _unwritable(path, "it must be a file in a directory that exists")
        self._path = Path(path)

    def save(self, response: requests.Response, tick: Tick) -> None:
        """Write the answer to the file.

        Raises:
            InvalidPathException: The file cannot be written.
            UnexpectedAnswerError: The answer is too large or was cut off; the file is unchanged.
            urllib3.exceptions.HTTPError: The connection failed; the file is unchanged.
        """
        try:
            write_atomically(
                self._path, stream(response, MOST_LOG_BYTES, tick), private=True, follow_link=False
            )
        except OSError as error:
            raise _unwritable(str(self._path), error.strerror) from error


def _unwritable(path: str, why: str | None) -> InvalidPathException:
    return InvalidPathException(f"cannot write the file `{clip(printable(path))}`: {why}")
