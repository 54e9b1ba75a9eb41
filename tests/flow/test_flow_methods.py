"""How a workflow is updated: by patch or by full replacement, with exactly the body that the plan shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import Git, body, kinds, paths, rich, step

from reconciler.emulator.profiles import ALL_PROFILES_TOGETHER
from reconciler.plan import Method
from reconciler.workflow import SentDigests
from reconciler.workflow.own_tags import OwnTags, is_digest_tag

if TYPE_CHECKING:
    from reconciler.emulator.server import EmulatorServer

HOOKED = body("hooked", "echo 0", triggers=[{"webhook": True}, {"cron": "0 6 * * *"}])

_PATCHED: dict[str, dict[str, Any]] = {
    "changed": body(steps={"one": step("echo other", stepTimeout=60)}, tags=[{"name": "a"}]),
    "added": body(steps={"one": step(stepTimeout=60, clearImageCache=True)}, tags=[{"name": "a"}]),
    "tag added": body(steps={"one": step(stepTimeout=60)}, tags=[{"name": "a"}, {"name": "b"}]),
    "step added": body(steps={"one": step(stepTimeout=60), "two": step()}, tags=[{"name": "a"}]),
}
_REPLACED: dict[str, dict[str, Any]] = {
    "removed": body(tags=[{"name": "a"}]),
    "back to default": body(steps={"one": step(stepTimeout=60, resources={})}, tags=[{"name": "a"}]),
    "tag exchanged": body(steps={"one": step(stepTimeout=60)}, tags=[{"name": "b"}]),
    "step removed": body(steps={"two": step(stepTimeout=60)}, tags=[{"name": "a"}]),
    "type": body(steps={"one": {"type": "sql", "sqlQueryPath": "x.sql"}}, tags=[{"name": "a"}]),
    "changed and removed": body("flow", "echo other", tags=[{"name": "a"}]),
}


def _sent(git: Git, method: str = "PUT") -> Any:
    (request,) = [request for request in git.server.requests if request.method == method]
    return request.body


@pytest.mark.parametrize("wanted", _PATCHED.values(), ids=_PATCHED)
def test_what_only_adds_or_changes_is_a_patch(git: Git, wanted: dict[str, Any]) -> None:
    """An update that removes nothing is a patch, and sends exactly the body of the plan, once."""
    git.write(body(steps={"one": step(stepTimeout=60)}, tags=[{"name": "a"}]))
    git.done()
    git.write(wanted)
    plan = git.plan()
    (action,) = plan.actions
    assert action.method is Method.PATCH
    assert action.reason == "values are only added or changed"
    git.server.clear_requests()
    git.done(plan)
    assert _sent(git) == action.body


@pytest.mark.parametrize("wanted", _REPLACED.values(), ids=_REPLACED)
def test_what_removes_is_a_full_replacement(git: Git, wanted: dict[str, Any]) -> None:
    """An update that must remove something replaces the workflow by the manifest's body, as the plan says."""
    resources = {"instanceTypeId": 22, "storage": "20GB"}
    live = step(stepTimeout=60, **({"resources": resources} if "resources" in str(wanted) else {}))
    git.write(body(steps={"one": live}, tags=[{"name": "a"}]))
    git.done()
    git.write(wanted)
    plan = git.plan()
    (action,) = plan.actions
    assert action.method is Method.CREATE_OR_UPDATE
    assert action.body == wanted
    git.server.clear_requests()
    git.done(plan)
    assert _sent(git) == action.body


@pytest.mark.parametrize("profile", [frozenset(), ALL_PROFILES_TOGETHER], ids=["documented", "all"])
def test_the_body_of_the_plan_is_what_is_sent(git: Git, profile: frozenset[str]) -> None:
    """What the plan says is sent for a create, a patch and a replacement is what the tenant receives."""
    git.server.profile = profile
    git.write(body("known", steps={"one": step(stepTimeout=1)}), "known.yaml")
    git.done()
    changed = rich("created", metadata={"allowConcurrentExecution": False})
    for manifest in (rich("created"), changed, {**changed, "watchers": []}):
        git.write(manifest, "created.yaml")
        git.server.clear_requests()
        plan = git.plan()
        (action,) = [action for action in plan.actions if action.name == "created"]
        git.done(plan)
        assert _without_mark(git.writes()[0].body) == _without_mark(action.body)


def _without_mark(sent: dict[str, Any]) -> tuple[dict[str, Any], SentDigests]:
    """Return a body without the tags with digests, and these digests, without the mark of a write."""
    own = OwnTags.of(sent.get("tags"))
    tags = [tag for tag in sent.get("tags") or [] if not is_digest_tag(tag)]
    return {**sent, "tags": tags}, own.digests


