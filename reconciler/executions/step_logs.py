"""What a step of a run logs, read page by page, and again for what has been added. It only reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.api import LogReader
from reconciler.values import as_list, as_object

_MOST_PAGES: Final = 100_000
"""How many pages one reading believes in."""


class StepLog:
    """The log of one step, from its beginning on.

    Args:
        api: The tenant.
        workflow_id: The workflow.
        execution_id: The run.
        step: The step.
    """

    def __init__(self, api: LogReader, workflow_id: int, execution_id: str, step: str) -> None:
        self._api = api
        self._run = (workflow_id, execution_id, step)
        self._token: str | None = None
        self._told = 0

    def more(self) -> Iterator[str]:
        """Yield the messages that were not yielded before.

        Raises:
            ReconcilerError: As the client.
        """
        for _ in range(_MOST_PAGES):
            page = self._api.get_execution_logs(*self._run, self._token)
            entries = as_list(page.get("logs"))
            for entry in entries[self._told :]:
                yield str(as_object(entry).get("message", ""))
            self._told = max(self._told, len(entries))
            token = page.get("nextToken")
            # The last page may have a token as well: what is logged later comes with it.
            if not entries or not isinstance(token, str) or token in {"", self._token}:
                return
            self._token, self._told = token, 0
