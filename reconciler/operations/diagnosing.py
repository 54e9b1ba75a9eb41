"""Diagnosis of a configuration, a connection and a tenant: what works, what does not, and what to do.

Sends no request but GET. What it returns holds no secret, and of workflows only ids, field names and counts.
"""

from __future__ import annotations

import os
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from reconciler.client import (
    TOKEN_VARIABLES,
    BaseHttpException,
    Catalogue,
    ForbiddenException,
    RequestRecord,
    Session,
    UnauthorizedException,
    Workflow,
)
from reconciler.concurrency import read_all
from reconciler.diagnosis import CheckState, Diagnosed, Diagnosis
from reconciler.errors import ReconcilerError
from reconciler.files import nearest_path
from reconciler.findings import Severity
from reconciler.operations.contract_check import check_contract, place_of
from reconciler.operations.engine import open_session
from reconciler.operations.listener import Listener
from reconciler.operations.settings import Settings
from reconciler.operations.validating import validate
from reconciler.plan import list_tenant
from reconciler.text import clip, counted, printable
from reconciler.timestamps import utc_now
from reconciler.values import JsonObject, as_list, as_object
from reconciler.workflow import Body, Listed, name_key

_LIST: Final = "workflows/api/v1/workflows/"
_DESCRIBED: Final = 20
"""How many workflows are described."""

_SKEW: Final = 60.0
_SLOW: Final = 1.0
_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_LISTED_FIELDS: Final = ("createdAt", "updatedAt", "status", "triggers", "tags")
_DESCRIBED_FIELDS: Final = ("id", "name", "steps", "triggers", "watchers", "tags", "updatedAt", "status")


@dataclass(slots=True)
class _Tenant:
    """What was read of the tenant."""

    session: Session
    records: list[RequestRecord]
    listed: tuple[Listed, ...] = ()
    described: list[JsonObject] = field(default_factory=list)

    @property
    def api(self) -> Workflow:
        return Workflow(self.session)


def diagnose(
    settings: Settings, listener: Listener | None = None, *, env: Mapping[str, str] = os.environ
) -> Diagnosis:
    """Return what works of a configuration, its manifests, the connection and the tenant.

    Never raises for what it finds: a check that fails ends those that need it.

    Args:
        settings: The manifests and the tenant.
        listener: Receives each request and the progress.
        env: Variables for `!env`, the address and the credential.
    """
    found = [_configuration(settings), *_attempt("manifests", lambda: _manifests(settings, env))]
    records: list[RequestRecord] = []
    try:
        with open_session(
            settings, env, purpose="doctor", listener=listener, observe=records.append
        ) as session:
            tenant = _Tenant(session.as_read_only(), records)
            found += _connection(tenant, settings, env, listener or Listener())
    except ReconcilerError as error:
        found.append(_failed("connection", error))
    return Diagnosis(checks=tuple(found))


def _attempt(name: str, check: Callable[[], Iterable[Diagnosed]]) -> list[Diagnosed]:
    """Return what a check finds; its error as a failed check."""
    try:
        return [*check()]
    except ReconcilerError as error:
        return [_failed(name, error)]


def _failed(name: str, error: ReconcilerError) -> Diagnosed:
    return Diagnosed(
        name=name, state=CheckState.BAD, text=printable(error.message), advice=printable(error.hint)
    )


def _configuration(settings: Settings) -> Diagnosed:
    given = settings.given
    file = given.config if given is not None else None
    if file is None:
        return Diagnosed(
            name="configuration",
            state=CheckState.NOTE,
            text="there is no reconciler.yaml",
            advice="peak-reconciler init writes one.",
        )
    chosen = settings.environment.name if settings.environment else None
    text = nearest_path(file) + (f", environment {chosen}" if chosen else "")
    warnings = "; ".join(settings.warnings)
    state = CheckState.WARNING if warnings else CheckState.GOOD
    return Diagnosed(name="configuration", state=state, text=printable(text), advice=printable(warnings))


def _manifests(settings: Settings, env: Mapping[str, str]) -> Iterator[Diagnosed]:
    if not settings.paths:
        yield Diagnosed(
            name="manifests",
            state=CheckState.NOTE,
            text="no manifests are named",
            advice="Name them in reconciler.yaml, or pass PATH.",
        )
        return
    result = validate(settings, env=env)
    errors, warnings = result.count(Severity.ERROR), result.count(Severity.WARNING)
    yield Diagnosed(
        name="manifests",
        state=CheckState.BAD if errors else CheckState.WARNING if warnings else CheckState.GOOD,
        text=f"{counted(result.manifests, 'valid manifest')} in {counted(result.files, 'file')}, "
        f"{counted(errors, 'error')}, {counted(warnings, 'warning')}",
        advice="peak-reconciler validate shows each." if errors or warnings else "",
    )