@pytest.mark.parametrize("profile", [frozenset(), ALL_PROFILES_TOGETHER], ids=["documented", "all"])
def test_the_webhook_url_never_changes(git: Git, profile: frozenset[str]) -> None:
    """Over updates of either method, also of the triggers themselves, the webhook keeps its UUID."""
    git.server.profile = profile
    git.write(HOOKED)
    git.done()
    before = git.webhooks("hooked")
    (uuid,) = before
    other_order: list[dict[str, Any]] = [{"cron": "0 7 * * *"}, {"webhook": True}]
    methods = []
    for manifest in (
        {**HOOKED, "steps": {"one": step("echo 1")}},
        {**HOOKED, "steps": {"one": step("echo 1", stepTimeout=1)}},
        {**HOOKED, "steps": {"one": step("echo 1")}},
        {**HOOKED, "triggers": other_order},
        {**HOOKED, "triggers": [{"webhook": True}]},
        {**HOOKED, "triggers": [{"webhook": True, "webhookPolicy": "preserve"}, {"cron": "1 1 * * *"}]},
        {**HOOKED, "tags": [{"name": "a"}]},
        HOOKED,
    ):
        git.write(manifest)
        action = git.action()
        methods.append(action.method)
        assert not any("webhook" in warning for warning in action.warnings)
        git.done()
        assert git.webhooks("hooked") == before, uuid
    assert {Method.PATCH, Method.CREATE_OR_UPDATE} == set(methods)


def test_generate_alone_is_no_difference(git: Git) -> None:
    """`webhookPolicy: generate` changes nothing as long as nothing else does: a URL is no field of Git's."""
    git.write(HOOKED)
    git.done()
    git.write({**HOOKED, "triggers": [{"webhook": True, "webhookPolicy": "generate"}, HOOKED["triggers"][1]]})
    git.is_clean()
    (action,) = git.plan().actions
    assert any("has no effect without another change" in note for note in action.notes)


def test_generate_rotates_with_a_warning(git: Git) -> None:
    """A manifest that asks to generate gets a new URL with its next update, and the plan warns of it."""
    generate = [{"webhook": True, "webhookPolicy": "generate"}, HOOKED["triggers"][1]]
    git.write({**HOOKED, "triggers": generate})
    plan = git.plan()
    assert plan.actions[0].warnings == (), "a create breaks nobody's URL"
    git.done(plan)
    (old,) = git.webhooks("hooked")
    git.write({**HOOKED, "triggers": generate, "steps": {"one": step("echo 1")}})
    action = git.action()
    assert paths(action) == [("steps", "one", "command")]
    assert any("webhookPolicy: generate gives the webhook a new URL" in text for text in action.warnings)
    git.done()
    (new,) = git.webhooks("hooked")
    assert new != old


def test_dropping_a_webhook_warns(git: Git) -> None:
    """A plan that removes a webhook says that its URL goes away, and apply removes it."""
    git.write(HOOKED)
    git.done()
    git.write({**HOOKED, "triggers": [HOOKED["triggers"][1]]})
    action = git.action()
    assert paths(action) == [("triggers", "webhook")]
    assert action.warnings == ("its webhook is removed; calls to its URL will fail",)
    assert action.method is Method.CREATE_OR_UPDATE
    git.done()
    assert git.webhooks("hooked") == ()


def test_an_update_keeps_each_of_several_webhooks(git: Git) -> None:
    """Webhooks compare as one, so no update removes one of several: a plan would not show that."""
    git.write({**HOOKED, "triggers": [{"webhook": True}, {"webhook": True}]})
    git.done()
    before = git.webhooks("hooked")
    for changed, method in (({"one": step("new")}, Method.PATCH), ({"two": step()}, Method.CREATE_OR_UPDATE)):
        git.write({**HOOKED, "triggers": [{"webhook": True}], "steps": changed})
        assert git.action().method is method
        git.done()
        assert git.webhooks("hooked") == before
    git.write({**HOOKED, "triggers": []})
    git.done()
    assert git.webhooks("hooked") == ()


def test_adding_a_webhook(git: Git) -> None:
    """A webhook added in Git is created, and from then on kept."""
    git.write({**HOOKED, "triggers": [HOOKED["triggers"][1]]})
    git.done()
    git.write(HOOKED)
    action = git.action()
    assert (paths(action), action.warnings) == ([("triggers", "webhook")], ())
    git.done()
    assert len(git.webhooks("hooked")) == 1


def test_a_webhook_that_the_server_rotates_all_the_same(git: Git, server: EmulatorServer) -> None:
    """A new URL in spite of `preserve` is noticed when reading back: the update has failed, in words."""
    git.write(HOOKED)
    git.done()
    replace = server.store.replace

    def rotating(workflow_id: int, sent: dict[str, Any], **options: Any) -> None:
        triggers = [
            {key: trigger[key] for key in trigger if key != "webhookPolicy"} for trigger in sent["triggers"]
        ]
        replace(workflow_id, {**sent, "triggers": triggers}, **options)

    server.store.replace = rotating  # type: ignore[method-assign]
    git.write({**HOOKED, "tags": [{"name": "a"}]})
    (result,) = git.apply().results
    assert result.status.value == "failed"
    assert "the webhook has a new URL, although the old one should have been kept" in result.error


def test_a_draft_is_filled(git: Git) -> None:
    """A live workflow without steps cannot be patched: it is replaced, and then in sync."""
    git.server.store.create({"name": "flow"})
    git.write(body())
    assert kinds(git.plan()) == {"flow": "update"}
    assert git.action().method is Method.CREATE_OR_UPDATE
    git.done()
