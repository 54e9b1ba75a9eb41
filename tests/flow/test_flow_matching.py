"""Which live workflow a manifest means: by id, exact name over all pages, a former name; and patches."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flow_helpers import Git, body, kinds, paths, statuses, step

from reconciler.plan import Method

WEBHOOK = [{"webhook": True}]


def _patch(name: str = "theirs", **parts: Any) -> dict[str, Any]:
    return {"patch": {"name": name, **parts}}


def test_by_id(git: Git) -> None:
    """A manifest that pins an id means that workflow whatever its name: another name is a rename of it."""
    number = git.server.store.create(body("old name", triggers=WEBHOOK))
    url = git.webhooks("old name")
    git.write(body("new name", triggers=WEBHOOK), id=number)
    plan = git.plan()
    assert kinds(plan) == {"new name": "rename"}
    (action,) = plan.actions
    assert (action.live.id, paths(action)) == (number, [("name",)])
    git.done(plan)
    assert git.live("new name") == number
    assert git.webhooks("new name") == url
    assert len(git.server.store.records()) == 1


def test_an_id_that_is_not_there(git: Git) -> None:
    """A pinned id without a workflow blocks: it is not created under another id."""
    git.write(body(), id=77)
    action = git.action()
    assert "no live workflow has the id 77" in action.reason
    assert statuses(git.apply()) == {"flow": "blocked"}
    assert git.writes() == []


def test_an_id_whose_name_another_has(git: Git) -> None:
    """A pinned workflow is not renamed to a name that another live workflow has."""
    pinned = git.server.store.create(body("other"))
    taken = git.server.store.create(body("flow"))
    git.write(body(), id=pinned)
    assert f"another live workflow (id {taken})" in git.action().reason


def test_a_pinned_patch_that_renames(git: Git) -> None:
    """A patch that pins its workflow does not rename it to a name that another one has."""
    pinned = git.server.store.create(body("theirs"))
    taken = git.server.store.create(body("wanted"))
    git.write(_patch(set={"name": "wanted"}), id=pinned)
    assert f"another live workflow (id {taken})" in git.action().reason


def test_exact_name_only(git: Git) -> None:
    """Names that contain the name are other workflows, although the search finds them."""
    others = ["flow-2", "my flow", "xflowx", "flo", "flow flow"]
    for name in others:
        git.server.store.create(body(name, "echo theirs"))
    before = git.server.store.workflows()
    git.write(body())
    assert kinds(git.plan()) == {"flow": "create"}
    git.done()
    assert {number: git.server.store.workflows()[number] for number in before} == before


@pytest.mark.parametrize("live", ["Flow Report", "flow report ", "flow  report", "\ufb02ow\u00a0report"])
def test_a_name_in_another_spelling_blocks_a_create(git: Git, live: str) -> None:
    """A live name that differs only in case, white space or composition is named, and never made again."""
    number = git.server.store.create(body(live))
    git.write(body("flow report"))
    action = git.action()
    assert f"a live workflow (id {number}) has the same name except for case" in action.reason
    assert f"write name: {json.dumps(live, ensure_ascii=False)}" in action.reason
    assert statuses(git.apply()) == {"flow report": "blocked"}
    git.write(body("flow report"), renamedFrom=[live])
    git.done()
    assert git.live("flow report") == number


@pytest.mark.parametrize("settings", ["renamedFrom", "id", "patch"])
def test_a_rename_to_a_name_in_another_spelling_is_blocked(git: Git, settings: str) -> None:
    """A rename never makes two names that differ only in spelling, except of the workflow's own name."""
    number = git.server.store.create(body("before"))
    other = git.server.store.create(body("Flow  Report"))
    if settings == "patch":
        git.write(_patch(name="before", set={"name": "flow report"}))
    else:
        git.write(body("flow report"), **{settings: number if settings == "id" else ["before"]})
    action = git.action()
    assert f"another live workflow (id {other}) has the same name except for case" in action.reason
    assert "choose another name" in action.reason
    git.server.store.delete(other)
    git.done()
    git.write(body("Flow Report"), renamedFrom=["flow report"])
    git.done()
    assert git.live("Flow Report") == number


