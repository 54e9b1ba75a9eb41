"""Log of one step of an execution, read page by page as it grows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.api import ExecutionLogApi
from reconciler.values import as_list, as_object

_MOST_PAGES: Final = 100_000
"""The most pages of one read."""


class StepLog:
    """A reader of the log of one step, which starts at its beginning.

    Args:
        api: The client of the tenant.
        workflow_id: The id of the workflow.
        execution_id: The id of the execution.
        step: The name of the step.
    """

    def __init__(self, api: ExecutionLogApi, workflow_id: int, execution_id: str, step: str) -> None:
        self._api = api
        self._step = (workflow_id, execution_id, step)
        self._token: str | None = None
        self._returned = 0

    def more(self) -> Iterator[str]:
        """Yield the messages that were not yielded before.

        Raises:
            ReconcilerError: The client failed.
        """
        for _ in range(_MOST_PAGES):
            page = self._api.get_execution_logs(*self._step, self._token)
            entries = as_list(page.get("logs"))
            for entry in entries[self._returned :]:
                yield str(as_object(entry).get("message", ""))
            self._returned = max(self._returned, len(entries))
            token = page.get("nextToken")
            # The last page may have a token as well, for messages that are logged later.
            if not entries or not isinstance(token, str) or token in {"", self._token}:
                return
            self._token, self._returned = token, 0
