"""What differs once it is known what the platform does not return: the whole table of decisions."""

from __future__ import annotations

from typing import Any

import pytest
import strategies
from comparing_helpers import (
    CASES,
    CREDENTIALS,
    DIGESTER,
    KEY,
    MASK,
    NAME,
    OTHERS,
    Case,
    compared,
    digests_of,
    run_of,
)
from forms import digest_tags, live_of
from hypothesis import given
from hypothesis import strategies as st
from strategies import DEFAULT_RESOURCE, LAWS

from reconciler.errors import ReconcilerError
from reconciler.plan import HIDDEN, CompareOptions, Comparison, DefaultResource, PlatformFacts
from reconciler.plan.comparing import unseen_note
from reconciler.values import ABSENT, lookup
from reconciler.workflow import FieldChange, WriteOnlyField, write_only_field, write_only_fields


def _facts(live: Any) -> tuple[Any, Any]:
    """Return which kinds of fields a workflow shows, and which it has and does not show."""
    found = PlatformFacts().learned_from([live_of(live, name=NAME)], CompareOptions(key=KEY))
    return found.returned, found.write_only


_RUNS: dict[str, Any] = {
    "plain": {},
    "off": {"remember": False},
    "resend": {"resend": True},
    "seen": {"returned": frozenset(WriteOnlyField)},
    "off seen": {"remember": False, "returned": frozenset(WriteOnlyField)},
    "off resend": {"remember": False, "resend": True},
}
"""The choices of a run, and whether some workflow of it shows that the platform returns the kind of field."""

# The decision on a field that Git states, by what the platform returns, and what was last sent:
#   change   it differs, and the live value (or the default) is shown
#   hidden   it differs, and what is live cannot be shown
#   same     nothing
#   unseen   nothing, and the plan says that it cannot see the field
_TABLE: dict[tuple[str, str, str], tuple[str, str, str, str, str, str]] = {
    # (kind, live, remembered):          plain     off       resend    seen      off seen  off resend
    ("credential", "told", "same"): ("same", "change", "hidden", "same", "change", "change"),
    ("credential", "told", "other"): ("hidden", "change", "hidden", "hidden", "change", "change"),
    ("credential", "told", "nothing"): ("change", "change", "change", "change", "change", "change"),
    ("credential", "masked", "same"): ("same", "unseen", "hidden", "same", "unseen", "hidden"),
    ("credential", "masked", "other"): ("hidden", "unseen", "hidden", "hidden", "unseen", "hidden"),
    ("credential", "masked", "nothing"): ("unseen", "unseen", "hidden", "unseen", "unseen", "hidden"),
    ("credential", "absent", "same"): ("same", "unseen", "hidden", "same", "change", "hidden"),
    ("credential", "absent", "other"): ("hidden", "unseen", "hidden", "hidden", "change", "hidden"),
    ("credential", "absent", "nothing"): ("unseen", "unseen", "hidden", "change", "change", "hidden"),
    ("other", "told", "same"): ("change", "change", "change", "change", "change", "change"),
    ("other", "told", "other"): ("change", "change", "change", "change", "change", "change"),
    ("other", "told", "nothing"): ("change", "change", "change", "change", "change", "change"),
    ("other", "absent", "same"): ("same", "unseen", "hidden", "same", "change", "hidden"),
    ("other", "absent", "other"): ("hidden", "unseen", "hidden", "hidden", "change", "hidden"),
    ("other", "absent", "nothing"): ("change", "unseen", "hidden", "change", "change", "hidden"),
}
_ROWS = [
    pytest.param(case, live, remembered, run, outcome, id=f"{case}-{live}-{remembered}-{run}")
    for (kind, live, remembered), outcomes in _TABLE.items()
    for case in (CREDENTIALS if kind == "credential" else OTHERS)
    for run, outcome in zip(_RUNS, outcomes, strict=True)
]