def test_two_new_names_that_differ_in_spelling_are_blocked(git: Git) -> None:
    """A platform that keeps names in one spelling would have two workflows of a name."""
    git.write(body("Flow"))
    git.write(body("flow"), "other.yaml")
    assert kinds(git.plan()) == {"Flow": "blocked", "flow": "blocked"}
    reasons = [getattr(action, "reason", "") for action in git.plan().actions]
    assert ['except for case, white space or composition ("flow")' in text for text in reasons] == [
        True,
        False,
    ]
    for name in ("Flow", "flow"):
        git.server.store.create(body(name))
    assert kinds(git.plan()) == {"Flow": "unchanged", "flow": "unchanged"}, "this platform has both"


def test_a_name_in_another_spelling_is_no_orphan(git: Git) -> None:
    """The workflow whose name blocks a create is not pruned as one without a manifest."""
    git.owned_by("team", allow_deletes=9)
    git.write(body("Flow"))
    git.write(body("other"), "other.yaml")
    git.done()
    git.write(body("flow"))
    assert kinds(git.plan()) == {"flow": "blocked", "other": "unchanged"}


def test_a_cut_name_blocks_a_create(git: Git) -> None:
    """A workflow in sync, under the beginning of the name, is no reason for another one."""
    git.server.store.create(body("daily fo"))
    git.write(body("daily forecast"))
    assert 'may cut names at 8 characters; write name: "daily fo"' in git.action().reason
    git.server.store.create(body("a longer name"))
    assert kinds(git.plan()) == {"daily forecast": "create"}, "no name is cut here"


def test_a_beginning_of_the_name_blocks_nothing(git: Git) -> None:
    """A workflow with other fields, or with a manifest of its own, may have the beginning of a name."""
    git.server.store.create(body("daily", "echo theirs", steps={"a": step(), "b": step(), "c": step()}))
    git.write(body("daily forecast"))
    assert kinds(git.plan()) == {"daily forecast": "create"}
    git.write(body("daily", "echo theirs", steps={"a": step(), "b": step(), "c": step()}), "daily.yaml")
    assert kinds(git.plan()) == {"daily forecast": "create", "daily": "unchanged"}


@pytest.mark.parametrize("profile", [frozenset(), frozenset({"shuffled", "floats", "nulls"})])
def test_over_all_pages(git: Git, profile: frozenset[str]) -> None:
    """A workflow on the third page of the list is found like one on the first: none is created again."""
    for number in range(230):
        git.server.store.create(body(f"flow-{number:03}"))
    git.server.profile = profile
    for name in ("flow-000", "flow-150", "flow-229", "flow-230"):
        git.write(body(name), f"{name}.yaml")
    git.server.clear_requests()
    plan = git.plan()
    pages = [
        dict(request.query)["pageNumber"]
        for request in git.server.requests
        if "pageSize" in dict(request.query) and request.path.endswith("/workflows/")
    ]
    assert sorted(pages) == ["1", "2", "3"]
    expected = dict.fromkeys(["flow-000", "flow-150", "flow-229"], "unchanged")
    assert kinds(plan) == {**expected, "flow-230": "create"}
    git.done(plan)
    assert len(git.server.store.records()) == 231


@pytest.mark.parametrize("profile", [frozenset(), frozenset({"unique-names"})])
def test_renamed_from(git: Git, profile: frozenset[str]) -> None:
    """A workflow with a former name is renamed: same id, same webhook URL, and no new workflow."""
    git.server.profile = profile
    git.write(body("first", triggers=WEBHOOK))
    git.done()
    number, url = git.live("first"), git.webhooks("first")
    git.write(body("second", triggers=WEBHOOK), renamedFrom=["zeroth", "first"])
    plan = git.plan()
    assert kinds(plan) == {"second": "rename"}
    assert paths(plan.actions[0]) == [("name",)]
    git.done(plan)
    assert (git.live("second"), git.webhooks("second")) == (number, url)
    assert len(git.server.store.records()) == 1


def test_renamed_and_changed(git: Git) -> None:
    """A rename carries other changes along in the same write."""
    git.write(body("first", tags=[{"name": "a"}]))
    git.done()
    git.write(body("second", "echo other"), renamedFrom=["first"])
    assert paths(git.action()) == [("name",), ("steps", "one", "command"), ("tags",)]
    git.server.clear_requests()
    git.done()
    assert [request.method for request in git.writes()] == ["PUT"]


