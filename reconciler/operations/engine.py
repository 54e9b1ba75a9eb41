"""Engine of an operation: checked manifests, an open session, and the compare options."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from reconciler import client
from reconciler.client import (
    MissingEnvironmentVariableException,
    NotFoundException,
    NotSentError,
    Observer,
    RequestRecord,
    RetryPolicy,
)
from reconciler.concurrency import OnProgress, no_progress
from reconciler.configuration import Environment
from reconciler.errors import InvalidInputError, ReconcilerError
from reconciler.manifests import LoadResult, Manifest, required_variables
from reconciler.operations.listener import Listener
from reconciler.operations.name_resolution import open_catalogue, resolve_names
from reconciler.operations.read_cache_file import ReadCacheFile
from reconciler.operations.settings import Settings
from reconciler.plan import (
    CompareOptions,
    Expectations,
    Plan,
    ReadCache,
    Scope,
    Selection,
    Snapshot,
    TenantReads,
    contradiction_note,
    known_secrets,
    make_plan,
    take_snapshot,
    without_unset_fields,
)
from reconciler.render import summary_line
from reconciler.rules import load_checked
from reconciler.secrecy import Redactor
from reconciler.text import first_few, printable

if TYPE_CHECKING:
    from reconciler.apply import Applier
    from reconciler.backup import BackupWriter
    from reconciler.client import Session
    from reconciler.portable import CatalogueReading
    from reconciler.tenant_profile import TenantProfile

REMEMBER_KEY_VARIABLE: Final = "RECONCILER_REMEMBER_KEY"
"""The variable with the key of the digests of sent values."""

_MANY: Final = 200
"""The number of files from which the tenant is read while they are loaded."""

_MOST_FINDINGS: Final = 50
"""The number of findings in manifests that a run with a tenant reports; `validate` reports all."""

_PUBLIC_KEY: Final = "peak-reconciler"
_NOTHING_TO_RESEND: Final = (
    "note: --resend-secrets has no write-only field to send: the tenant returns each that the manifests state"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Engine:
    """A tenant and the manifests for it.

    Args:
        manifests: The loaded manifests.
        session: The connection to the tenant.
        options: How all workflows of the run are compared.
        redactor: Removes the token and values that came through `!env`.
        settings: The limits for requests, and where backups go.
        catalogue: The images and instance types of the tenant, each read once.
        listener: Receives a finding for each name that the tenant does not know.
        on_progress: Called with how far the tenant is read.
        profile: What is known of the tenant from a probe; `None` for nothing.
        reads: The reads of the first plan, which may have begun while manifests were loaded.
        cache: The file of the read cache, for a run that writes nothing.
        policy: The clock of an apply, and how long it retries and waits.
    """

    manifests: LoadResult
    session: Session
    options: CompareOptions
    redactor: Redactor
    settings: Settings
    catalogue: CatalogueReading
    listener: Listener = field(default_factory=Listener)
    on_progress: OnProgress = no_progress
    profile: TenantProfile | None = field(default=None, repr=False)
    reads: TenantReads | None = field(default=None, repr=False)
    cache: ReadCacheFile | None = field(default=None, repr=False)
    policy: RetryPolicy = field(default_factory=RetryPolicy, repr=False)

    def plan(self, scope: Scope | None = None) -> Plan:
        """Return the plan. Every request but GET is refused meanwhile.

        Args:
            scope: The part of the workflows to plan, and its limits.

        Raises:
            ReconcilerError: Something that the plan needs cannot be read.
        """
        return self._plan(scope, forgets=True)[0]

    def plan_with_snapshot(self, scope: Scope | None = None) -> tuple[Plan, Snapshot]:
        """Return the plan, and what was read of the tenant for it; takes and raises what `plan` does."""
        return self._plan(scope, forgets=False)

    def _plan(self, scope: Scope | None, *, forgets: bool) -> tuple[Plan, Snapshot]:
        scope = (scope or Scope())._replace(left_out=self.manifests.left_out)
        snapshot = self.snapshot(scope, forgets=forgets)
        plan = self._with_profile(make_plan(snapshot, self.options, scope))
        if self.options.resend and not plan.writes:
            self.listener.note(_NOTHING_TO_RESEND)
        known = None if self.reads is None else self.reads.cache
        if known is not None and self.cache is not None:
            known.learn(plan.actions, snapshot, self.options)
            self.cache.write(known)
        if not plan.writes:
            return plan, snapshot
        from reconciler.plan import changed_ids, with_names  # noqa: PLC0415 - of changes only

        return with_names(plan, self.catalogue.facts_for_ids(changed_ids(plan))), snapshot

    @property
    def expected(self) -> Expectations:
        """What the profile of the tenant says."""
        return _expected(self.profile)

    def _with_profile(self, plan: Plan) -> Plan:
        """Return a plan with what the profile of the tenant says of its changes."""
        if self.profile is None:
            return plan
        from reconciler.operations.profile_check import with_profile_notes  # noqa: PLC0415 - most have none

        if plan.facts.contradictions:
            self.listener.warning(contradiction_note(plan.facts.contradictions))
        return with_profile_notes(plan, self.profile)

    def snapshot(self, scope: Scope | None = None, *, forgets: bool = False) -> Snapshot:
        """Return what a plan reads from the tenant. Every request but GET is refused meanwhile.

        Args:
            scope: The part of the workflows to read.
            forgets: As `take_snapshot` takes it.

        Raises:
            InvalidInputError: The scope prunes and a manifest file is empty: its workflow would be deleted;
                or a manifest names an image or an instance type that the tenant does not have.
            ReconcilerError: Something that the plan needs cannot be read.
        """
        if scope is not None and scope.prune and self.manifests.empty:
            raise InvalidInputError(
                f"{self.manifests.empty[0]} is an empty file; pruning would delete the workflow it described",
                hint="Restore its content, or remove the file.",
            )
        selection = scope.selection if scope is not None else Selection()
        resolved = resolve_names(
            self.manifests.manifests,
            self.catalogue,
            partial(_is_needed, selection=selection),
            allow_latest=self.settings.allow_latest,
            redactor=self.redactor,
            listener=self.listener,
        )
        reads = self.reads or reads_of(self.session, self.settings)
        snapshot = take_snapshot(
            reads,
            resolved.manifests,
            self.options,
            scope,
            self.on_progress,
            expected=self.expected,
            forgets=forgets,
        )
        return dataclasses.replace(snapshot, notes=resolved.notes)

    def applier(self, timing: RetryPolicy | None = None, backups: BackupWriter | None = None) -> Applier:
        """Return the applier of a plan.

        Args:
            timing: How often and how long to retry and wait.
            backups: Store for what is overwritten or deleted; `None` keeps nothing.
        """
        from reconciler.apply import Applier  # noqa: PLC0415 - a plan loads nothing that writes

        writer = client.Workflow(self.session)
        counted = (timing or RetryPolicy())._replace(on_retry=self.session.count_retry)
        return Applier(writer, self.options, counted.settling_for(self.expected.lag), backups)


@contextmanager
def open_engine(  # noqa: PLR0913 - most by name
    settings: Settings,
    env: Mapping[str, str] = os.environ,
    *,
    purpose: str = "",
    selection: Selection | None = None,
    allow_protected: Iterable[str] = (),
    listener: Listener | None = None,
    observe: Observer | None = None,
    cached: bool = False,
    refresh: bool = False,
    looks: bool = False,
) -> Iterator[Engine]:
    """Load and check the manifests, then open a session; close it at the end.

    Args:
        settings: The manifests, the tenant and how the two are compared.
        env: Variables for `!env`, the address and the credential.
        purpose: Name of the operation, for the tenant's own logs.
        selection: The workflows of the run: only their manifests need the variables that they name.
        allow_protected: Names of protected workflows that may lose their protection or be pruned.
        listener: Receives each finding, each request and the engine.
        observe: Called with the record of each request.
        cached: Whether the plan may rely on what earlier plans read, because nothing is written.
        refresh: Whether it reads all workflows again nevertheless.
        looks: As `load_valid` takes it.

    Raises:
        UsageError: Environments are defined, and none is chosen.
        InvalidInputError: A manifest is invalid, or there is no usable token.
    """
    listener = listener or Listener()
    settings.require_environment()
    profile = settings.tenant_profile()
    settings = _within_limits(settings, profile)
    connect = partial(open_session, settings, env, purpose=purpose, listener=listener, observe=observe)
    cache_file: ReadCacheFile | None = None

    def reads_with_cache(session: Session) -> TenantReads:
        nonlocal cache_file
        cache_file = ReadCacheFile(session.derived_key(), env) if cached else None
        return reads_of(session, settings, None if cache_file is None else cache_file.read(refresh=refresh))

    with ExitStack() as stack:
        is_needed = partial(_is_needed, selection=selection or Selection())
        compare_options = compare_options_of(settings, env, allow_protected)
        begin = partial(TenantReads.begin, options=compare_options, expected=_expected(profile))
        early = _EarlyReads(stack, connect, reads_with_cache, begin, is_needed)
        reading = settings.reading._replace(digests=True)
        manifests = settings._replace(reading=reading)
        loaded = load_valid(manifests, env, listener, selection, early, looks=looks)
        session = early.session or stack.enter_context(connect())
        session.hide(known_secrets(loaded.manifests, loaded.secrets))
        engine = Engine(
            manifests=loaded,
            session=session,
            options=compare_options,
            redactor=Redactor.of(loaded.secrets).joined(session.redactor()),
            settings=settings,
            catalogue=open_catalogue(session, settings.concurrency),
            listener=listener,
            on_progress=listener.working,
            profile=profile,
            reads=early.reads or (reads_with_cache(session) if cached else None),
            cache=cache_file,
        )
        listener.opened(engine)
        yield engine


def _expected(profile: TenantProfile | None) -> Expectations:
    return Expectations() if profile is None else Expectations.of(profile)


def _within_limits(settings: Settings, profile: TenantProfile | None) -> Settings:
    """Return settings that send no more requests a second than a tenant is known to accept."""
    known = None if profile is None else profile.requests_per_second
    if known is None:
        return settings
    return settings._replace(max_requests_per_second=min(known, settings.max_requests_per_second or known))


def reads_of(session: Session, settings: Settings, known: ReadCache | None = None) -> TenantReads:
    """Return the reads of a plan, none of which has begun. Every request but GET is refused.

    Args:
        session: The connection to the tenant.
        settings: How much is read at a time, and what other shards have read.
        known: What earlier plans know; `None` for nothing.
    """
    api = client.Workflow(session.as_read_only())
    return TenantReads(api, settings.concurrency, settings.shared.listed, known, session.server_time)


class _EarlyReads:
    """The reads of a tenant that begin while many manifests are loaded; none where they are few.

    Args:
        stack: Ends the reads, and closes the session.
        connect: Opens the session.
        reads_of: Returns the reads through a session, none of which has begun.
        begin: Begins them.
        is_needed: Returns whether the run is about a manifest.

    Attributes:
        session: The session, once it is open.
        reads: The reads, once they began.
    """

    def __init__(
        self,
        stack: ExitStack,
        connect: Callable[[], AbstractContextManager[Session]],
        reads_of: Callable[[Session], TenantReads],
        begin: Callable[[TenantReads], None],
        is_needed: Callable[[Manifest], bool],
    ) -> None:
        self.session: Session | None = None
        self.reads: TenantReads | None = None
        self._stack = stack
        self._connect = connect
        self._reads_of = reads_of
        self._begin = begin
        self._is_needed = is_needed
        self._tried = False

    def loading(self, total: int) -> None:
        """Begin to read, if there are many files and the session can be opened."""
        if self._tried or total < _MANY:
            return
        self._tried = True
        with suppress(ReconcilerError):  # it is raised once all manifests are known to be valid
            self.session = self._stack.enter_context(self._connect())
            self.reads = self._reads_of(self.session)
            self._stack.callback(self.reads.end)
            self._begin(self.reads)

    def expect(self, manifest: Manifest) -> None:
        """Begin to read the workflow of a manifest."""
        if self.reads is not None and self._is_needed(manifest):
            self.reads.expect(manifest)


def load_valid(  # noqa: PLR0913 - the last by name
    settings: Settings,
    env: Mapping[str, str],
    listener: Listener,
    selection: Selection | None = None,
    early: _EarlyReads | None = None,
    *,
    names_only: bool = False,
    looks: bool = False,
) -> LoadResult:
    """Return the manifests, after checking them.

    Args:
        settings: The manifests.
        env: Variables for `!env`.
        listener: Receives each finding.
        selection: The workflows of the run: only their manifests need the variables that they name.
        early: Receives the number of files, and each manifest as soon as it is parsed.
        names_only: Whether the run is about no more of a manifest than its name: only that needs variables.
        looks: Whether the run only shows the tenant: it goes on without variables, and ignores their fields.

    Raises:
        InvalidInputError: A manifest is invalid, or a variable that the run needs is not set.
    """

    def working(what: str, done: int, total: int) -> None:
        if early is not None:
            early.loading(total)
        listener.working(what, done, total)

    is_selected = partial(_is_needed, selection=selection or Selection())
    needs = _lacks_name if names_only or looks else is_selected
    loaded = load_checked(
        settings.paths,
        env,
        settings.reading,
        off=settings.off,
        on_progress=working,
        on_manifest=_nobody if early is None else early.expect,
        needs=needs,
    )
    redactor = Redactor.of(loaded.secrets)
    for finding in loaded.findings[:_MOST_FINDINGS]:
        listener.finding(finding, redactor)
    more: Counter[str] = Counter()
    for finding in loaded.findings[_MOST_FINDINGS:]:
        more[finding.rule] += finding.number
    if more:
        rules = first_few(f"{rule}: {number}" for rule, number in more.most_common())
        listener.note(f"findings that are not shown: {more.total()} ({rules}); run validate to see them")
    if not loaded.valid:
        done = "nothing was sent" if early is None or early.session is None else "nothing was changed"
        unset = required_variables(loaded, needs)
        if unset:
            raise InvalidInputError(f"{_not_set(unset)}; {done}", hint=_hint(loaded.manifests))
        raise InvalidInputError(f"the manifests are invalid: {summary_line(loaded.checked)}; {done}")
    return _without_unset(loaded, is_selected, listener) if looks else loaded


def _not_set(names: Collection[str]) -> str:
    """Return that variables are not set, with their names."""
    many = "1 variable is" if len(names) == 1 else f"{len(names)} variables are"
    return f"{many} not set: {first_few(map(printable, names))}"


def _hint(manifests: Iterable[Manifest]) -> str:
    """Return what to do about a variable that is not set."""
    if any(map(_lacks_name, manifests)):
        return "Set it: the name of a workflow comes from it."
    return "Set it, or leave out the workflows that need it, with --target or --exclude."


def _without_unset(
    loaded: LoadResult, is_selected: Callable[[Manifest], bool], listener: Listener
) -> LoadResult:
    """Return `loaded` where a field that needs a variable that is not set is ignored, after a warning."""
    unset = {
        tag.name
        for manifest in loaded.manifests
        if is_selected(manifest)
        for tag in manifest.source.document.unset.values()
    }
    if not unset:
        return loaded
    listener.warning(
        f"{_not_set(sorted(unset))}; fields that need {'it' if len(unset) == 1 else 'them'} are not compared"
    )
    return dataclasses.replace(loaded, manifests=tuple(map(without_unset_fields, loaded.manifests)))


def _nobody(_manifest: Manifest) -> None:
    """Take a manifest, for nobody."""


def _is_needed(manifest: Manifest, selection: Selection) -> bool:
    """Return whether a run needs the variables of `manifest`; one without a name may be any."""
    return _lacks_name(manifest) or selection.may_take(manifest.name)


def _lacks_name(manifest: Manifest) -> bool:
    """Return whether the name of `manifest` comes from a variable that is not set."""
    return ("name",) in manifest.source.unset


def compare_options_of(
    settings: Settings, env: Mapping[str, str], allow_protected: Iterable[str] = ()
) -> CompareOptions:
    """Return how all workflows of a run are compared.

    Args:
        settings: The settings.
        env: Variables, for the key of the digests of sent values.
        allow_protected: Names of protected workflows that may lose their protection or be pruned.
    """
    key = env.get(REMEMBER_KEY_VARIABLE) or _PUBLIC_KEY
    return CompareOptions(
        key=key.encode(),
        remember=settings.remember,
        resend=settings.resend_secrets,
        owner=None if settings.owner is None else settings.owner.casefold(),
        allow_protected=frozenset(allow_protected),
    )


@contextmanager
def open_session(  # noqa: PLR0913 - the last three by name
    settings: Settings,
    env: Mapping[str, str] = os.environ,
    secrets: Iterable[str] = (),
    *,
    purpose: str = "",
    listener: Listener | None = None,
    observe: Observer | None = None,
) -> Iterator[Session]:
    """Open a session with the tenant that the settings choose; close it at the end.

    Args:
        settings: The tenant, and the limits for requests.
        env: Variables for the address and the credential.
        secrets: Texts to remove from errors of the server that quote them.
        purpose: Name of the operation, for the tenant's own logs.
        listener: Receives each request.
        observe: Called with the record of each request.

    Raises:
        UsageError: Environments are defined, and none is chosen.
        InvalidInputError: There is no usable token or address.
    """
    settings.require_environment()
    stage = settings.environment.stage if settings.environment else None

    def watch(record: RequestRecord) -> None:
        if listener is not None:
            listener.request(record, session.redactor_of_messages())
        if observe is not None:
            observe(record)

    with client.Session(
        _token(settings, env),
        stage,
        base_url=_address(settings, env),
        env=env,
        secrets=secrets,
        pool_size=settings.concurrency,
        max_requests_per_second=settings.max_requests_per_second,
        reserve=settings.shared.reserve,
        retry=RetryPolicy(retry_for=settings.retry_for),
        observe=watch,
        purpose=purpose,
    ) as session:
        try:
            yield session
        except (NotSentError, NotFoundException) as error:
            source = settings.environment.api_url_env if settings.environment else None
            where = f"The address is {session.base_url}, from {source or 'PEAK_API_URL or the stage'}."
            error.hint = error.hint or where
            raise


def _token(settings: Settings, env: Mapping[str, str]) -> str | None:
    """Return the token of the environment; `None` leaves it to the usual variables."""
    environment = settings.environment
    if environment is None or environment.token_env is None:
        return None
    return _value_of(environment.token_env, environment, "token", env)


def _address(settings: Settings, env: Mapping[str, str]) -> str | None:
    """Return the address of the environment; `None` leaves it to the usual variables."""
    environment = settings.environment
    if environment is None or environment.api_url_env is None:
        return None
    _value_of(environment.api_url_env, environment, "address", env)
    return client.read_base_url(None, env, environment.api_url_env)


def tenant_of(settings: Settings, env: Mapping[str, str]) -> tuple[str, str]:
    """Return the base URL and the stage of the tenant that `open_session` connects to; needs no credential.

    Raises:
        InvalidInputError: There is no usable stage or address.
    """
    stage = client.read_stage(settings.environment.stage if settings.environment else None, env)
    return _address(settings, env) or client.read_base_url(None, env) or client.stage_url(stage), stage


def _value_of(variable: str, environment: Environment, what: str, env: Mapping[str, str]) -> str:
    """Return the value of the variable that an environment names.

    Raises:
        MissingEnvironmentVariableException: It is not set, or empty.
    """
    value = env.get(variable)
    if not value:
        raise MissingEnvironmentVariableException(
            f"the environment {printable(environment.name)!r} takes its {what} from {variable}, "
            "and that variable is not set"
        )
    return value
