"""Probing a tenant: what it does where the documentation is silent, as a profile that can be compared."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.client import Catalogue, RequestRecord, Session, Workflow
from reconciler.errors import BlockedError, ReconcilerError, UsageError
from reconciler.operations.engine import open_session
from reconciler.operations.listener import Listener
from reconciler.operations.settings import Settings
from reconciler.probing import (
    DEFAULT_PREFIX,
    Experiment,
    Ids,
    Inference,
    Observations,
    delete_each,
    infer,
    new_name,
    shown_by_existing,
    under_prefix,
)
from reconciler.render import some_names
from reconciler.tenant_profile import PROFILE_FILE, RATE_LIMIT, Behaviour, Probed, TenantProfile, read_profile
from reconciler.text import printable
from reconciler.timestamps import parse_timestamp, utc_now
from reconciler.values import as_object

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX: Final = re.compile(r"[a-z0-9][a-z0-9-]{2,30}")
_ABOUT_WRITES: Final = 55
"""How many writes a probe makes, for its progress."""

_RATES: Final = (1, 2, 5, 10, 20, 50, 100)
"""The rates that a profile names, in requests a second: a measurement says no more."""

_LAG: Final = 2.0
"""The seconds after which a workflow that was just made should be listed, where that was not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeOptions:
    """How to probe.

    Args:
        prefix: How the names of the probe's workflows begin.
        clean: Only delete what an earlier probe left.
        file: The profile to compare with; written when there is none.
        update: Write the profile, though there is one.
    """

    prefix: str = DEFAULT_PREFIX
    clean: bool = False
    file: Path = PROFILE_FILE
    update: bool = False


