"""Notifications in each format: their content, and that texts from outside stay text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from job_helpers import outcome, planned, workflow_outcome

from reconciler.job.notifications import FORMATS, notification
from reconciler.job.outcome import Outcome, OutcomeKind
from reconciler.schema import validate

HOSTILE = "<!channel> @here <@U123|x> `*b*` **bold** [x](https://evil.example) <at>all</at> & \\n"


def _message(run: Outcome, form: str) -> Any:
    return json.loads(notification(run, form))


def _failed(name: str = "flow", count: int = 1, error: str = "PUT /x: 422 Unprocessable") -> Outcome:
    return outcome(
        exit_code=1,
        environment="prod",
        tenant="https://service.peak.ai",
        stage="prod",
        planned=planned(update=count + 1),
        workflows=(
            workflow_outcome("fine"),
            *(workflow_outcome(name, status="failed", error=error) for _ in range(count)),
        ),
    )


@pytest.mark.parametrize(
    ("run", "kinds"),
    [
        (outcome(), ()),
        (outcome(planned=planned(update=1), workflows=(workflow_outcome(),)), (OutcomeKind.CHANGE,)),
        (_failed(), (OutcomeKind.FAILURE, OutcomeKind.CHANGE)),
        (outcome(exit_code=3, planned=None), (OutcomeKind.FAILURE,)),
        (outcome(exit_code=4, workflows=(workflow_outcome(status="blocked"),)), (OutcomeKind.FAILURE,)),
        (
            outcome(
                exit_code=2,
                dry_run=True,
                planned=planned(create=1),
                workflows=(workflow_outcome(status="planned"),),
            ),
            (OutcomeKind.DRIFT,),
        ),
        (outcome(dry_run=True), ()),
    ],
)
def test_the_reasons_to_notify(run: Outcome, kinds: tuple[OutcomeKind, ...]) -> None:
    """A failure is any exit code but 0 and 2; a change is a workflow written; drift is a dry run's."""
    assert run.kinds == kinds


def test_the_generic_body_follows_its_schema() -> None:
    """Whoever reads it can rely on the documented fields: a failed run, a dry run, and one without a plan."""
    for run in (_failed(count=80), outcome(dry_run=True, exit_code=2), outcome(planned=None, exit_code=3)):
        assert [*validate(_message(run, "generic"), "notification")] == []
    message = _message(_failed(), "generic")
    assert message["kinds"] == ["failure", "change"]
    assert message["results"] == {"done": 1, "failed": 1, "not_tried": 0, "blocked": 0}
    assert [item["name"] for item in message["workflows"]] == ["flow", "fine"]
    assert message["title"] == "Peak reconciler failed and changed the tenant (prod)"


def test_slack_gets_no_mention_no_link_and_no_markup() -> None:
    """The name of a workflow cannot ping a channel, make a link, or end its code block."""
    message = _message(_failed(HOSTILE, error=HOSTILE), "slack")
    texts = [message["text"], *(block["text"]["text"] for block in message["blocks"])]
    for text in texts:
        inner = text.removeprefix("```").removesuffix("```")
        assert "<" not in inner
        assert ">" not in inner
        assert "`" not in inner
        assert "@here" not in inner
    assert "&lt;!channel&gt; @\u200bhere" in texts[3]
    assert "&amp;" in texts[3]
    assert all(block["text"]["verbatim"] for block in message["blocks"])


def test_teams_gets_everything_from_outside_in_runs_of_plain_text() -> None:
    """Markdown is read in TextBlocks and facts only; the card has neither, and nothing that can mention."""
    message = _message(_failed(HOSTILE), "teams")
    (attachment,) = message["attachments"]
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    runs = [run for block in card["body"] for run in block["inlines"]]
    assert {run["type"] for run in runs} == {"TextRun"}
    assert any(HOSTILE in run["text"] for run in runs)
    assert "msteams" not in card
    assert "selectAction" not in json.dumps(card)


@pytest.mark.parametrize("form", sorted(FORMATS))
@pytest.mark.parametrize("letter", ["x", "&", "\U0001f600", "<"])
def test_a_message_is_bounded(form: str, letter: str) -> None:
    """A thousand failures with long errors fit into what each receiver takes, and the rest is counted."""
    run = _failed(letter * 200, 1000, letter * 1000)
    data = notification(run, form)
    assert len(data) < {"generic": 1024 * 1024, "slack": 64 * 1024, "teams": 28 * 1024}[form]
    message = json.loads(data)
    if form == "slack":
        assert all(len(block["text"]["text"]) <= 3000 for block in message["blocks"])
        assert len(message["blocks"]) <= 50
    shown = json.dumps(message, ensure_ascii=False)
    assert "more" in shown or message["workflows_left_out"] == 951


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_problems_come_first(form: str) -> None:
    """Among a hundred that went well, the one that failed is named."""
    run = outcome(
        exit_code=1,
        workflows=(
            *(workflow_outcome(f"fine-{i}") for i in range(100)),
            workflow_outcome("the-bad-one", status="failed"),
        ),
    )
    assert "the-bad-one" in notification(run, form).decode()