def _live(case: Case, told: str, remembered: str) -> Any:
    value = {"told": case.other, "masked": MASK, "absent": ABSENT}[told]
    sent = {"same": case.wanted, "other": case.other}
    return case.body(value, *(case.remembered(sent[remembered]) if remembered in sent else []))


@pytest.mark.parametrize(("case", "live", "remembered", "run", "outcome"), _ROWS)
def test_a_field_that_git_states(case: Case, live: str, remembered: str, run: str, outcome: str) -> None:
    """The table above, for a field of each kind; what is not returned always has its digest kept."""
    found = compared(_live(case, live, remembered), case.body(case.wanted), run_of(**_RUNS[run]))
    before = {"told": case.other, "masked": MASK, "absent": case.default}[live]
    changes = {
        "change": (FieldChange(path=case.path, before=before, after=case.wanted),),
        "hidden": (FieldChange(path=case.path, before=HIDDEN, after=case.wanted),),
    }
    assert found.changes == changes.get(outcome, ())
    assert found.unseen == ((case.path,) if outcome == "unseen" else ())
    shown = live == "told" and outcome == "change"
    assert found.write_only == (() if shown else ((case.path, case.wanted),))


@pytest.mark.parametrize("remembered", ["same", "other", "nothing"])
@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("run", _RUNS)
def test_a_field_that_reads_back_as_git_states_it(case: Case, run: str, remembered: str) -> None:
    """What the platform returns, and what matches Git, is no difference whatever the digest."""
    live = case.body(case.wanted, *_live(case, "absent", remembered)["tags"][1:])
    assert compared(live, case.body(case.wanted), run_of(**_RUNS[run])) == Comparison(changes=())


@pytest.mark.parametrize(
    ("live", "remembered", "outcome"),
    [
        ("told", "nothing", "change"),
        ("told", "other", "hidden"),
        ("told", "none", "same"),
        ("masked", "nothing", "unseen"),
        ("masked", "other", "hidden"),
        ("masked", "none", "same"),
        ("absent", "nothing", "same"),
        ("absent", "other", "hidden"),
        ("absent", "none", "same"),
    ],
)
@pytest.mark.parametrize("run", ["plain", "resend", "seen"])
@pytest.mark.parametrize("case", CREDENTIALS, ids=str)
def test_a_credential_that_git_leaves_out(
    case: Case, run: str, live: str, remembered: str, outcome: str
) -> None:
    """A credential taken away in Git is planned where it was sent; one that is merely masked is not.

    `none`: that it was left out is what was last sent. There is nothing that could be sent again.
    """
    tags = {"nothing": [], "other": case.remembered(case.other), "none": case.remembered(None)}[remembered]
    value = {"told": case.other, "masked": MASK, "absent": ABSENT}[live]
    found = compared(case.body(value, *tags), case.body(ABSENT), run_of(**_RUNS[run]))
    changes = {
        "change": (FieldChange(path=case.path, before=value, after=ABSENT),),
        "hidden": (FieldChange(path=case.path, before=HIDDEN, after=ABSENT),),
    }
    assert found.changes == changes.get(outcome, ())
    assert found.unseen == ((case.path,) if outcome == "unseen" else ())


@pytest.mark.parametrize("remembered", ["same", "nothing"])
@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("case", OTHERS, ids=str)
def test_another_field_that_git_leaves_out(case: Case, *, told: bool, remembered: str) -> None:
    """A field taken away in Git is planned where it shows, or where it is remembered and does not show."""
    tags = case.remembered(case.wanted) if remembered == "same" else []
    found = compared(case.body(case.wanted if told else ABSENT, *tags), case.body(ABSENT))
    if told:
        assert found.changes == (FieldChange(path=case.path, before=case.wanted, after=case.default),)
    elif remembered == "same":
        assert found.changes == (FieldChange(path=case.path, before=HIDDEN, after=ABSENT),)
        assert found.changes[0].removes
    else:
        assert found == Comparison(changes=())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_digests_count_only_where_they_are_kept(case: Case) -> None:
    """With `remember: false` a memory of other days is not looked at."""
    live = case.body(ABSENT, *case.remembered(case.other))
    assert compared(live, case.body(ABSENT), run_of(remember=False)) == Comparison(changes=())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_patch_does_not_take_away_what_it_does_not_state(case: Case) -> None:
    """With `owns_all=False`, what is remembered and not stated is left alone; what is stated is compared."""
    live = case.body(ABSENT, *case.remembered(case.other))
    assert compared(live, case.body(ABSENT), owns_all=False) == Comparison(changes=())
    stated = compared(live, case.body(case.wanted), owns_all=False)
    assert stated.changes == (FieldChange(path=case.path, before=HIDDEN, after=case.wanted),)