def test_renamed_from_stays_harmless(git: Git) -> None:
    """When both names are live, the wanted name matches, and the former one is left alone."""
    old = git.server.store.create(body("first", "echo old"))
    git.server.store.create(body("second"))
    git.write(body("second"), renamedFrom=["first"])
    git.is_clean()
    assert git.server.store.get(old).name == "first"


def test_several_former_names(git: Git) -> None:
    """Two live workflows with former names of one manifest block it, and are named."""
    ids = [git.server.store.create(body(name)) for name in ("a", "b")]
    git.write(body(), renamedFrom=["a", "b"])
    action = git.action()
    assert all(str(number) in action.reason for number in ids)
    assert action.reason.startswith("several live workflows have a name listed in reconcile.renamedFrom")


def test_twins(git: Git) -> None:
    """Two live workflows of one name block it, both ids named; the others go on; a pinned id ends it."""
    ids = [git.server.store.create(body("twin", f"echo {number}")) for number in range(2)]
    git.write(body("twin"), "twin.yaml")
    git.write(body("other"), "other.yaml")
    plan = git.plan()
    assert kinds(plan) == {"other": "create", "twin": "blocked"}
    reason = plan.actions[1].reason  # type: ignore[union-attr]
    assert f"ids {ids[0]}, {ids[1]}" in reason
    assert "reconcile.id" in reason
    assert statuses(git.apply(plan)) == {"other": "done", "twin": "blocked"}
    git.write(body("twin", "echo git"), "twin.yaml", id=ids[1])
    git.done()
    commands = [git.server.store.workflows()[number]["steps"]["one"]["command"] for number in ids]
    assert commands == ["echo 0", "echo git"]


def test_two_manifests_for_one_workflow(git: Git) -> None:
    """Two manifests that mean one live workflow are both refused, each naming the other and its file."""
    number = git.server.store.create(body("shared"))
    git.write(body("shared"), "a.yaml")
    git.write(body("other"), "b.yaml", id=number)
    git.write(_patch("shared", set={"command": "echo x"}), "c.yaml", renamedFrom=["never"])
    with pytest.raises(Exception, match="invalid"):
        git.plan()  # two manifests of one name do not even load
    git.remove("c.yaml")
    reasons = {action.name: action.reason for action in git.plan().actions}  # type: ignore[union-attr]
    assert f"the live workflow {number} is also matched by the manifest 'other'" in reasons["shared"]
    assert "b.yaml:1" in reasons["shared"]
    assert f"another live workflow (id {number})" not in reasons["shared"]
    assert "a.yaml:1" in reasons["other"]
    assert git.writes() == []


def test_two_manifests_for_one_name(git: Git) -> None:
    """Two manifests that would give one name to two workflows are refused, patches that rename among them."""
    git.server.store.create(body("theirs"))
    git.write(body("wanted"), "a.yaml")
    git.write(_patch(set={"name": "wanted"}), "b.yaml")
    assert set(kinds(git.plan()).values()) == {"blocked"}


def test_a_patch(git: Git) -> None:
    """A patch manifest changes what it states, by `set` in the steps it names and by `body`, and no more."""
    steps = {"one": step(stepTimeout=9, future=1), "two": step(), "three": step()}
    number = git.server.store.create(
        body("theirs", steps=steps, tags=[{"name": "theirs"}], triggers=WEBHOOK, retryOptions={"duration": 9})
    )
    url = git.webhooks("theirs")
    git.write(
        _patch(
            stepNames=["one", "two"],
            set={"imageVersionId": 400, "instanceTypeId": 23, "branch": "next", "storage": "30GB"},
            body={"steps": {"three": {"parameters": {"env": {"MODE": "x"}}}}},
        )
    )
    plan = git.plan()
    (action,) = plan.actions
    assert kinds(plan) == {"theirs": "update"}
    assert action.method is Method.PATCH  # type: ignore[union-attr]
    changed = [
        (*("steps", name), *rest)
        for name in ("one", "two")
        for rest in (
            ("imageVersionId",),
            ("repository", "branch"),
            ("resources", "instanceTypeId"),
            ("resources", "storage"),
        )
    ]
    assert sorted(paths(action)) == sorted([*changed, ("steps", "three", "parameters", "env", "MODE")])
    git.done(plan)
    stored = git.stored("theirs")
    assert stored["steps"]["one"]["future"] == 1
    assert stored["steps"]["one"]["stepTimeout"] == 9
    assert stored["steps"]["three"] == step(parameters={"env": {"MODE": "x"}})
    assert stored["tags"] == [{"name": "theirs"}]
    assert stored["retryOptions"] == {"duration": 9}
    assert (git.live("theirs"), git.webhooks("theirs")) == (number, url)


