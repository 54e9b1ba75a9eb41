"""Which changes of a plan are shown once, and which workflows are shown by themselves all the same."""

from __future__ import annotations

import dataclasses
from typing import Any

import click
import pytest

from reconciler.manifests.documents import Document
from reconciler.manifests.manifest import ReconcileSettings, Source, WorkflowManifest
from reconciler.plan import HIDDEN, Desired, Method, Plan, Update
from reconciler.render import plan_text
from reconciler.render.shared_changes import shared_changes
from reconciler.secrecy import Redactor
from reconciler.values import ABSENT, Packed
from reconciler.workflow import Body, FieldChange, Live, Origin

_CHANGE = FieldChange(path=("steps", "score", "imageVersionId"), before=1, after=2)


def _update(name: str, *changes: FieldChange, live_name: str = "", **more: Any) -> Update:
    source = Source(document=Document(file="a.yaml", text="name: x\n", index=0), base=())
    manifest = WorkflowManifest(
        name=name, packed=Packed.of({}), settings=ReconcileSettings(), source=source, sensitive=frozenset()
    )
    return Update(
        manifest=manifest,
        live=Live(id=7, name=live_name or name, body=Body({})),
        desired=Desired(manifest=manifest, body=Body({"name": name})),
        packed_body=Packed.of({"name": name}),
        method=Method.PATCH,
        reason="values are only added or changed",
        changes=changes,
        **more,
    )


def _alike(*others: Update) -> list[str]:
    three = (_update("a", _CHANGE), _update("b", _CHANGE), _update("c", _CHANGE))
    return [update.name for update in shared_changes([*three, *others]).updates]


@pytest.mark.parametrize(
    "own",
    [
        {"warnings": ("it becomes owned by others",)},
        {"notes": ("its webhook gets a new URL",)},
        {"rotates_webhook": True},
        {"may_remove": (("steps", "score", "other"),)},
        {"paused": True},
        {"origin": Origin.GIT},
        {"live_name": "old"},
    ],
    ids=lambda own: next(iter(own)),
)
def test_what_has_more_is_shown_by_itself(own: dict[str, Any]) -> None:
    """A warning, a note, a webhook, a risk, a pause, an origin and another name are never left out."""
    assert _alike(_update("d", _CHANGE, **own)) == ["a", "b", "c"]
    (shown,) = shared_changes(
        [*(_update(name, _CHANGE) for name in "abc"), _update("d", _CHANGE, **own)]
    ).changes
    assert shown.workflows == ("a", "b", "c", "d")


@pytest.mark.parametrize(
    "change",
    [
        dataclasses.replace(_CHANGE, origin=Origin.CONFLICT),
        dataclasses.replace(_CHANGE, sensitive=True),
        dataclasses.replace(_CHANGE, before=HIDDEN),
        dataclasses.replace(_CHANGE, after="run --token (sensitive)"),
    ],
    ids=["conflict", "sensitive", "hidden", "masked"],
)
def test_what_is_never_shared(change: FieldChange) -> None:
    """Equal texts of secrets may hide values that differ, and a conflict must be looked at by itself."""
    assert shared_changes([_update(name, change) for name in "abcd"]).updates == ()


def test_origins_are_kept_apart() -> None:
    """The same change made in Git and made in the tenant are two."""
    changes = [dataclasses.replace(_CHANGE, origin=origin) for origin in (Origin.GIT, Origin.DRIFT)]
    updates = [_update(f"{name}{number}", change) for number, change in enumerate(changes) for name in "abc"]
    shared = shared_changes(updates).changes
    assert [(shown.change.origin, shown.workflows) for shown in shared] == [
        (Origin.GIT, ("a0", "b0", "c0")),
        (Origin.DRIFT, ("a1", "b1", "c1")),
    ]


def test_steps_of_other_names() -> None:
    """The name of a step does not matter for a field in it; it does for the step itself."""
    named = [dataclasses.replace(_CHANGE, path=("steps", step, "imageVersionId")) for step in "xyz"]
    (shown,) = shared_changes([_update(str(change.path[1]), change) for change in named]).changes
    assert shown.change.path == ("steps", "*", "imageVersionId")
    added = [FieldChange(path=("steps", step), before=ABSENT, after={"command": "x"}) for step in "xyz"]
    assert shared_changes([_update(str(change.path[1]), change) for change in added]).updates == ()


def test_equal_notes_are_shared() -> None:
    """Three workflows that only become owned are alike; one that becomes another's is not."""
    notes = ("it becomes owned by team-a",)
    updates = [_update(name, notes=notes) for name in "abc"]
    other = _update("d", notes=("it becomes owned by team-b",))
    text = click.unstyle(plan_text(Plan(actions=(*updates, other)), Redactor()))
    assert text.splitlines()[:6] == [
        "  ~ update   3 workflows alike",
        "      by patch: values are only added or changed (3 workflows: a, b, c)",
        "      note: it becomes owned by team-a",
        "",
        "  ~ update   d (id 7)  a.yaml:1",
        "      by patch: values are only added or changed",
    ]


def test_two_are_too_few() -> None:
    """A change of two workflows is shown with each."""
    assert shared_changes([_update("a", _CHANGE), _update("b", _CHANGE)]).updates == ()
