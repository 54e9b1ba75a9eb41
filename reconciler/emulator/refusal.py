"""How the emulated API says no: one error that carries the HTTP status and the words of the answer.

Nothing here knows HTTP beyond the number.
"""

from __future__ import annotations

from reconciler.errors import ReconcilerError


class Refusal(ReconcilerError):  # noqa: N818 - the API refuses; nothing went wrong in the emulator
    """A request that the emulated API answers with an error status.

    Args:
        status: The HTTP status of the answer, 400 to 599.
        detail: The words that the answer carries under `detail`.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