def test_a_patch_of_all_steps(git: Git) -> None:
    """Without `stepNames`, `set` goes to every step, also false and zero."""
    steps = {"one": step(clearImageCache=True, stepTimeout=5), "two": step(clearImageCache=True)}
    git.server.store.create(body("theirs", steps=steps))
    git.write(_patch(set={"clearImageCache": False, "stepTimeout": 0}))
    git.done()
    stored = git.stored("theirs")["steps"]
    assert [stored[name]["clearImageCache"] for name in steps] == [False, False]
    assert [stored[name]["stepTimeout"] for name in steps] == [0, 0]


def test_a_patch_of_nothing_live(git: Git) -> None:
    """A patch needs a live workflow: without one it is blocked, and nothing is created."""
    git.write(_patch(set={"command": "x"}))
    assert "a patch needs a live workflow of this name" in git.action().reason
    assert statuses(git.apply()) == {"theirs": "blocked"}
    assert git.writes() == []


def test_a_patch_of_a_step_that_is_not_there(git: Git) -> None:
    """A patch of a step that the live workflow does not have is blocked, and the steps are named."""
    git.server.store.create(body("theirs"))
    git.write(_patch(stepNames=["missing"], set={"command": "x"}))
    assert "no step named `missing`; its steps: `one`" in git.action().reason


def test_a_patch_of_a_masked_token(git: Git) -> None:
    """A patch of a workflow whose token is masked is blocked, unless the patch states the token itself."""
    repository = {"url": "https://x.example/r", "branch": "main", "token": "theirs"}
    git.server.store.create(body("theirs", steps={"one": step(repository=repository)}))
    git.server.profile = frozenset({"token-masked"})
    git.write(_patch(set={"command": "echo x"}))
    assert "the platform masks steps.one.repository.token" in git.action().reason
    assert statuses(git.apply()) == {"theirs": "blocked"}
    assert git.stored("theirs")["steps"]["one"]["repository"] == repository
    git.write(_patch(set={"command": "echo x", "token": "ours"}))
    git.done()
    assert git.stored("theirs")["steps"]["one"]["repository"] == {**repository, "token": "ours"}


def test_a_patch_that_renames(git: Git) -> None:
    """A patch that renames its workflow plans as a rename, and afterwards clean, by the new name."""
    number = git.server.store.create(body("theirs", triggers=WEBHOOK))
    url = git.webhooks("theirs")
    git.write(_patch(set={"name": "ours", "command": "echo x"}))
    plan = git.plan()
    assert [(action.name, paths(action)) for action in plan.actions] == [
        ("theirs", [("name",), ("steps", "one", "command")])
    ]
    assert set(kinds(plan).values()) == {"rename"}
    git.done(plan)
    assert (git.live("ours"), git.webhooks("ours")) == (number, url)
    git.is_clean()


@pytest.mark.parametrize("profile", ["token-masked", "token-omitted", "token-null", "token-empty"])
def test_a_patch_of_a_token(git: Git, profile: str) -> None:
    """A patch that states a token is planned when Git changes it, in a tenant that returns no token, too."""
    git.server.profile = frozenset({profile})
    git.server.store.create(body("theirs", steps={"one": step(repository={"url": "u", "branch": "b"})}))
    git.write(_patch(set={"token": "first", "command": "echo 1"}))
    git.done()
    assert git.stored("theirs")["steps"]["one"]["repository"]["token"] == "first"
    git.write(_patch(set={"token": "second", "command": "echo 1"}))
    assert paths(git.action()) == [("steps", "one", "repository", "token")]
    git.done()
    assert git.stored("theirs")["steps"]["one"]["repository"]["token"] == "second"