class _RealClock:
    """The time of this machine."""

    def now(self) -> float:
        """Return the seconds since some moment."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def probe(
    settings: Settings,
    options: ProbeOptions | None = None,
    listener: Listener | None = None,
    *,
    env: Mapping[str, str] = os.environ,
) -> Probed:
    """Find out what a tenant does where the API's documentation leaves it open.

    Makes up to three workflows whose names begin with a prefix, without triggers and never started, and
    deletes them by id. First deletes what an earlier probe of that prefix left behind.

    Args:
        settings: The tenant.
        options: How to probe.
        listener: Receives the progress, and is asked before anything is written.
        env: Variables for the address and the credential.

    Returns:
        The profile, and how it differs from the one in the file.

    Raises:
        UsageError: The environment is protected and not named, or the prefix is unsuitable.
        BlockedError: Other workflows have names that begin with the prefix, or nobody agreed.
        InvalidInputError: The file is not a profile.
        ReconcilerError: The tenant cannot be read or written; what was made is deleted where possible.
    """
    options, listener = options or ProbeOptions(), listener or Listener()
    settings.require_named_environment()
    if not _PREFIX.fullmatch(options.prefix):
        raise UsageError(
            f"invalid prefix {printable(options.prefix)!r}: use 3 to 31 lower-case letters, digits or hyphens"
        )
    before = read_profile(options.file) if not options.clean and options.file.exists() else None
    requests: list[RequestRecord] = []
    start = time.monotonic()
    with open_session(settings, env, purpose="probe", listener=listener, observe=requests.append) as session:
        api = Workflow(session)
        there = under_prefix(api, options.prefix)
        if options.clean:
            return Probed(profile=None, cleaned=delete_each(api, there.left), requests=len(requests))
        if there.others:
            raise BlockedError(
                f"names that begin with {options.prefix} are taken, by workflows that no probe made: "
                f"{some_names([item.name for item in there.others])}",
                hint="Choose another --prefix.",
            )
        question = (
            f"Make up to three workflows named {options.prefix}-… in {session.base_url}, without triggers "
            "and never started, and delete them?"
        )
        if not listener.confirm(question):
            raise BlockedError("not approved; nothing was written")
        moment = session.server_time()
        now = utc_now() if moment is None else datetime.fromtimestamp(moment, tz=timezone.utc)
        existing = shown_by_existing(there.listed, now)
        cleaned = delete_each(api, there.left)
        observations = _experiment(api, session, options, listener)
        spoke = session.spoke_domain is not None
    listener.working("comparing with known behaviours", 0, 0)
    profile = _profile(
        infer(observations.seen, observations.ids, observations.name, spoke=spoke, existing=existing),
        {**_measured(observations.seen), **_rate_limit(requests)},
    )
    changes = () if before is None else tuple(profile.differences(before))
    written = before is None or options.update
    if written:
        profile.write(options.file)
    return Probed(
        profile=profile,
        changes=changes,
        file=options.file,
        written=written,
        cleaned=cleaned,
        requests=len(requests),
        seconds=time.monotonic() - start,
    )


@dataclass(frozen=True, slots=True)
class _Experimented:
    """What an experiment showed, the ids that it used, and how the names of its workflows began."""

    seen: Observations
    ids: Ids
    name: str


def _experiment(api: Workflow, session: Session, options: ProbeOptions, listener: Listener) -> _Experimented:
    """Run the experiment; whatever happens, delete what it made."""
    ids = _ids_of(api, session)
    name = new_name(options.prefix)

    def asking(number: int) -> None:
        listener.working("probing", number, max(number, _ABOUT_WRITES))

    with _swept(api, options.prefix, name):
        return _Experimented(Experiment(api, _RealClock(), name, ids, asking).run(), ids, name)


@contextmanager
def _swept(api: Workflow, prefix: str, name: str) -> Iterator[None]:
    """Delete what is there under a name after an error, once the list has had time to show it."""
    try:
        yield
    except BaseException:
        time.sleep(_LAG)
        left = under_prefix(api, prefix).left
        delete_each(api, (item for item in left if item.name.casefold().startswith(name)))
        raise


def _ids_of(api: Workflow, session: Session) -> Ids:
    """Return ids that the tenant has; made up where it does not list any."""
    image, version = 1, 1
    for item in Catalogue(session).list_images():
        latest = as_object(item.get("latestVersion")).get("id")
        if isinstance(latest, int):
            image, version = int(str(item["id"])), latest
            break
    try:
        instance = api.get_default_resource().get("instanceTypeId")
    except ReconcilerError:
        instance = None
    return Ids(image=image, version=version, instance_type=instance if isinstance(instance, int) else 1)


def _profile(inference: Inference, measured: dict[str, str]) -> TenantProfile:
    conclusions = inference.conclusions
    return TenantProfile(
        found={
            name: Behaviour(values=item.values, evidence=item.evidence)
            for name, item in conclusions.items()
            if item.found
        },
        not_found=tuple(name for name, item in conclusions.items() if item.found is False),
        unknown={name: item.evidence for name, item in conclusions.items() if item.found is None},
        measured=measured,
        unexplained=inference.unexplained,
    )


def _measured(seen: Observations) -> dict[str, str]:
    """Return what was measured besides behaviours."""
    facts = {f"{action} of a workflow": result for action, result in sorted(seen.actions.items())}
    facts["time of the last update"] = _resolution(seen.updated)
    return facts


def _rate_limit(requests: Sequence[RequestRecord]) -> dict[str, str]:
    """Return how many requests a second the tenant accepted, if it refused some for now."""
    if all(record.status != HTTPStatus.TOO_MANY_REQUESTS for record in requests):
        return {}
    accepted = sum(record.outcome == "ok" for record in requests)
    seconds = max(1.0, requests[-1].started - requests[0].started)
    rate = max((step for step in _RATES if step <= accepted / seconds), default=_RATES[0])
    return {RATE_LIMIT: f"about {rate} a second"}


def _resolution(updated: list[str]) -> str:
    """Return how exact `updatedAt` is, as far as some updates show."""
    try:
        moments = [parse_timestamp(text) for text in updated]
    except (ValueError, OverflowError):
        return "not a timestamp"
    if not moments:
        return "not returned"
    if len(set(moments)) == 1 and len(moments) > 1:
        return "does not change with an update"
    return "in milliseconds" if any(moment.microsecond for moment in moments) else "in seconds"
