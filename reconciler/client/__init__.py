"""The client of the Peak workflows API: the documented methods over HTTP.

It turns every failure into one of its exceptions, once. It is the only package that imports `requests`, which
is loaded when a session or a client is first used. It knows nothing of manifests, plans or the command line,
keeps no state but its connections, sends no telemetry, and never shows the token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.client.calls import Observer, RequestRecord, Traffic
from reconciler.client.exceptions import (
    AmbiguousNameError,
    AnswerLostError,
    BadRequestException,
    BaseHttpException,
    ConflictException,
    ForbiddenException,
    InternalServerErrorException,
    InvalidPathException,
    MissingEnvironmentVariableException,
    NotFoundException,
    NotSentError,
    PayloadTooLargeException,
    ReadOnlyError,
    ServerUnreachableError,
    StoppedBeforeError,
    TooManyRequestsException,
    UnauthorizedException,
    UnprocessableEntityException,
    UnreadableAnswerError,
    is_refused_for_content,
    may_be_repeated,
    may_have_taken_effect,
)
from reconciler.client.paging import PageWalk
from reconciler.client.retrying import RetryPolicy, WriteRetry
from reconciler.errors import InvalidParameterException, PeakBaseException
from reconciler.lazy_face import lazy_face

if TYPE_CHECKING:
    from reconciler.client.calls import Call, Params
    from reconciler.client.catalogue import Catalogue
    from reconciler.client.credentials import (
        STAGES,
        TOKEN_VARIABLES,
        Token,
        is_safe_url,
        read_base_url,
        read_stage,
        stage_url,
    )
    from reconciler.client.responses import expect_fields, expect_object, expect_objects, read_json
    from reconciler.client.session import Session
    from reconciler.client.transport import Transport
    from reconciler.client.webhook_sender import WebhookSender
    from reconciler.client.wire_contract import ReadContract, deviations, load_contract
    from reconciler.client.workflows import Workflow, get_client

__all__ = [
    "STAGES",
    "TOKEN_VARIABLES",
    "AmbiguousNameError",
    "AnswerLostError",
    "BadRequestException",
    "BaseHttpException",
    "Call",
    "Catalogue",
    "ConflictException",
    "ForbiddenException",
    "InternalServerErrorException",
    "InvalidParameterException",
    "InvalidPathException",
    "MissingEnvironmentVariableException",
    "NotFoundException",
    "NotSentError",
    "Observer",
    "PageWalk",
    "Params",
    "PayloadTooLargeException",
    "PeakBaseException",
    "ReadContract",
    "ReadOnlyError",
    "RequestRecord",
    "RetryPolicy",
    "ServerUnreachableError",
    "Session",
    "StoppedBeforeError",
    "Token",
    "TooManyRequestsException",
    "Traffic",
    "Transport",
    "UnauthorizedException",
    "UnprocessableEntityException",
    "UnreadableAnswerError",
    "WebhookSender",
    "Workflow",
    "WriteRetry",
    "deviations",
    "expect_fields",
    "expect_object",
    "expect_objects",
    "get_client",
    "is_refused_for_content",
    "is_safe_url",
    "load_contract",
    "may_be_repeated",
    "may_have_taken_effect",
    "read_base_url",
    "read_json",
    "read_stage",
    "stage_url",
]

__getattr__ = lazy_face(  # what imports `requests` costs 100 ms
    __name__,
    calls="Call Params",
    catalogue="Catalogue",
    credentials="STAGES TOKEN_VARIABLES Token is_safe_url read_base_url read_stage stage_url",
    responses="expect_fields expect_object expect_objects read_json",
    session="Session",
    transport="Transport",
    webhook_sender="WebhookSender",
    wire_contract="ReadContract deviations load_contract",
    workflows="Workflow get_client",
)
