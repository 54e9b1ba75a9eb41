"""The client of workflows: every documented method, by its documented name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

from reconciler.client.base import ROOT, workflow_path
from reconciler.client.exceptions import AmbiguousNameError, UnreadableAnswerError
from reconciler.client.executions import WorkflowExecutions
from reconciler.client.responses import expect_fields, expect_objects
from reconciler.errors import InvalidParameterException, UnexpectedAnswerError
from reconciler.text import clip, printable
from reconciler.values import display_paths
from reconciler.workflow import Body, patched_body, preserving_webhooks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.client.calls import Params
    from reconciler.client.session import Session
    from reconciler.values import JsonObject

_WORKFLOWS = f"{ROOT}/workflows/"
_SEARCH_PAGE = 100
_LISTED: dict[str, tuple[type, ...]] = {"id": (int,), "name": (str,)}
_WITH_STEPS: dict[str, tuple[type, ...]] = {"steps": (dict,)}


class Workflow(WorkflowExecutions):
    """The client of workflows: its own methods for definitions and resources, and those for executions.

    Every method may also raise `UnauthorizedException`, `ForbiddenException` and
    `InternalServerErrorException` (documentation), `TooManyRequestsException` when the server keeps pushing
    back, `NotSentError` when no connection could be made, `AnswerLostError` when the answer to a request did
    not arrive, `UnexpectedAnswerError` when the answer is not as documented, and `ReadOnlyError` for a write
    through a read-only session.

    Args:
        session: The session. Default: one created from the environment and shared.
    """

    @overload
    def list_workflows(
        self,
        workflow_status: list[str] | None = None,
        last_execution_status: list[str] | None = None,
        last_modified_by: list[str] | None = None,
        page_size: int | None = None,
        page_number: int | None = None,
        name: str | None = None,
        *,
        return_iterator: Literal[False],
    ) -> JsonObject: ...

    @overload
    def list_workflows(
        self,
        workflow_status: list[str] | None = None,
        last_execution_status: list[str] | None = None,
        last_modified_by: list[str] | None = None,
        page_size: int | None = None,
        page_number: int | None = None,
        name: str | None = None,
        *,
        return_iterator: Literal[True] = True,
    ) -> Iterator[JsonObject]: ...

    def list_workflows(  # noqa: PLR0913, PLR0917 - the documented parameters
        self,
        workflow_status: list[str] | None = None,
        last_execution_status: list[str] | None = None,
        last_modified_by: list[str] | None = None,
        page_size: int | None = None,
        page_number: int | None = None,
        name: str | None = None,
        *,
        return_iterator: bool = True,
    ) -> Iterator[JsonObject] | JsonObject:
        """Retrieve the list of workflows.

        Args:
            workflow_status: The statuses to list: `Draft`, `Running`, `Available`, `Paused`.
            last_execution_status: The statuses of the last execution to list: `Success`, `Running`,
                `Stopped`, `Stopping`, `Failed`.
            last_modified_by: The users who modified the workflows last.
            page_size: The number of workflows per page. Default: the server's.
            page_number: The page, from 1; used only when `return_iterator` is false.
            name: A text that the names contain.
            return_iterator: Return an iterator over all pages rather than one page.

        Returns:
            An iterator over the workflows of all pages, each page read when it is reached; or, if not
            `return_iterator`, the page: `{workflows, pageCount, pageNumber, pageSize, workflowsCount}`.

        Raises:
            BadRequestException: The given request parameters are invalid.
        """
        params: Params = {
            "pageSize": page_size,
            "workflowStatus": workflow_status,
            "lastExecutionStatus": last_execution_status,
            "lastModifiedBy": last_modified_by,
            "searchTerm": name,
        }
        if return_iterator:
            return self._pages(_WORKFLOWS, "workflows", params, _LISTED)
        page, _ = self._page(_WORKFLOWS, "workflows", {**params, "pageNumber": page_number}, _LISTED)
        return page

    def describe_workflow(self, workflow_id: int) -> JsonObject:
        """Retrieve the details of a workflow.

        Returns:
            The workflow as the server returns it, which differs from what was sent: see
            `reconciler.workflow`.

        Raises:
            BadRequestException: The given request parameters are invalid.
            NotFoundException: The given workflow does not exist.
            UnprocessableEntityException: The server could not process the request.
        """
        path = workflow_path(workflow_id)
        answer = self._send("GET", path, fields={"name": (str,)})
        # A draft may have no steps; only a patch, which sends them back, needs them.
        return answer if answer.get("steps") is None else expect_fields(answer, _WITH_STEPS, f"GET /{path}")

    def create_workflow(self, body: JsonObject) -> JsonObject:
        """Create a workflow.

        Args:
            body: The workflow in the documented form, with a `name`; sent unchanged.

        Returns:
            `{id, triggers}`: the ID of the new workflow, and the UUID in the URL of each webhook trigger.

        Raises:
            BadRequestException: The given request parameters are invalid.
        """
        return self._written("POST", _WORKFLOWS, body)

    def update_workflow(self, workflow_id: int, body: JsonObject) -> JsonObject:
        """Replace a workflow by `body`, in the documented form: whatever `body` leaves out is removed.

        Unlike the public client, this adds `webhookPolicy: preserve` to each webhook trigger without a
        policy: otherwise the server silently generates a new URL. Use `generate` to get one.

        Returns:
            `{id, triggers}`.

        Raises:
            BadRequestException: The given request parameters are invalid.
            NotFoundException: The given workflow does not exist.
            ConflictException: The workflow is in a conflicting state.
        """
        return self._written("PUT", workflow_path(workflow_id), preserving_webhooks(body))

    def create_or_update_workflow(self, body: JsonObject) -> JsonObject:
        """Replace the workflow with the name of `body`, or create it if there is none.

        Unlike the public client, which takes the first match of the first page, this searches all pages for
        the exact name, fails if two workflows have it, and keeps the URL of each webhook (see
        `update_workflow`).

        Args:
            body: The workflow in the documented form, with a `name`.

        Returns:
            `{id, triggers}` of the workflow that was created or updated.

        Raises:
            AmbiguousNameError: Two or more live workflows have that name; nothing was written.
            BadRequestException: The given request parameters are invalid.
            InvalidParameterException: The name is not text.
        """
        name = body.get("name") or ""
        if not isinstance(name, str):
            raise InvalidParameterException("the `name` of the body must be text")
        # Like the public client, leave it to the server to refuse a body without a name.
        ids = self._ids_of(name) if name else []
        if len(ids) > 1:
            raise AmbiguousNameError(
                f"{len(ids)} live workflows are named `{clip(printable(name), 120)}`: "
                f"IDs {', '.join(map(str, ids))}",
                hint="Update one of them by its ID, or rename or delete the others.",
            )
        return self.update_workflow(ids[0], body) if ids else self.create_workflow(body)

    def patch_workflow(  # noqa: PLR0913, PLR0917 - the documented parameters
        self,
        workflow_id: int,
        body: JsonObject | None = None,
        name: str | None = None,
        repository: str | None = None,
        branch: str | None = None,
        token: str | None = None,
        command: str | None = None,
        image_id: int | None = None,
        image_version_id: int | None = None,
        instance_type_id: int | None = None,
        storage: str | None = None,
        step_timeout: int | None = None,
        clear_image_cache: bool | None = None,
        step_names: list[str] | None = None,
    ) -> JsonObject:
        """Change the given fields of a workflow, and keep all others.

        The API has no such endpoint: like the public client, this reads the workflow, changes it and sends it
        back whole. Unlike it, this keeps the `retryOptions` and `metadata` of the workflow if the server
        returns them, every trigger and the URL of each webhook; takes `False` and `0` as values; accepts
        nulls anywhere and `env` as a list or a map; and never sends a masked token back.

        Args:
            workflow_id: The ID of the workflow.
            body: The changes, in the documented form: a top-level key replaces the live one; steps are
                merged, objects into objects (also `parameters.env`), lists replaced; new steps are added.
            name: The new name of the workflow.
            repository: The URL of the repository.
            branch: The branch of the repository.
            token: The name of the credential for the repository.
            command: The command of the step.
            image_id: The ID of the image.
            image_version_id: The ID of the image's version.
            instance_type_id: The ID of the instance type.
            storage: The storage, such as `10GB`.
            step_timeout: The seconds after which the step times out.
            clear_image_cache: Whether to clear the image cache at an execution.
            step_names: The live steps that the parameters change. Default: all. The parameters take
                precedence over `body`.

        Returns:
            `{id, triggers}`.

        Raises:
            InvalidParameterException: There is no change, a name in `step_names` is not a live step, or the
                platform masks a value that the patch would have to send back.
            NotFoundException: The given workflow does not exist.
            ConflictException: The workflow is in a conflicting state.
        """
        keywords: JsonObject = {
            "name": name,
            "repository": repository,
            "branch": branch,
            "token": token,
            "command": command,
            "image_id": image_id,
            "image_version_id": image_version_id,
            "instance_type_id": instance_type_id,
            "storage": storage,
            "step_timeout": step_timeout,
            "clear_image_cache": clear_image_cache,
        }
        if not body and all(value is None for value in keywords.values()):
            raise InvalidParameterException(
                "nothing to change: pass a body or at least one of the parameters"
            )
        live = self.describe_workflow(workflow_id)
        patched = patched_body(live, body, keywords=keywords, step_names=step_names)
        lost = Body(live).masks_lost_in(patched)
        if lost:
            raise InvalidParameterException(
                f"the platform masks {display_paths(lost)}, and the patch would remove it: "
                "pass its value in the body as well"
            )
        return self.update_workflow(workflow_id, patched)

    def delete_workflow(self, workflow_id: int) -> JsonObject:
        """Delete a workflow.

        Returns:
            An empty object.

        Raises:
            NotFoundException: The given workflow does not exist.
            ConflictException: The workflow is in a conflicting state, such as running.
        """
        return self._send("DELETE", workflow_path(workflow_id), empty_ok=True)

    def pause_workflow(self, workflow_id: int) -> JsonObject:
        """Pause a workflow: its triggers start no executions until it is resumed.

        Returns:
            An empty object.

        Raises:
            NotFoundException: The given workflow does not exist.
            ConflictException: The workflow is in a conflicting state.
        """
        return self._send("POST", workflow_path(workflow_id, "pause"), body={}, empty_ok=True)

    def resume_workflow(self, workflow_id: int) -> JsonObject:
        """Resume a paused workflow.

        Returns:
            An empty object.

        Raises:
            NotFoundException: The given workflow does not exist.
            ConflictException: The workflow is in a conflicting state.
        """
        return self._send("POST", workflow_path(workflow_id, "resume"), body={}, empty_ok=True)

    def list_resources(self) -> list[JsonObject]:
        """List the instance types for steps.

        Returns:
            A list of `{id, cpu, gpu, gpuMemory, memory}`. (Documented as a dictionary; the server
            returns a list.)
        """
        path = f"{ROOT}/resources"
        return expect_objects(self.session.request("GET", path), f"GET /{path}")

    def get_default_resource(self) -> JsonObject:
        """Return the resources of a step that states none.

        Returns:
            `{instanceTypeId, storage}`.
        """
        return self._send("GET", f"{ROOT}/resources/defaults")

    def _ids_of(self, name: str) -> list[int]:
        found = self.list_workflows(page_size=_SEARCH_PAGE, name=name)
        ids = [workflow["id"] for workflow in found if workflow["name"] == name]
        return list(dict.fromkeys(identity for identity in ids if isinstance(identity, int)))

    def _written(self, method: str, path: str, body: JsonObject) -> JsonObject:
        """Send a definition; without an ID in the answer, the write may have taken effect unnoticed."""
        try:
            return self._send(method, path, fields={"id": (int,)}, body=body)
        except UnreadableAnswerError:
            raise
        except UnexpectedAnswerError as error:
            raise UnreadableAnswerError(f"{error.message}; it has probably taken effect") from error


def get_client(session: Session | None = None) -> Workflow:
    """Return a client of workflows.

    Args:
        session: The session. Default: one created from the environment and shared.

    Raises:
        MissingEnvironmentVariableException: There is neither a session nor a token in the environment.
    """
    return Workflow(session)
