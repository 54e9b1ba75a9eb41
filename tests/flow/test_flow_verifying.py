"""Reading back: what did not become what was sent is named, with the line that leaves it to the platform."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from bent_bodies import BENDS, bend_bodies
from flow_helpers import RETRY, Git, body, kinds, rich, statuses, step

from reconciler.workflow import body as workflow_body
from reconciler.workflow.canonical_form import canonical

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.emulator.server import EmulatorServer


_BENDS = {
    **{name: BENDS[name] for name in BENDS if name != "watchers"},
    "step": (lambda sent: sent["steps"].update(audit=step("audit")), "steps.audit"),
}


def _ready_line(error: str) -> dict[str, Any]:
    """Return the settings that a failure offers, read from its very words."""
    match = re.search(r"reconcile: \{ignore: (\[.*\])\}", error)
    assert match, error
    return {"ignore": json.loads(match.group(1))}


@pytest.mark.parametrize(("bend", "field"), _BENDS.values(), ids=_BENDS)
def test_what_the_platform_changes_is_named(
    git: Git, server: EmulatorServer, bend: Callable[[dict[str, Any]], object], field: str
) -> None:
    """Without digests, a value that does not stick fails its workflow; the line that is offered ends it."""
    git.choose(remember=False)
    bend_bodies(server, bend)
    git.write(rich())
    (result,) = git.apply().results
    assert result.status.value == "failed"
    assert result.id == git.live("rich")
    assert f"it was written, but {field} reads back as" in result.error
    settings = _ready_line(result.error)
    assert settings == {"ignore": [field]}
    assert kinds(git.plan())["rich"] == "update", "it is not forgotten"
    git.write(rich(), **settings)
    assert kinds(git.plan())["rich"] == "unchanged"
    git.write(rich(tags=[{"name": "green"}] if field != "tags" else []), **settings)
    found = git.apply()
    assert set(statuses(found).values()) <= {"done"}


@pytest.mark.parametrize(("switch", "kept"), [("names-lower", "daily report"), ("names-cut=8", "Daily Re")])
def test_a_name_that_the_platform_spells_otherwise(
    git: Git, server: EmulatorServer, switch: str, kept: str
) -> None:
    """A create whose name is kept in another spelling fails, with the name to write, and is not repeated."""
    server.profile = frozenset({switch})
    git.write(body("Daily Report"))
    (result,) = git.apply().results
    assert (result.status.value, result.id) == ("failed", git.live(kept))
    assert f'write name: "{kept}"' in result.error
    assert "ignore" not in result.error
    assert f'write name: "{kept}"' in git.action().reason
    assert statuses(git.apply()) == {"Daily Report": "blocked"}
    git.write(body(kept))
    git.is_clean()


@pytest.mark.parametrize("switch", ["names-lower", "names-cut=8"])
def test_a_lost_create_under_another_spelling_is_not_repeated(
    git: Git, server: EmulatorServer, switch: str
) -> None:
    """A create whose answer is lost is not sent again where the list has its name in another spelling."""
    server.profile = frozenset({switch})
    server.faults = ("drop-after:x1@POST",)
    git.write(body("Daily Report"))
    (result,) = git.apply().results
    assert len(server.store.records()) == 1
    assert result.status.value == "failed"
    assert "write name: " in result.error


def test_both_values_are_shown(git: Git, server: EmulatorServer) -> None:
    """The failure says what was read and what was sent."""
    git.choose(remember=False)
    bend_bodies(server, lambda sent: sent["steps"]["one"].update(command="sh -c 'echo hi'"))
    git.write(body())
    (result,) = git.apply().results
    assert 'steps.one.command reads back as "sh -c \'echo hi\'", not "echo hi"' in result.error


def test_a_secret_that_does_not_stick_is_not_shown(git: Git, server: EmulatorServer) -> None:
    """Of a value from !env that does not stick, neither what was sent nor what came back is said."""
    git.choose(remember=False)
    bend_bodies(server, lambda sent: sent["steps"]["one"]["parameters"]["env"].update(KEY="canary-back"))
    git.env["KEY"] = "canary-sent"
    git.write("body:\n  name: flow\n  steps:\n    one:\n      parameters: {env: {KEY: !env KEY}}\n")
    (result,) = git.apply().results
    assert "steps.one.parameters.env.KEY reads back as" in result.error
    assert "canary" not in result.error


def test_many_fields(git: Git, server: EmulatorServer) -> None:
    """Of many fields the first ones are named and the rest is counted."""
    git.choose(remember=False)
    env = {f"V{number:02}": "1" for number in range(30)}
    bend_bodies(server, lambda sent: sent["steps"]["one"].update(parameters={"env": dict.fromkeys(env, "2")}))
    git.write(body(steps={"one": step(parameters={"env": env})}))
    (result,) = git.apply().results
    assert "and 20 more fields" in result.error


def test_a_platform_that_does_not_keep_hidden_fields_is_believed(git: Git, server: EmulatorServer) -> None:
    """A write-only field cannot be verified: its digest is kept, and it is no failure."""
    server.profile = frozenset({"retry-hidden", "metadata-hidden"})
    bend_bodies(server, lambda sent: (sent.pop("retryOptions", None), sent.pop("metadata", None)))
    git.write(body(retryOptions=RETRY, metadata={"allowConcurrentExecution": True}))
    git.done()


def test_an_update_is_verified_too(git: Git, server: EmulatorServer) -> None:
    """Also an update that does not stick has failed, and the next plan still shows it."""
    git.choose(remember=False)
    git.write(body())
    git.done()
    bend_bodies(server, lambda sent: sent["steps"]["one"].update(command="echo hi"))
    git.write(body(command="echo 2"))
    for _ in range(2):
        assert kinds(git.plan()) == {"flow": "update"}
        (result,) = git.apply().results
        assert (result.status.value, result.id) == ("failed", git.live())
        assert "steps.one.command" in result.error


def test_a_pause_that_does_not_stick(git: Git, server: EmulatorServer) -> None:
    """A pause that the platform answers and does not do has failed."""
    git.write(body())
    git.done()
    server.store.set_paused = lambda *_, **__: None  # type: ignore[method-assign]
    git.write(body(), paused=True)
    (result,) = git.apply().results
    assert result.status.value == "failed"
    assert result.error.startswith("it could not be paused; its triggers go on starting it")


def test_a_workflow_that_could_not_be_paused(git: Git, server: EmulatorServer) -> None:
    """A new workflow that could not be paused is reported as created and active, with the server's reason."""
    server.add_fault("500@POST/*/pause")
    git.write(body(), paused=True)
    (result,) = git.apply().results
    assert (result.status.value, result.id) == ("failed", git.live())
    assert result.error.startswith("it was created (id 1), but could not be verified: it could not be paused")
    assert "answered 500" in result.error


