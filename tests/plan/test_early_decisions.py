"""Decisions that are made while workflows are read: they are those of a plan that decides at the end."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import fields
from typing import Any

import pytest
from comparing_helpers import CASES, CREDENTIALS, DIGESTER, KEY, MASK, Case, manifest_of
from forms import digest_tags, live_of
from hypothesis import given
from hypothesis import strategies as st
from strategies import DEFAULT_RESOURCE, LAWS, as_returned, hostile_bodies, workflow_bodies

from reconciler.errors import ReconcilerError
from reconciler.manifests import ReconcileSettings, WorkflowManifest
from reconciler.plan import (
    Action,
    CompareOptions,
    DefaultResource,
    Expectations,
    PlatformFacts,
    Unchanged,
    Update,
)
from reconciler.plan.deciding import decide_match
from reconciler.plan.early_decisions import EarlyDecisions, ReadWorkflow
from reconciler.values import ABSENT, Packed
from reconciler.workflow import Body, Live, PackedBody, WriteOnlyField

_IGNORES: list[tuple[str, ...]] = [("steps.*.repository",), ("metadata",), ("retryOptions",)]
_OWNED = {"name": "reconciler-owner-else"}


@st.composite
def _of_case(draw: Any, case: Case) -> tuple[Any, Any]:
    """Return what a manifest and a platform say of a workflow with a field that may be write-only."""
    sent = draw(st.sampled_from([ABSENT, ABSENT, case.wanted, case.other]))
    tags = [] if sent is ABSENT else case.remembered(sent)
    live = draw(st.sampled_from([case.wanted, ABSENT, case.other, MASK]))
    wanted = draw(st.sampled_from([case.wanted, case.wanted, ABSENT]))
    return case.body(wanted), case.body(live, *tags, *draw(st.sampled_from([[], [], [_OWNED]])))


_ANY = workflow_bodies().flatmap(
    lambda body: st.tuples(st.just(body), as_returned(body) | workflow_bodies() | hostile_bodies())
)


def _tenants(case: Case) -> Any:
    """Return tenants in which workflows differ in one field: what one shows decides about the others."""
    pair = st.tuples(
        _of_case(case) | _of_case(case) | _of_case(case) | _ANY,
        st.sampled_from([(), (), (), *_IGNORES]),
        st.sampled_from([None, None, True]),
    )
    return st.lists(pair, min_size=1, max_size=5)


_RUNS = st.builds(
    CompareOptions,
    key=st.just(KEY),
    remember=st.booleans(),
    resend=st.sampled_from([False, False, False, True]),
    owner=st.sampled_from([None, None, "else", "me"]),
)
_DEFAULTS = st.sampled_from(
    [DefaultResource(answer=DEFAULT_RESOURCE), DefaultResource(refusal=ReconcilerError("no"))]
)


def with_digests(manifest: WorkflowManifest) -> WorkflowManifest:
    """Return a manifest whose body comes with its digests, as one that a plan loads."""
    return dataclasses.replace(manifest, packed=PackedBody.of_body(manifest.body))


def _outcome(act: Any) -> Any:
    """Return everything that an action says, or the error in place of it."""
    try:
        action: Action = act()
    except ReconcilerError as error:
        return error
    found = {field.name: getattr(action, field.name) for field in fields(action)}
    plain = {
        name: value.value if isinstance(value, Packed) else value
        for name, value in found.items()
        if name not in {"live", "desired", "manifest"}
    }
    bodies = [each.body.raw for name in ("live", "desired") if (each := found.get(name)) is not None]
    return type(action), plain, bodies


@LAWS
@given(st.sampled_from(CASES).flatmap(_tenants), _RUNS, _DEFAULTS, st.booleans(), st.data())
def test_early_decisions_are_those_of_the_end(
    pairs: Any, options: CompareOptions, default: DefaultResource, cached: Any, data: Any
) -> None:
    """In whatever order answers arrive, and whatever a later one teaches, the actions are the same.

    So they are with and without the digests of manifests.
    """
    decisions = EarlyDecisions(options, Expectations(), cached=cached)
    known_from = data.draw(st.integers(0, len(pairs)))
    manifests: list[WorkflowManifest] = []
    lives, read = [], []
    for number, ((wanted, returned), ignore, paused) in enumerate(pairs):
        settings = ReconcileSettings(ignore=ignore, paused=paused)
        manifest = manifest_of({"name": "w", **wanted}, settings=settings)
        manifests.append(with_digests(manifest) if number % 2 else manifest)
        lives.append(live_of(returned, number))
        default_now = default if number >= known_from else DefaultResource()
        read.append(decisions.taken(live_of(returned, number), manifests[-1], default_now))
    facts = PlatformFacts(default_resource=default).learned_from(lives, options)
    assert facts == PlatformFacts(default_resource=default).with_kinds(each.kinds for each in read)
    for manifest, live, early in zip(manifests, lives, read, strict=True):
        plain = dataclasses.replace(manifest, packed=Packed.of(manifest.body))
        late = _outcome(lambda live=live, plain=plain: decide_match(plain, live, options, facts).action)
        for kept in (early, early.forgotten(manifest, options)):
            assert (
                _outcome(lambda kept=kept, manifest=manifest: kept.action_for(manifest, options, facts))
                == late
            )


@pytest.mark.parametrize("case", CREDENTIALS, ids=str)
def test_the_digests_of_a_manifest_change_no_action(case: Case) -> None:
    """A credential may be shown, masked or hidden, and any value may have been sent last."""
    left_out = ("steps", "a", "repository", "token")
    certain = set()
    for sent, live, wanted, owned, drift, remember, resend in itertools.product(
        [[case.wanted], [case.other], [None], []],
        [case.wanted, case.other, MASK, ABSENT],
        [case.wanted, ABSENT],
        [[], [_OWNED]],
        [{}, {"triggers": [{"cron": "0 6 * * *"}]}],
        [True, False],
        [True, False],
    ):
        values = [(case.path, value) for value in sent]
        digests = digest_tags(DIGESTER.digests([(left_out, None), *values])) if sent else []
        options = CompareOptions(key=KEY, remember=remember, resend=resend, owner="else")
        plain = manifest_of(case.body(wanted))
        returned = live_of({**case.body(live, *digests, *owned), **drift})
        decisions = [
            decide_match(manifest, returned, options, PlatformFacts())
            for manifest in (plain, with_digests(plain))
        ]
        early, late = (_outcome(lambda made=made: made.action) for made in decisions)
        assert early == late
        if live is ABSENT and not decisions[1].needs_facts:
            certain.add((wanted, *sent))
    token_left_out = {(ABSENT, None)} if case.kind is WriteOnlyField.TOKEN else set()
    assert certain == {(case.wanted, case.wanted), (ABSENT,), *token_left_out}


def _read(live: Live, manifest: Any, options: CompareOptions) -> ReadWorkflow:
    decisions = EarlyDecisions(options, Expectations(), cached=True)
    return decisions.taken(live, manifest, DefaultResource())


@pytest.mark.parametrize("make", [with_digests, lambda manifest: manifest])
def test_nothing_more_is_kept_of_a_workflow_in_sync(make: Any) -> None:
    """It is forgotten: its action depends on nothing that a later workflow shows."""
    options, body = CompareOptions(key=KEY), CASES[0].body("new")
    manifest, live = make(manifest_of(body)), live_of(body)
    read = _read(live, manifest, options).forgotten(manifest, options)
    assert read.live is None
    action = read.action_for(manifest, options, PlatformFacts(write_only=frozenset({CASES[0].kind})))
    assert isinstance(action, Unchanged)
    assert (read.fingerprint, read.kinds) == (live.fingerprint, live.write_only_kinds)


@pytest.mark.parametrize("what", ["differs", "another manifest", "other options", "ignored", "with a digest"])
def test_a_workflow_that_may_need_another_decision_is_kept(what: str) -> None:
    """So is one that differs, and one that was decided about by something else than the plan."""
    case = CASES[0]
    options, body = CompareOptions(key=KEY), case.body("new")
    ignore = ("steps.*.repository",) if what == "ignored" else ()
    manifest = manifest_of(body, settings=ReconcileSettings(ignore=ignore))
    tags = case.remembered("new") if what == "with a digest" else []
    read = _read(live_of(case.body("old" if what == "differs" else "new", *tags)), manifest, options)
    asked = manifest_of(body) if what == "another manifest" else manifest
    chosen = CompareOptions(key=KEY, remember=False) if what == "other options" else options
    assert read.forgotten(asked, chosen).live is not None


@pytest.mark.parametrize("case", CREDENTIALS, ids=str)
def test_a_workflow_that_is_read_later_counts(case: Case) -> None:
    """A credential that is not returned may be there, until another workflow shows that they are returned."""
    options = CompareOptions(key=KEY)
    decisions, manifest = EarlyDecisions(options, Expectations(), cached=False), manifest_of(case.body("new"))
    lives = [live_of(case.body(ABSENT), 1), live_of(case.body("new"), 2)]
    first, second = (decisions.taken(live, manifest, DefaultResource()) for live in lives)
    assert first.decision is not None
    assert isinstance(first.decision.action, Unchanged)
    assert first.forgotten(manifest, options).live is not None
    facts = PlatformFacts().with_kinds([first.kinds, second.kinds])
    assert isinstance(first.action_for(manifest, options, facts), Update)
    assert isinstance(second.action_for(manifest, options, facts), Unchanged)


def test_a_workflow_in_sync_that_is_needed_is_as_it_was_read() -> None:
    """Where something else needs it, as a status does, it is what the platform answered."""
    options, body = CompareOptions(key=KEY), CASES[0].body("new")
    manifest, live = manifest_of(body), live_of(body)
    read = _read(live, manifest, options)
    assert isinstance(read.kept, Packed)
    assert read.live is not None
    assert (read.live.id, read.live.name, read.live.body.raw) == (live.id, live.name, live.body.raw)
    other = manifest_of(CASES[0].body("old"))
    assert isinstance(read.action_for(other, options, PlatformFacts()), Update)


def test_equal_forms_become_one() -> None:
    """The form of a live body that says the same is not kept a second time."""
    live, wanted = Body(CASES[0].body("new")), Body(CASES[0].body("new"))
    assert live.takes_form_of(wanted)
    assert live.form is wanted.form
    assert live.is_known_to_equal(wanted)
    assert not Body(CASES[0].body("old")).takes_form_of(wanted)
    assert not live.packed().takes_form_of(wanted)
