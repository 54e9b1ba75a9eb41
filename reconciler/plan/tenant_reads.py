"""Reads of a tenant's workflows and default resource; those of a plan may begin before they are needed.

Loading manifests takes processor time and reading a tenant takes network time: a large run does both at once,
and decides about each workflow as soon as it is read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

from reconciler.api import TenantReader
from reconciler.client import BaseHttpException
from reconciler.concurrency import (
    CONCURRENCY,
    Once,
    OnProgress,
    in_background,
    no_progress,
    read_all,
    threads_for,
)
from reconciler.errors import ReconcilerError, UnexpectedAnswerError
from reconciler.manifests import Manifest, PatchManifest
from reconciler.plan.compare_options import CompareOptions
from reconciler.plan.early_decisions import EarlyDecisions, ReadWorkflow
from reconciler.plan.expectations import Expectations
from reconciler.plan.listing import Listing, list_tenant
from reconciler.plan.matching import Found, Match
from reconciler.plan.platform_facts import DefaultResource
from reconciler.plan.read_cache import ReadCache
from reconciler.workflow import Listed, Live

T = TypeVar("T")


def describe(api: TenantReader, workflow_id: int, before: Live | None = None) -> Live:
    """Return the live workflow with the given id.

    Args:
        api: The tenant.
        workflow_id: The id.
        before: The same workflow, read earlier: what has not changed is not computed again.

    Raises:
        ReconcilerError: As the client.
    """
    return Live.of(workflow_id, api.describe_workflow(workflow_id), before)


def describe_all(api: TenantReader, ids: Iterable[int], concurrency: int) -> dict[int, Live]:
    """Return the live workflows with the given ids, `concurrency` of them read at a time.

    Raises:
        ReconcilerError: As the client, for the first that cannot be read.
    """
    return read_all(partial(describe, api), ids, concurrency)


def read_default_resource(api: TenantReader) -> DefaultResource:
    """Return the tenant's default resource; a refusal counts only where the resource is needed."""
    try:
        return DefaultResource(answer=api.get_default_resource())
    except ReconcilerError as error:
        return DefaultResource(refusal=error)


def _none(_error: ReconcilerError) -> bool:
    return False


def _never(_identity: int) -> bool:
    return False


def _ignore(_done: int, _all: int) -> None:
    """Take how far a step is, for nobody."""