def _connection(
    tenant: _Tenant, settings: Settings, env: Mapping[str, str], listener: Listener
) -> Iterator[Diagnosed]:
    """Yield what is found of the connection; and of the tenant, where there is one."""
    yield _address(tenant.session, settings, env)
    try:
        headers = tenant.session.answer_headers(_LIST, {"pageSize": 1})
    except UnauthorizedException as error:
        yield Diagnosed(
            name="token",
            state=CheckState.BAD,
            text=printable(error.message),
            advice="API keys expire after three months: make a new one, and store it in place of this one.",
        )
        return
    except ForbiddenException as error:
        yield Diagnosed(
            name="token",
            state=CheckState.BAD,
            text=printable(error.message),
            advice="The token may not list workflows: use one of a user who may.",
        )
        return
    yield from _server(headers)
    yield from _rights(tenant, settings, env)
    yield from _attempt("list", lambda: _list(tenant, listener))
    yield from _attempt("workflows", lambda: _workflows(tenant, settings, listener))
    yield from _attempt("contract", lambda: [check_contract(tenant.session, tenant.records, tenant.listed)])
    yield _speed(tenant.records)


def _address(session: Session, settings: Settings, env: Mapping[str, str]) -> Diagnosed:
    variable = settings.environment.api_url_env if settings.environment else None
    source = variable or ("PEAK_API_URL" if env.get("PEAK_API_URL") else f"the stage {session.stage}")
    parts = urlsplit(session.base_url)
    host, encrypted = parts.hostname or "", parts.scheme == "https"
    proxy = "" if proxy_bypass(host) else getproxies().get(parts.scheme, "")
    bundle = next((name for name in _BUNDLES if env.get(name)), None)
    text = [f"{session.base_url}, from {source}"]
    if proxy:
        text.append(f"through the proxy {_without_credentials(proxy)}")
    if not encrypted:  # which a session only takes for loopback
        text.append("on this machine, so no encryption is needed")
    elif bundle:
        text.append(f"certificates of {bundle}")
    else:
        text.append("certificates of the installation")
    return Diagnosed(
        name="address",
        state=CheckState.GOOD,
        text=printable("; ".join(text)),
    )


def _without_credentials(url: str) -> str:
    """Return the scheme, host and port of a URL."""
    parts = urlsplit(url)
    port = ""
    with suppress(ValueError):
        port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}"


def _server(headers: Mapping[str, str]) -> Iterator[Diagnosed]:
    """Yield how far the clocks differ, and what the server says of its limits."""
    try:
        skew = (parsedate_to_datetime(headers["date"]) - utc_now()).total_seconds()
    except (KeyError, ValueError, TypeError):
        yield Diagnosed(name="clock", state=CheckState.NOTE, text="the server does not return its time")
    else:
        far = abs(skew) > _SKEW
        yield Diagnosed(
            name="clock",
            state=CheckState.WARNING if far else CheckState.GOOD,
            text=f"this machine differs from the server by {abs(skew):.0f} s",
            advice="Set this machine's clock: forecasts, locks and backups use it." if far else "",
        )
    limits = sorted(name for name in headers if "ratelimit" in name.replace("-", "") or name == "retry-after")
    if limits:
        shown = ", ".join(f"{name}: {clip(printable(headers[name]), 60)}" for name in limits)
        yield Diagnosed(name="limits", state=CheckState.NOTE, text=shown)


def _rights(tenant: _Tenant, settings: Settings, env: Mapping[str, str]) -> Iterator[Diagnosed]:
    """Yield what the token may read, found by reading it."""
    environment = settings.environment
    variable = environment.token_env if environment else None
    source = variable or next((name for name in TOKEN_VARIABLES if env.get(name)), "")
    catalogue = Catalogue(tenant.session)
    reads: dict[str, Callable[[], object]] = {
        "default resource": tenant.api.get_default_resource,
        "instance types": tenant.api.list_resources,
        "images": lambda: next(iter(catalogue.list_images()), None),
        "instance options": catalogue.list_instance_types,
        "tenant metadata": lambda: tenant.session.spoke_domain,
    }
    refused = {name: reason for name, read in reads.items() if (reason := _refusal(read))}
    allowed = ["workflows", *(name for name in reads if name not in refused)]
    yield Diagnosed(
        name="token",
        state=CheckState.GOOD,
        text=f"accepted, from {source}; may read {', '.join(allowed)}; reads do not show what it may write",
    )
    for name, reason in refused.items():
        yield Diagnosed(
            name=name,
            state=CheckState.WARNING,
            text=reason,
            advice="Names instead of ids, and checks with --online, need it."
            if name in {"images", "instance options"}
            else "",
        )


def _refusal(read: Callable[[], object]) -> str:
    """Return why something cannot be read; empty when it can."""
    try:
        read()
    except BaseHttpException as error:
        return f"refused with {error.status}"
    except ReconcilerError as error:
        return printable(error.message)
    return ""


