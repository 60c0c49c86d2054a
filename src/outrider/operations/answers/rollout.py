"""The steps of a rollout, and what others notice of it, as they are shown before it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StepKind = Literal["start", "stop", "canary", "promote", "replace", "in_place"]
WaitsFor = Literal["", "health", "promotion"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``allocations`` are the numbers of those that it is about (the 2 of ``checkout[2]``), in order.

    ``at_a_time`` is how many of them go together, ``waits_for`` what comes before the next step. Steps with the same
    ``phase`` begin together. ``text`` says all of it in words.
    """

    kind: StepKind
    phase: int
    allocations: tuple[int, ...]
    at_a_time: int
    waits_for: WaitsFor
    text: str


@dataclass(frozen=True, slots=True)
class Rollout:
    """All steps in their order, from ``before`` allocations to ``after``; ``least`` is how few of them serve meanwhile.

    ``on_failure`` says what becomes of it when an allocation does not become healthy.
    """

    steps: tuple[Step, ...] = ()
    before: int = 0
    after: int = 0
    least: int = 0
    on_failure: str = ""


@dataclass(frozen=True, slots=True)
class Affected:
    """Another service whose documents would be others at its own next deploy, and why."""

    service: str
    reason: str


@dataclass(frozen=True, slots=True)
class Around:
    """The declared neighbours: who calls the service, whom it calls, and what a deployment means to them.

    ``notices`` is what callers will notice, empty where that is nothing. ``compared`` are the neighbours whose documents
    were rendered twice, with the service as it is known now and as it would be; ``affected`` those that differ, and
    ``uncompared`` those that could not be rendered, each with the reason.
    """

    callers: tuple[str, ...] = ()
    upstreams: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    affected: tuple[Affected, ...] = ()
    uncompared: tuple[Affected, ...] = ()
    proof: str = ""
