"""The tries of one write: how many, how far apart, and no longer than their deadline."""

from __future__ import annotations

import pytest
from flow_helpers import FakeTime

from reconciler.client import RetryPolicy, WriteRetry
from reconciler.client.exceptions import (
    AnswerLostError,
    BadRequestException,
    BaseHttpException,
    InternalServerErrorException,
    TooManyRequestsException,
)
from reconciler.errors import ReconcilerError


def _policy(time: FakeTime) -> RetryPolicy:
    return time.policy._replace(random=lambda: 1.0)


def _refused(retry_after: float) -> ReconcilerError:
    error = TooManyRequestsException("POST /: answered 429", status=429)
    error.retry_after = retry_after
    return error


def _all(tries: WriteRetry, error: ReconcilerError) -> int:
    count = 1
    while tries.again(error):
        count += 1
    return count


@pytest.mark.parametrize(
    "error", [AnswerLostError("lost"), InternalServerErrorException("POST /: answered 503", status=503)]
)
def test_a_doubtful_write_is_sent_a_few_times(time: FakeTime, error: ReconcilerError) -> None:
    """A write that may have taken effect is tried four times, each wait twice the one before."""
    assert _all(WriteRetry(_policy(time)), error) == 4
    assert time.sleeps == [0.5, 1.0, 2.0]
    assert error.message.endswith("(given up after 4 tries in 4 s)")


def test_pushing_back_is_waited_for_until_the_deadline(time: FakeTime) -> None:
    """A server that pushes back is asked again until the deadline, and the waits stop growing."""
    policy = _policy(time)
    count = _all(WriteRetry(policy), _refused(0.0))
    assert count > policy.tries
    assert max(time.sleeps) == policy.backoff * 8, "it doubles three times"
    assert policy.deadline - policy.longest_backoff <= sum(time.sleeps) < policy.deadline


def test_what_the_server_asks_for_is_waited(time: FakeTime) -> None:
    """A longer wait that the server asks for is kept to; one past the deadline is not begun."""
    tries = WriteRetry(_policy(time))
    assert tries.again(_refused(50.0))
    assert tries.again(_refused(50.0))
    assert time.sleeps == [50.0, 50.0]
    error = _refused(50.0)
    assert not tries.again(error)
    assert error.message.endswith("(given up after 3 tries in 100 s)")
    assert not WriteRetry(_policy(time)).again(_refused(120.0))
    assert time.sleeps == [50.0, 50.0]


def test_a_refusal_is_not_repeated(time: FakeTime) -> None:
    """A write that certainly took no effect, and would be refused again, ends at once in its own error."""
    error: BaseHttpException = BadRequestException("POST /: answered 400", status=400)
    with pytest.raises(BadRequestException) as caught:
        WriteRetry(_policy(time)).again(error)
    assert caught.value is error
    assert time.sleeps == []


def test_only_what_is_sent_again_is_counted(time: FakeTime) -> None:
    """Each try after the first is reported with the wait before it; a wait without a further try is not."""
    waits: list[float] = []
    tries = WriteRetry(_policy(time)._replace(on_retry=waits.append))
    tries.begin()
    assert not tries.in_doubt
    tries.again(AnswerLostError("lost"))
    assert (waits, tries.in_doubt) == ([], True)
    tries.begin()
    tries.again(AnswerLostError("lost"))
    assert waits == [0.5]
