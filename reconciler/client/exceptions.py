"""The client's exceptions: the documented ones by their documented names, and a few of our own.

An HTTP error becomes one of these exactly once, in `reconciler.client.responses`. Every message is clipped,
escaped and free of the token. The type says whether a request may have taken effect: `may_have_taken_effect`.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar

from reconciler.errors import (
    BlockedError,
    InvalidInputError,
    PeakBaseException,
    ReconcilerError,
    UnexpectedAnswerError,
)

_LOWEST_SERVER_ERROR = 500


class BaseHttpException(PeakBaseException):
    """An answer of the API whose status is not a success.

    Raised itself for a status without a documented class, and for redirects, which are never followed.

    Args:
        message: Method, path, status and the server's message; clipped, escaped, without secrets.
        status: The HTTP status; the class's own when left out.
        request_id: The server's id of the request, for its support; empty when it gave none.
        hint: What to do about it.

    Attributes:
        retry_after: The seconds that the server asks to wait before another try; zero when it does not say.
    """

    STATUS: ClassVar[int] = 0

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        request_id: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = self.STATUS if status is None else status
        self.request_id = request_id
        self.retry_after = 0.0


class BadRequestException(BaseHttpException):
    """The given request parameters are invalid (400)."""

    STATUS = HTTPStatus.BAD_REQUEST


class TooManyRequestsException(BadRequestException):
    """The server pushes back, or its queue is full (429); nothing took effect.

    A `BadRequestException`, because the public client documents that for a full queue on execute.
    """

    STATUS = HTTPStatus.TOO_MANY_REQUESTS


class UnauthorizedException(BaseHttpException):
    """The credentials are invalid or have expired (401)."""

    STATUS = HTTPStatus.UNAUTHORIZED


class ForbiddenException(BaseHttpException):
    """The user does not have permission to perform the operation (403)."""

    STATUS = HTTPStatus.FORBIDDEN


class NotFoundException(BaseHttpException):
    """The given workflow, execution or step does not exist (404)."""

    STATUS = HTTPStatus.NOT_FOUND


class ConflictException(BaseHttpException):
    """The workflow is in a conflicting state, such as running (409)."""

    STATUS = HTTPStatus.CONFLICT


class PayloadTooLargeException(BaseHttpException):
    """The request is larger than the server accepts (413)."""

    STATUS = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnprocessableEntityException(BaseHttpException):
    """The server understood the request but could not process it (422)."""

    STATUS = HTTPStatus.UNPROCESSABLE_ENTITY


class InternalServerErrorException(BaseHttpException):
    """The server failed to process the request (500; also 502, 503, 504 and every other 5xx)."""

    STATUS = HTTPStatus.INTERNAL_SERVER_ERROR


class InvalidPathException(PeakBaseException, InvalidInputError):  # noqa: N818 - documented
    """A file that cannot be written to the given path."""


class MissingEnvironmentVariableException(PeakBaseException, InvalidInputError):  # noqa: N818 - documented
    """A session without a token: none is given, and none of its environment variables is set."""


class NotSentError(ReconcilerError):
    """A request that was not sent, for lack of a connection: it took no effect."""


class ServerUnreachableError(NotSentError):
    """A server that stopped answering, and was not back in time; the request took no effect."""


class StoppedBeforeError(NotSentError):
    """A request that was not sent because the run was stopped; it took no effect."""


class AnswerLostError(ReconcilerError):
    """A request whose answer did not arrive: it may have taken effect."""


class UnreadableAnswerError(AnswerLostError, UnexpectedAnswerError):
    """A write that succeeded according to its status, with an unreadable answer: it may have taken effect."""


class ReadOnlyError(ReconcilerError):
    """A write through a read-only session; nothing was sent."""


class AmbiguousNameError(BlockedError):
    """A name that two or more live workflows have."""


_BY_STATUS: dict[int, type[BaseHttpException]] = {
    kind.STATUS: kind
    for kind in (
        BadRequestException,
        UnauthorizedException,
        ForbiddenException,
        NotFoundException,
        ConflictException,
        PayloadTooLargeException,
        UnprocessableEntityException,
        TooManyRequestsException,
    )
}


def exception_for(status: int) -> type[BaseHttpException]:
    """Return the documented class for an HTTP status; `BaseHttpException` where there is none."""
    if status >= _LOWEST_SERVER_ERROR:
        return InternalServerErrorException
    return _BY_STATUS.get(status, BaseHttpException)


def is_refused_for_content(error: ReconcilerError) -> bool:
    """Return whether the server refused a request for what it says, or for what it asks for (400, 422)."""
    refusals = (BadRequestException, UnprocessableEntityException)
    return isinstance(error, refusals) and not isinstance(error, TooManyRequestsException)


def may_have_taken_effect(error: ReconcilerError) -> bool:
    """Return whether a write that ended in `error` may nevertheless have taken effect.

    True when the answer was lost or unreadable, and for every 5xx, with which a gateway also answers for a
    request that reached its server. Check what such a write did before it is repeated.
    """
    if isinstance(error, BaseHttpException):
        return error.status >= _LOWEST_SERVER_ERROR
    return isinstance(error, AnswerLostError)


def may_be_repeated(error: ReconcilerError) -> bool:
    """Return whether a write that ended in `error` may be tried again, after a check of what it did.

    True when the server pushes back (429), and when the write may have taken effect.
    """
    return isinstance(error, TooManyRequestsException) or may_have_taken_effect(error)