def test_a_workflow_that_would_differ_again_is_not_done(git: Git, server: EmulatorServer) -> None:
    """What reads back as sent, and what the next plan would write again, is a failure and not a success.

    Here the platform returns a field of one workflow, and not of another, and no digest may be kept.
    """
    shared = {"metadata": {"allowConcurrentExecution": True}}
    git.choose(remember=False)
    git.write(body("shows", **shared), "shows.yaml")
    git.done()
    bend_bodies(server, lambda sent: sent.pop("metadata") if sent["name"] == "hides" else None)
    git.write(body("hides", **shared), "hides.yaml")
    (result,) = git.apply().results
    assert statuses(git.apply())["hides"] == "failed"
    assert "another plan would change it again" in result.error


def test_what_a_write_costs(git: Git, server: EmulatorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A create takes four requests, and an update three; each answer gets one canonical form."""
    seen: list[dict[str, Any]] = []

    def counted(raw: dict[str, Any]) -> dict[str, Any]:
        seen.append(raw)
        return canonical(raw)

    monkeypatch.setattr(workflow_body, "canonical", counted)

    def cost() -> list[str]:
        plan = git.plan()
        server.clear_requests()
        assert set(statuses(git.apply(plan)).values()) == {"done"}
        return [
            f"{request.method} {'search' if 'searchTerm' in dict(request.query) else 'one'}"
            for request in server.requests
            if "/workflows/" in request.path
        ]

    git.write(rich())
    assert cost() == ["GET search", "POST one", "GET search", "GET one"]
    seen.clear()
    git.write(rich(tags=[{"name": "green"}]))
    assert cost() == ["GET one", "PUT one", "GET one"]
    assert len([raw for raw in seen if "id" in raw]) == 2, (
        "of the plan and of the read-back, not of the guard"
    )