@pytest.mark.parametrize("remembered", ["same", "other", "nothing"])
@pytest.mark.parametrize("live", ["told", "masked", "absent"])
@pytest.mark.parametrize("run", _RUNS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_just_written(case: Case, run: str, live: str, remembered: str) -> None:
    """Just after a write, what is not returned is no difference; nor is a credential in another form."""
    if live == "masked" and not case.credential:
        return
    found = compared(
        _live(case, live, remembered), case.body(case.wanted), run_of(**_RUNS[run]), just_written=True
    )
    if live == "told" and not case.credential:
        assert found.changes == (FieldChange(path=case.path, before=case.other, after=case.wanted),)
        assert found.write_only == ()
    else:
        assert found == Comparison(changes=(), write_only=((case.path, case.wanted),))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_just_written_without_a_field(case: Case) -> None:
    """Just after a write, what was remembered before and is no longer sent is not asked for again."""
    live = case.body(ABSENT, *case.remembered(case.other))
    assert compared(live, case.body(ABSENT), just_written=True).changes == ()


@pytest.mark.parametrize("live", ["told", "absent"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_ignored_fields(case: Case, live: str) -> None:
    """A field that is ignored is neither a difference nor unseen; the digest of a hidden setting stays."""
    pattern = tuple(str(part) for part in case.path)
    for remembered in ("same", "other", "nothing"):
        found = compared(_live(case, live, remembered), case.body(case.wanted), ignored=(pattern,))
        hidden = live == "absent" or case.other == case.default
        stays = hidden and not case.credential and remembered != "nothing"
        kept = ((case.path, case.wanted),) if stays else ()
        assert found == Comparison(changes=(), write_only=kept)
        gone = compared(_live(case, live, remembered), case.body(ABSENT), ignored=(pattern[:-1],))
        assert gone == Comparison(changes=())


def test_ignoring_leaves_the_rest() -> None:
    """Only what is at or below an ignored path is left out."""
    live: Any = {"name": NAME, "steps": {"a": {"command": "1", "imageId": 1}}}
    desired: Any = {"name": NAME, "steps": {"a": {"command": "2", "imageId": 2}}}
    found = compared(live, desired, ignored=(("steps", "*", "imageId"), ("steps", "b")))
    assert [change.path for change in found.changes] == [("steps", "a", "command")]


@pytest.mark.parametrize("left_out", [case for case in CASES if case.path[0] == "steps"], ids=str)
def test_the_digests_of_a_step_go_with_the_step(left_out: Case) -> None:
    """A step that Git removes is one change: what is remembered of its fields is not a second one."""
    live = left_out.body(ABSENT, *left_out.remembered(left_out.other))
    desired = left_out.body(ABSENT)
    del desired["steps"][left_out.path[1]]
    assert [change.path for change in compared(live, desired).changes] == [left_out.path[:2]]


def test_a_token_left_out_has_a_digest_where_tokens_are_not_returned() -> None:
    """That a repository has no token is kept as a digest, too, on a platform known not to return tokens."""
    case = CASES[0]
    body = case.body(ABSENT)
    assert compared(body, body).write_only == ()
    known = run_of(write_only=frozenset({WriteOnlyField.TOKEN}))
    assert compared(body, body, known).write_only == ((case.path, None),)
    assert compared(body, body, known, ignored=(("steps", "a", "repository"),)).write_only == ()
    assert compared(body, body, known, owns_all=False).write_only == ()
    assert (
        compared(body, body, run_of(write_only=frozenset({WriteOnlyField.TOKEN}), remember=False)).write_only
        == ()
    )
    remembered = case.body(ABSENT, *case.remembered(None))
    assert compared(remembered, body).write_only == ((case.path, None),)


def test_a_token_that_comes_where_none_was_is_planned() -> None:
    """Remembered as left out, a token that Git adds is a difference although the platform masks it."""
    case = CASES[0]
    found = compared(case.body(MASK, *case.remembered(None)), case.body(case.wanted))
    assert found.changes == (FieldChange(path=case.path, before=HIDDEN, after=case.wanted),)


@pytest.mark.parametrize("case", CREDENTIALS, ids=str)
@pytest.mark.parametrize("run", ["plain", "off", "seen"])
def test_a_credential_where_nothing_is_live_is_planned(case: Case, run: str) -> None:
    """Where no repository or no auth is live at all, a credential in it is new, not merely write-only."""
    live, desired = case.body(ABSENT), case.body(case.wanted)
    del live["steps"][case.path[1]][case.path[2]]
    found = compared(live, desired, run_of(**_RUNS[run]))
    assert FieldChange(path=case.path, before=ABSENT, after=case.wanted) in found.changes
    assert found.unseen == ()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_digests_of_another_name_or_key_are_recognised(case: Case) -> None:
    """What was remembered under another name, or with another key, cannot be read: it is sent once more."""
    live, desired = case.body(ABSENT, *case.remembered(case.wanted)), case.body(case.wanted)
    assert not compared(live, desired).foreign
    for found in (
        compared(live, desired, name="other"),
        compared(live, desired, run_of(key=b"other")),
    ):
        assert found.foreign
        assert [change.path for change in found.changes] == [case.path]
        assert found.unseen == ()


@given(
    strategies.workflow_bodies().flatmap(
        lambda body: st.tuples(st.just(body), strategies.as_returned(body), st.sampled_from(list(_RUNS)))
    )
)
@LAWS
def test_a_platform_that_returns_all_shows_no_difference(triple: Any) -> None:
    """Whatever the words and whatever the run: a workflow in sync does not differ."""
    body, told, run = triple
    found = compared(told, body, run_of(**_RUNS[run], default_resource=DEFAULT_RESOURCE), name=body["name"])
    assert found.changes == ()
    assert found.unseen == ()


@given(strategies.workflow_bodies(), st.data())
@LAWS
def test_digests_of_what_is_hidden_settle_a_workflow(body: Any, data: st.DataObject) -> None:
    """Hide any of what may be hidden, remember what just was written, and nothing differs any more.

    A platform that hides the options of steps hides the workflow's, too: else it would return a wrong value.
    """
    fields = [path for path in write_only_fields(body) if lookup(body, path) is not ABSENT]
    hidden = data.draw(st.sets(st.sampled_from(fields))) if fields else set()
    kinds = {write_only_field(path) for path in hidden}
    kinds |= {WriteOnlyField.RETRY} if WriteOnlyField.STEP_RETRY in kinds else set()
    whole = kinds & {WriteOnlyField.RETRY, WriteOnlyField.STEP_RETRY}
    hidden |= {path for path in fields if write_only_field(path) in whole}
    live = _without(body, hidden)
    written = compared(live, body, name=NAME, just_written=True)
    assert written.changes == ()
    live = {**live, "tags": [*live.get("tags", []), *digest_tags(digests_of(written.write_only))]}
    found = compared(live, body)
    assert (found.changes, found.unseen) == ((), ())


def _without(value: Any, paths: set[Any], path: Any = ()) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        key: _without(item, paths, (*path, key)) for key, item in value.items() if (*path, key) not in paths
    }


@given(strategies.hostile_bodies(), strategies.hostile_bodies(), st.sampled_from(list(_RUNS)))
@LAWS
def test_no_answer_of_a_server_makes_comparing_fail(live: Any, desired: Any, run: str) -> None:
    """Any JSON at all has differences or none, and shows kinds of fields or none."""
    compared(live, desired, run_of(**_RUNS[run]))
    compared(live, desired, run_of(default_resource=live), just_written=True)
    returned, write_only = _facts(live)
    assert not returned & write_only


@pytest.mark.parametrize("case", CASES, ids=str)
def test_which_kinds_a_workflow_returns(case: Case) -> None:
    """A value that shows is returned; a mask, or a digest of what is hidden, is not; one of each is not."""
    kinds = frozenset({case.kind})
    assert _facts(case.body(case.other)) == (kinds, frozenset())
    assert _facts(case.body(ABSENT)) == (frozenset(), frozenset())
    assert _facts(case.body(ABSENT, *case.remembered(1))) == (frozenset(), kinds)
    assert _facts(case.body(case.other, *case.remembered(1))) == (kinds, frozenset())
    if case.credential:
        assert _facts(case.body(MASK)) == (frozenset(), kinds)


def test_a_kind_with_a_hidden_field_is_not_returned() -> None:
    """Of two fields of a kind, one returned and one not: the platform does not return the kind."""
    first, second = ("metadata", "allowConcurrentExecution"), ("retryOptions", "duration")
    tags = digest_tags(DIGESTER.digests([(("retryOptions", "numberOfRetries"), 1)]))
    live = {"name": NAME, "metadata": {first[1]: True}, "retryOptions": {second[1]: 9}, "steps": {"a": {}}}
    assert _facts({**live, "tags": tags}) == (
        frozenset({WriteOnlyField.METADATA}),
        frozenset({WriteOnlyField.RETRY}),
    )


def test_a_refused_default_resource_counts_only_where_it_is_needed() -> None:
    """It decides only where two bodies differ and one of them states resources."""
    plain: Any = {"name": NAME, "steps": {"a": {"command": "c"}}}
    stated: Any = {"name": NAME, "steps": {"a": {"command": "c", "resources": {"storage": "20GB"}}}}
    refusal = ReconcilerError("refused")
    run = (CompareOptions(key=KEY), PlatformFacts(default_resource=DefaultResource(refusal=refusal)))
    assert compared(stated, stated, run).changes == ()
    assert len(compared(plain, {**plain, "name": "v"}, run).changes) == 1
    for pair in ((plain, stated), (stated, plain)):
        with pytest.raises(ReconcilerError, match="refused"):
            compared(*pair, run)


def test_resources_are_judged_by_the_default() -> None:
    """Returned resources that are the tenant's default do not differ from none; others do, visibly."""
    plain: Any = {"name": NAME, "steps": {"a": {}}}
    told: Any = {"name": NAME, "steps": {"a": {"resources": {"instanceTypeId": 21, "storage": "50 GB"}}}}
    (change,) = compared(told, plain, run_of(default_resource=DEFAULT_RESOURCE)).changes
    assert change == FieldChange(path=("steps", "a", "resources", "storage"), before="50GB", after="10GB")
    assert not change.removes
    assert [change.after for change in compared(told, plain).changes] == [ABSENT, ABSENT]
    one: Any = {"name": NAME, "steps": {"a": {"resources": {"instanceTypeId": True}}}}
    assert compared(one, plain, run_of(default_resource={"instanceTypeId": 1})).changes != ()


def test_the_note_names_the_fields_that_cannot_be_seen() -> None:
    """A plan names up to five of them, and how they can be sent again."""
    paths = tuple(("steps", f"s{number}", "repository", "token") for number in range(6))
    assert unseen_note(paths[:1]) == (
        "the API does not return steps.s0.repository.token; pass --resend-secrets to send the values of the "
        "manifest"
    )
    assert "s4.repository.token, …;" in unseen_note(paths)
    assert "s5" not in unseen_note(paths)
