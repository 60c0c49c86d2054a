"""What each kind of event tells beside its line: one frozen dataclass each; a field that comes later has a default."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from outrider.operations.states import BlockerName, Kind, State


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was asked for: the kind of change, with the version that it brings up and that one's hash, as far as it has one."""

    kind: Kind
    by: str
    version: int | None = None
    hash: str | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Overridden:
    """Which kind of blocker the order went past, what that one said (empty where none was there), by whom and why."""

    name: BlockerName
    blocked: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Validated:
    """Envoy and Nomad have nothing against it."""


@dataclass(frozen=True, slots=True)
class Registered:
    """The index that the registration has made, and the evaluation that follows it."""

    modify_index: int
    evaluation: str | None = None


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What the scheduler has decided; ``failures`` says where it found no node."""

    status: str | None = None
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """Nomad's deployment in numbers; the next allocation must be healthy by ``progress_by``, or Nomad gives it up."""

    nomad_deployment: str | None = None
    desired: int | None = None
    placed: int | None = None
    healthy: int | None = None
    unhealthy: int | None = None
    canaries: int | None = None
    progress_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class TaskSeen:
    """A task as Nomad told of it last."""

    state: str
    restarts: int
    text: str


@dataclass(frozen=True, slots=True)
class AllocationSeen:
    """One copy; ``healthy`` is None as long as Nomad has not decided, ``culprit`` the task whose output tells more."""

    allocation: str
    index: int
    node: str
    status: str
    desired: str
    healthy: bool | None
    canary: bool
    culprit: str | None
    tasks: dict[str, TaskSeen]


@dataclass(frozen=True, slots=True)
class Troubled:
    """What keeps an allocation from being healthy, while that may still change; ``tasks`` are those to blame, if any."""

    allocation: str
    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Paused:
    """Whether the rollout waits for Consul, since when and why; ``progress_by`` is when Nomad gives it up all the same."""

    is_paused: bool
    reason: str = ""
    since: datetime | None = None
    progress_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Nomad gave no answer to a change that may have reached it: what became of it is read, and it is never sent again."""

    change: str


@dataclass(frozen=True, slots=True)
class Promotion:
    """Whether a person has to decide on the canary, or who has."""

    needed: bool
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Resumed:
    """A portal has taken the deployment up again."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """Allocations that are to be restarted, in this order; or, with ``is_asked``, one that Nomad was asked to restart.

    With a ``task`` that one where it is, else each by another allocation. ``restarted_at`` is when a task of it was
    restarted last before (seconds, 0: never).
    """

    allocations: tuple[str, ...]
    task: str | None = None
    all_at_once: bool = False
    is_asked: bool = False
    restarted_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Warned:
    """The message says it all."""


@dataclass(frozen=True, slots=True)
class ValueChanged:
    """A value that is rolled out: fingerprints of what allocations had read, and of what is there now."""

    reference: str
    before: tuple[str, ...] = ()
    now: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended, and why; nothing comes after it."""

    state: State
    placed: bool
    reason: str


Detail: TypeAlias = (
    Accepted
    | Restarted
    | Overridden
    | Validated
    | Registered
    | Unanswered
    | Evaluated
    | Counted
    | AllocationSeen
    | Troubled
    | Paused
    | Promotion
    | Resumed
    | Warned
    | ValueChanged
    | Ended
)
