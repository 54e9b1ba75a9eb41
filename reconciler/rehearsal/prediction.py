"""Prediction: what an apply of a plan is expected to do, and how the rehearsals of it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.errors import INTERRUPTED, ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """A planned change that an apply is expected to leave undone.

    Args:
        name: The workflow's name.
        reason: Why.
    """

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndState:
    """The workflows of an emulated copy at one moment.

    Args:
        workflows: What each of them is: its name, its canonical form with its tags as JSON, whether it is
            paused, and its number of webhooks; sorted.
        webhooks: The UUIDs of their webhook URLs.
        names: How many workflows have each name.
    """

    workflows: tuple[tuple[str, str, bool, int], ...] = ()
    webhooks: frozenset[str] = frozenset()
    names: Mapping[str, int] = field(default_factory=dict)

    def twins(self, before: EndState) -> tuple[str, ...]:
        """Return the names that more workflows have than before, and more than one."""
        found = (name for name, number in self.names.items() if number > max(1, before.names.get(name, 0)))
        return tuple(sorted(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What an apply without faults is expected to do.

    Args:
        changes: The number of changes of the plan that still apply, by their word.
        planning_requests: The requests of its plan.
        requests: The requests after that.
        writes: Those of them that write.
        planning_seconds: How long the plan takes.
        seconds: How long all of it takes.
        latency: The median latency of the reads just made, in seconds.
        left: The planned changes that it leaves undone.
        webhooks: The number of webhook URLs before.
        webhooks_kept: How many of them stay.
        twins: The names that several workflows then have.
        in_sync: Whether a plan after it has nothing left of these changes.
        end: The workflows at the end, with dummy values for secrets.
    """

    changes: dict[str, int] = field(default_factory=dict)
    planning_requests: int = 0
    requests: int = 0
    writes: int = 0
    planning_seconds: float = 0.0
    seconds: float = 0.0
    latency: float = 0.0
    left: tuple[Undone, ...] = ()
    webhooks: int = 0
    webhooks_kept: int = 0
    twins: tuple[str, ...] = ()
    in_sync: bool = True
    end: EndState = field(default_factory=EndState, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """How one rehearsal with faults ended.

    Args:
        number: Its number, from 1.
        faults: What went wrong, as `faulty_runs` words it.
        stopped_at: The number of the write at which it was killed; `None` where it was not.
        handled: Whether that write took effect.
        undone: How many changes the first run left undone.
        applies: How many further applies there was something left for.
        converged: Whether the end is the one that is predicted without faults.
        problems: What is wrong with the end, as sentences.
        twins: The names that several workflows then have.
    """

    number: int
    faults: tuple[str, ...]
    stopped_at: int | None = None
    handled: bool = False
    undone: int = 0
    applies: int = 0
    converged: bool = True
    problems: tuple[str, ...] = ()
    twins: tuple[str, ...] = ()

    @property
    def is_fine(self) -> bool:
        """Whether it converged, and left no twin."""
        return self.converged and not self.twins


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """The result of all rehearsals of a plan file.

    Args:
        file: The plan file.
        tenant: The base URL of the tenant.
        environment: The name of the environment; `None` for none.
        profile: The file with the profile of the tenant; `None` for none.
        asked: The number of rehearsals with faults that were to be done.
        seed: The seed of the faults.
        prediction: What an apply is expected to do.
        rehearsals: How each rehearsal with faults ended.
        stale: The changes of the plan file that no longer apply.
        notes: What a rehearsal cannot show, as sentences.
        requests: The requests that were sent to the tenant: all of them GET.
        seconds: How long the rehearsals took.
        interrupted: Whether they were interrupted.
    """

    file: str
    tenant: str
    environment: str | None
    profile: str | None
    asked: int
    seed: int
    prediction: Prediction
    rehearsals: tuple[Rehearsal, ...]
    stale: tuple[Undone, ...] = ()
    notes: tuple[str, ...] = ()
    requests: int = 0
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def failed(self) -> tuple[Rehearsal, ...]:
        """The rehearsals that do not converge, or leave a twin."""
        return tuple(each for each in self.rehearsals if not each.is_fine)

    @property
    def is_fine(self) -> bool:
        """Whether nothing is left without faults, all rehearsals converge, and none leaves a twin."""
        return self.prediction.in_sync and not self.prediction.twins and not self.failed

    @property
    def worst_stop(self) -> Rehearsal | None:
        """The killed rehearsal that left the most undone; `None` if none was killed."""
        stopped = (each for each in self.rehearsals if each.stopped_at is not None)
        return max(stopped, key=lambda each: (each.undone, each.applies, -each.number), default=None)

    @property
    def exit_code(self) -> int:
        """`DIFFERENCES` unless all is fine; that of an interrupt after one."""
        if self.interrupted:
            return INTERRUPTED
        return ExitCode.OK if self.is_fine else ExitCode.DIFFERENCES