def _list(tenant: _Tenant, listener: Listener) -> Iterator[Diagnosed]:
    """Yield how the list behaves: its size, its pages, what an entry has, and names that are alike."""
    page = tenant.api.list_workflows(page_size=1, page_number=1, return_iterator=False)
    tenant.listed = list_tenant(tenant.api, on_progress=listener.working)
    total, pages, number = page.get("workflowsCount"), page.get("pageCount"), len(tenant.listed)
    remarks = []
    if total is None:
        remarks.append("it does not say how many there are")
    if isinstance(pages, int) and pages < number:
        remarks.append(f"its pageCount is {pages} for {number} pages of one")
    if len(as_list(page["workflows"])) > 1:
        remarks.append("it ignores pageSize")
    items = [as_object(item) for item in as_list(page["workflows"])]
    missing = [name for name in _LISTED_FIELDS if any(name not in item for item in items)]
    if missing:
        remarks.append(f"an entry has no {', '.join(missing)}")
    yield Diagnosed(
        name="list",
        state=CheckState.NOTE if remarks else CheckState.GOOD,
        text="; ".join([counted(number, "workflow"), *remarks]),
        advice="The commands work either way." if remarks else "",
    )
    names = Counter(name_key(item.name) for item in tenant.listed)
    twins = [item.id for item in tenant.listed if names[name_key(item.name)] > 1]
    if twins:
        yield Diagnosed(
            name="names",
            state=CheckState.WARNING,
            text=f"{counted(len(twins), 'workflow')} share a name, or nearly: ids {_some(twins)}",
            advice="A manifest for such a name is blocked: rename or delete the others.",
        )


def _workflows(tenant: _Tenant, settings: Settings, listener: Listener) -> Iterator[Diagnosed]:
    """Yield what the answers about some workflows have: their fields, and the forms of schedules."""
    step = max(1, len(tenant.listed) // _DESCRIBED)
    ids = [item.id for item in tenant.listed[::step]][:_DESCRIBED]
    if not ids:
        yield Diagnosed(name="workflows", state=CheckState.NOTE, text="there are none to look at")
        return

    def read(workflow: int) -> JsonObject | None:
        try:
            return tenant.api.describe_workflow(workflow)
        except BaseHttpException:
            return None

    def progress(done: int, total: int) -> None:
        listener.working("reading workflows", done, total)

    answers = read_all(read, ids, settings.concurrency, progress)
    views = [view for view in answers.values() if view is not None]
    refused = [workflow for workflow, view in answers.items() if view is None]
    missing = Counter(name for view in views for name in _DESCRIBED_FIELDS if name not in view)
    unknown = Counter(place_of(path) for view in views for path in Body(view).undocumented)
    remarks = [f"{name} is absent in {count}" for name, count in missing.items()]
    remarks += [f"{place} is undocumented, in {count}" for place, count in unknown.most_common(10)]
    if len(unknown) > 10:  # noqa: PLR2004 - as many as are named
        remarks.append(f"{len(unknown) - 10} more undocumented fields")
    yield Diagnosed(
        name="workflows",
        state=CheckState.NOTE if remarks else CheckState.GOOD,
        text="; ".join([f"{counted(len(views), 'workflow')} described", *remarks]),
        advice="An apply keeps undocumented fields. peak-reconciler probe shows more." if remarks else "",
    )
    if refused:
        yield Diagnosed(
            name="describe",
            state=CheckState.WARNING,
            text=f"the platform does not describe {counted(len(refused), 'workflow')}: ids {_some(refused)}",
            advice="Manifests for them are blocked, others are not.",
        )
    yield from _schedules(views)


def _schedules(views: Iterable[JsonObject]) -> Iterator[Diagnosed]:
    triggers = [as_object(item) for view in views for item in as_list(view.get("triggers"))]
    crons = [item for item in triggers if isinstance(item.get("cron"), str)]
    if not crons:
        return
    forms = Counter(len(str(item["cron"]).split()) for item in crons)
    shown = ", ".join(f"{count} with {fields} fields" for fields, count in sorted(forms.items()))
    without = sum(not item.get("scheduled") for item in crons)
    yield Diagnosed(
        name="schedules",
        state=CheckState.NOTE if without else CheckState.GOOD,
        text=f"{counted(len(crons), 'schedule')}: {shown}"
        + (f"; {without} without the next start" if without else "; each with its next start"),
        advice="peak-reconciler forecast says which time zone it assumes." if without else "",
    )


def _speed(records: Iterable[RequestRecord]) -> Diagnosed:
    """Return how long the answers took."""
    kept = list(records)
    times = [record.seconds for record in kept if record.outcome == "ok"]
    throttled = sum(record.status == 429 for record in kept)  # noqa: PLR2004 - Too Many Requests
    middle = statistics.median(times) if times else 0.0
    slow = middle > _SLOW or throttled > 0
    longest = max(times, default=0.0)
    text = f"{counted(len(kept), 'request')}: median {middle * 1000:.0f} ms, longest {longest * 1000:.0f} ms"
    return Diagnosed(
        name="speed",
        state=CheckState.WARNING if slow else CheckState.GOOD,
        text=text + (f"; {throttled} answered with 429" if throttled else ""),
        advice="Set limits: max_requests_per_second, or a lower concurrency." if throttled else "",
    )


def _some(ids: list[int]) -> str:
    shown = ", ".join(map(str, ids[:_DESCRIBED]))
    return shown if len(ids) <= _DESCRIBED else f"{shown} and {len(ids) - _DESCRIBED} more"
