"""The whole way from what runs to what is asked for, step by step, as Nomad will go it: pure.

Nomad's own plan has the numbers of the first step only (hashicorp/nomad#20582); the others follow from the job's update
strategy, as its reconciler applies it (scheduler/reconcile: computeCanaries, computeStop, computePlacements,
computeUnderProvisionedBy, computeDestructiveUpdates). Allocations are replaced by their numbers, lowest first; those beyond
the count go from the highest down; a promoted canary takes the place of the old one with its number. Where the count grows
beside a canary, no old one makes room for it: the one with its number is replaced by one with a free number (seen on 2.0.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider.documents import Json, nested
from outrider.operations.answers.rollout import Rollout, Step, StepKind
from outrider.spec.values import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NANOSECONDS = 1_000_000
Numbers = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Start:
    """What a rollout begins with: the job that is registered, what Nomad's plan says of it, and where it is.

    ``numbers`` are Nomad's by group (destructive, in_place, ignore, stop, place, canary). ``is_live`` tells whether the job
    runs, ``is_unchanged`` that registering it changes nothing, ``has_fixed_port`` that a node takes one allocation only.
    """

    environment: str
    job: Json
    numbers: Mapping[str, Mapping[str, int]]
    is_live: bool
    is_unchanged: bool = False
    has_fixed_port: bool = False
    previous: int | None = None

    @property
    def service(self) -> str:
        """The name of the job and of its group."""
        return str(self.job["ID"])

    @property
    def group(self) -> Json:
        """The one group of the job."""
        return self.job["TaskGroups"][0]

    @property
    def count(self) -> int:
        """Allocations that are asked for."""
        return int(self.group.get("Count") or 0)

    @property
    def strategy(self) -> Json:
        """The update strategy."""
        return nested(self.group, "Update")

    def number(self, kind: str) -> int:
        """Nomad's number of that kind for the service's own group."""
        return self.numbers.get(self.service, {}).get(kind, 0)


def rollout(start: Start) -> Rollout:
    """All steps; none where nothing is changed, and where nothing is to run and nothing runs."""
    if start.is_unchanged:
        return Rollout(before=start.count, after=start.count, least=start.count)
    way = _Way(start)
    steps, least = way.steps()
    foreign = _others_stopped(start)
    return Rollout((*foreign, *steps), way.before, start.count, least, way.on_failure() if steps else "")


def _others_stopped(start: Start) -> Iterable[Step]:
    """Groups that the job no longer has: Nomad stops all of each at once (another tool's job under this name)."""
    for group, numbers in start.numbers.items():
        if group != start.service and numbers.get("stop"):
            count = numbers["stop"]
            text = f"stops all {count} of the group {group}, which the job no longer has, at once"
            yield Step("stop", 1, tuple(range(count)), count, "", text)


class _Way:
    """One rollout on its way: which numbers are new, which are old."""

    def __init__(self, start: Start) -> None:
        self.start, self.count = start, start.count
        self.at_a_time = int(start.strategy.get("MaxParallel") or 1)
        old = sum(start.number(kind) for kind in ("destructive", "ignore", "in_place", "stop", "migrate"))
        self.before = old if start.is_live else 0
        self.in_place = start.number("in_place") if start.is_live else 0
        self.stays = min(self.before, self.count)
        self.old = self.stays - min(self.in_place, self.stays)
        self.canaries = int(start.strategy.get("Canary") or 0)

    def steps(self) -> tuple[tuple[Step, ...], int]:
        """The steps, and how few allocations serve meanwhile."""
        if not self.count:
            return tuple(self._surplus()), 0
        if self.old and self.canaries:
            steps = (*self._surplus(), *self._kept(), *self._beside())
            replaced = sum(len(step.allocations) for step in steps if step.kind == "replace")
            return steps, min(self.stays, max(0, self.count - min(self.at_a_time, replaced)))
        return tuple(self._rolling()), max(0, self.stays - min(self._room(), self.old))

    def on_failure(self) -> str:
        """What comes after an allocation that does not become healthy."""
        if not self.start.group.get("Update"):
            return ""
        deadline = _time(self.start.strategy.get("HealthyDeadline"))
        is_reverted = self.start.strategy.get("AutoRevert") and self.start.previous and self.old
        back = f"version {self.start.previous} is brought back" if is_reverted else "what runs by then stays as it is"
        return f"an allocation that is not healthy within {deadline} ends the rollout, and {back}"

    def _rolling(self) -> Iterable[Step]:
        yield from self._surplus()
        yield from self._kept()
        yield from self._missing()
        yield from self._replaced(tuple(range(self.old)), 1 if self._room() else 2)

    def _room(self) -> int:
        """How many may be replaced in the first step: new ones beyond the old count use it up."""
        return max(0, self.at_a_time - max(0, self.count - self.before))

    def _beside(self) -> Iterable[Step]:
        names = self._canary_numbers()
        yield self._canary(names)
        yield self._promotion(names)
        gone = max(0, self.stays + len(names) - self.count)
        twins = tuple(number for number in names if number < self.old)[:gone]
        rest = tuple(number for number in range(self.old) if number not in twins)
        others = gone - len(twins)
        if twins:
            yield _at_once("stop", 2, twins, f"stops {self._named(twins)}, whose place is taken, at once")
        if others > 0:
            extra = tuple(sorted(names, reverse=True)[:others])
            yield _at_once(
                "stop", 2, extra, f"stops {len(extra)} of the canaries, which are more than the count, at once"
            )
        new = self.count - self.stays - len(names)
        if new > 0:
            numbers = tuple(number for number in range(self.count) if number >= self.stays and number not in names)[
                :new
            ]
            yield _at_once("start", 2, numbers, f"starts {len(numbers)} more, {self._named(numbers)}, at once")
        yield from self._replaced(rest, 2)

    def _canary_numbers(self) -> Numbers:
        """Those of the old ones first, so that each can take the place of one (computeCanaries, NextCanaries)."""
        free = (*range(self.old), *range(self.stays, self.stays + self.canaries))
        return tuple(free[: self.canaries])

    def _canary(self, names: Numbers) -> Step:
        kind = "canary allocation" if len(names) == 1 else "canary allocations"
        text = f"starts {len(names)} {kind} of the new version beside the {self.stays} old, which stay{self._port(' and each canary needs a node whose port is free')}"
        who = "all have" if self.start.strategy.get("AutoPromote") else "each has"
        return Step("canary", 1, names, len(names), "health", f"{text}; {who} to be {self._healthy()}")

    def _promotion(self, names: Numbers) -> Step:
        here = f"{self.start.service} -e {self.start.environment}"
        if self.start.strategy.get("AutoPromote"):
            return Step(
                "promote", 2, names, len(names), "promotion", "is promoted by itself as soon as all of them are healthy"
            )
        wait = f"waits for your word: `outrider promote {here}`, or `outrider fail {here}` to give it up"
        return Step("promote", 2, names, len(names), "promotion", wait)

    def _surplus(self) -> Iterable[Step]:
        if self.before > self.count:
            gone = tuple(range(self.before - 1, self.count - 1, -1))
            yield _at_once("stop", 1, gone, f"stops {self._named(gone)}, at once")

    def _kept(self) -> Iterable[Step]:
        numbers = tuple(range(self.stays - min(self.in_place, self.stays), self.stays))
        if numbers:
            yield _at_once("in_place", 1, numbers, f"changes {self._named(numbers)} in place: nothing restarts")

    def _missing(self) -> Iterable[Step]:
        numbers = tuple(range(self.before, self.count))
        if numbers:
            first = "starts all" if not self.before else "starts"
            more = "" if not self.before else " more"
            text = f"{first} {len(numbers)}{more}, {self._named(numbers)}, at once; {'each has' if len(numbers) > 1 else 'it has'} to be {self._healthy()}{self._port('')}"
            yield Step("start", 1, numbers, len(numbers), "health", text)

    def _replaced(self, numbers: Numbers, phase: int) -> Iterable[Step]:
        if not numbers:
            return
        together = min(self.at_a_time, len(numbers))
        pace = "at once" if together == len(numbers) else "one at a time" if together == 1 else f"{together} at a time"
        wait = f"each {self._healthy()}" + (" before the next" if together < len(numbers) else "")
        text = f"replaces {self._named(numbers)} {pace}, {wait}{self._port('; a node stops its old one before its new one starts')}"
        yield Step("replace", phase, numbers, together, "health", text)

    def _healthy(self) -> str:
        least = _time(self.start.strategy.get("MinHealthyTime"))
        return f"healthy for {least}" if least != "0s" else "healthy"

    def _named(self, numbers: Numbers) -> str:
        """``checkout[0] to [3]``, ``checkout[3] down to [1]``, or each by its number."""
        service, first, last = self.start.service, numbers[0], numbers[-1]
        if len(numbers) == 1:
            return f"{service}[{first}]"
        if numbers == tuple(range(first, last + 1)):
            return f"{service}[{first}] to [{last}]"
        if numbers == tuple(range(first, last - 1, -1)):
            return f"{service}[{first}] down to [{last}]"
        return f"{service}" + ", ".join(f"[{number}]" for number in numbers)

    def _port(self, text: str) -> str:
        return text if self.start.has_fixed_port else ""


def _at_once(kind: StepKind, phase: int, numbers: Numbers, text: str) -> Step:
    """A step that nothing waits for."""
    return Step(kind, phase, numbers, len(numbers), "", text)


def _time(nanoseconds: object) -> str:
    return duration(int(str(nanoseconds or 0)) // NANOSECONDS)