class TenantReads:
    """The reads of a plan, which begin when they are needed, or before; what began before is used once.

    A read that began early and that the server refused is made again when its turn comes: so errors come in
    the order of a run that begins nothing early, and hide all secrets that are known by then.

    Args:
        api: The tenant.
        concurrency: The number of pages, and of workflows, to read at a time, as the session limits them.
        listed: The list of all workflows, if it was just read.
        cache: What earlier plans know, for a plan that writes nothing.
        server_time: Returns the time of the server, as its last answer stated it.
    """

    def __init__(
        self,
        api: TenantReader,
        concurrency: int = CONCURRENCY,
        listed: tuple[Listed, ...] | None = None,
        cache: ReadCache | None = None,
        server_time: Callable[[], float | None] = lambda: None,
    ) -> None:
        self.cache = cache
        self._api = api
        self._concurrency = concurrency
        self._server_time = server_time
        self._list: Callable[[], Listing] | None = None
        if listed is not None:
            given = Listing(by_id={item.id: item for item in listed}, moment=None)
            self._list = lambda: given
        self._default_resource: Callable[[], DefaultResource] | None = None
        self._is_listed = False
        self._names = Once(self._listed_by_name)
        self._expected: SimpleQueue[Manifest | None] = SimpleQueue()
        self._begun: dict[int, Future[ReadWorkflow] | ReadWorkflow] = {}
        self._taken = set[int]()
        self._lock = threading.Lock()
        self._known_default = DefaultResource()
        self._threads: list[threading.Thread] = []
        self._ended = False

    def begin(self, options: CompareOptions, expected: Expectations) -> None:
        """Begin to read the list and the default resource, and the workflows that will be expected.

        Args:
            options: The choices of the run, by which workflows are decided about as they are read.
            expected: What the profile of the tenant says.
        """
        work = partial(self._work, self._deciding(options, expected))
        if self._list is None:
            self._list = in_background(self._listing)
        self._default_resource = in_background(self._ask_default_resource)
        self._threads = [
            threading.Thread(target=work, daemon=True) for _ in range(threads_for(self._concurrency))
        ]
        for thread in self._threads:
            thread.start()

    def expect(self, manifest: Manifest) -> None:
        """Begin to read the workflow that `manifest` is probably about."""
        self._expected.put(manifest)

    def end(self) -> None:
        """Begin no further read early."""
        self._ended = True
        for _ in self._threads:
            self._expected.put(None)

    def listing(self, on_progress: OnProgress = no_progress) -> Listing:
        """Return the list of the tenant.

        Args:
            on_progress: Called with how far the list is read, if it did not begin early.

        Raises:
            ReconcilerError: As `list_tenant`.
        """
        if self._default_resource is None:
            self._default_resource = in_background(self._ask_default_resource)
        read = partial(self._listing, on_progress)
        if self._list is None or self._is_listed:
            return read()
        self._is_listed = True
        return _first_or_again(self._list, read)

    def _listing(self, on_progress: OnProgress = no_progress) -> Listing:
        items = list_tenant(self._api, on_progress=on_progress, concurrency=self._concurrency)
        return Listing(by_id={item.id: item for item in items}, moment=self._server_time())

    def known(self, matches: Iterable[tuple[Manifest, Match]], listing: Listing) -> dict[int, Listed]:
        """Return the workflows that need not be read: an earlier plan found them in sync with their manifest.

        Where a manifest is a patch, none: what its update may remove depends on all workflows.
        """
        matches = tuple(matches)
        if self.cache is None or any(isinstance(manifest, PatchManifest) for manifest, _ in matches):
            return {}
        found = (
            (manifest, listing.by_id[match.id]) for manifest, match in matches if isinstance(match, Found)
        )
        return {item.id: item for manifest, item in found if self.cache.knows(manifest, item)}

    def default_resource(self) -> DefaultResource:
        """Return the tenant's default resource; a refusal counts only where the resource is needed."""
        read, self._default_resource = self._default_resource, None
        return self._ask_default_resource() if read is None else read()

    def _ask_default_resource(self) -> DefaultResource:
        self._known_default = read_default_resource(self._api)
        return self._known_default

    def described(  # noqa: PLR0913 - the last three by name
        self,
        wanted: Mapping[int, Manifest | None],
        options: CompareOptions,
        expected: Expectations,
        *,
        refusals: Callable[[ReconcilerError], bool] = _none,
        on_read: Callable[[int, int], None] = _ignore,
        may_forget: Callable[[int], bool] = _never,
    ) -> tuple[dict[int, ReadWorkflow], dict[int, ReconcilerError]]:
        """Return the live workflows with the given ids, and why others of them cannot be described.

        Args:
            wanted: The ids, each with the manifest that matches the workflow; `None` for none.
            options: The choices of the run.
            expected: What the profile of the tenant says.
            refusals: Returns whether an error is one of its workflow alone, and is returned.
            on_read: Called with the number of workflows that are read, and that of all.
            may_forget: Returns whether nothing needs a workflow that is certainly in sync.

        Raises:
            ReconcilerError: As the client, for the first that cannot be read for another reason.
        """
        decisions = self._deciding(options, expected)

        def read(identity: int) -> ReadWorkflow | ReconcilerError:
            manifest = wanted[identity]
            try:
                found = self._described(identity, manifest, decisions)
            except ReconcilerError as error:
                if refusals(error):
                    return error
                raise
            return (
                found if manifest is None or not may_forget(identity) else found.forgotten(manifest, options)
            )

        found = read_all(read, wanted, threads_for(self._concurrency), on_read)
        done = {identity: item for identity, item in found.items() if isinstance(item, ReadWorkflow)}
        return done, {key: item for key, item in found.items() if not isinstance(item, ReadWorkflow)}

    def _described(self, identity: int, manifest: Manifest | None, decisions: EarlyDecisions) -> ReadWorkflow:
        """Return a workflow, whose read may have begun, or ended."""
        own: Future[ReadWorkflow] = Future()
        with self._lock:
            self._taken.add(identity)  # no more to be read early
            begun = self._begun.setdefault(identity, own)
        read = partial(self._read, identity, manifest, decisions)
        try:
            if isinstance(begun, ReadWorkflow):
                return begun
            return read() if begun is own else _first_or_again(begun.result, read)
        finally:
            with self._lock:
                self._begun.pop(identity, None)

    def _read(self, identity: int, manifest: Manifest | None, decisions: EarlyDecisions) -> ReadWorkflow:
        """Read a workflow, and decide about it while others are read."""
        return decisions.taken(describe(self._api, identity), manifest, self._known_default)

    def _deciding(self, options: CompareOptions, expected: Expectations) -> EarlyDecisions:
        return EarlyDecisions(options, expected, cached=self.cache is not None)

    def _work(self, decisions: EarlyDecisions) -> None:
        """Read the workflows that are expected, until no more are."""
        while (manifest := self._expected.get()) is not None and not self._ended:
            for identity in self._likely(manifest):
                self._read_early(identity, manifest, decisions)

    def _read_early(self, identity: int, manifest: Manifest, decisions: EarlyDecisions) -> None:
        """Read a workflow, unless that has begun or ended; keep what was read, or the error, for its turn."""
        own: Future[ReadWorkflow] = Future()
        with self._lock:
            if identity in self._taken or self._begun.setdefault(identity, own) is not own:
                return
        try:
            found = self._read(identity, manifest, decisions)
        except BaseException as error:  # noqa: BLE001 - raised where it is needed
            own.set_exception(error)
            return
        own.set_result(found)
        with self._lock:
            if self._begun.get(identity) is own:  # thousands of futures would take much memory
                self._begun[identity] = found

    def _likely(self, manifest: Manifest) -> Iterator[int]:
        """Yield the ids of the live workflows that a manifest may be about; none where there is no list."""
        with suppress(ReconcilerError):
            names = (manifest.name, manifest.wanted_name, *manifest.settings.renamed_from)
            for item in dict.fromkeys(self._names()[name] for name in names if name in self._names()):
                if self.cache is None or not self.cache.knows(manifest, item):
                    yield item.id

    def _listed_by_name(self) -> dict[str, Listed]:
        return {} if self._list is None else {item.name: item for item in self._list().by_id.values()}


def _first_or_again(first: Callable[[], T], again: Callable[[], T]) -> T:
    """Return the answer of a read that began early; make it again if the server refused it."""
    try:
        return first()
    except (BaseHttpException, UnexpectedAnswerError):
        return again()
