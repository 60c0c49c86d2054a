"""In which order services that call each other are deployed: callees first, and those in a circle together."""

from __future__ import annotations

from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Step:
    """Services that are deployed together, and those that have to be up before: several where they call each other in a circle.

    ``services`` and ``after`` are sorted; ``after`` are only those that one of them calls itself.
    """

    services: tuple[str, ...]
    after: tuple[str, ...] = ()


def steps(calls: Mapping[str, Collection[str]]) -> tuple[Step, ...]:
    """The order for these services, callees first; calls to others, and of a service to itself, count for nothing.

    The order depends on names and calls only, so that the same files make the same plan.
    """
    known = {caller: sorted({one for one in called if one in calls} - {caller}) for caller, called in calls.items()}
    circles = _circles(known)
    of_service = {service: circle for circle in circles for service in circle}
    made = {circle: Step(circle, _outside(circle, known)) for circle in circles}
    waits = {circle: {of_service[callee] for callee in step.after} for circle, step in made.items()}
    return tuple(made[circle] for circle in _callees_first(waits))


def _outside(circle: tuple[str, ...], known: Mapping[str, list[str]]) -> tuple[str, ...]:
    return tuple(sorted({callee for service in circle for callee in known[service]} - set(circle)))


def _callees_first(waits: Mapping[tuple[str, ...], set[tuple[str, ...]]]) -> Iterator[tuple[str, ...]]:
    """Those that wait for nobody first, by name; then whoever can follow."""
    sorter = TopologicalSorter(waits)
    sorter.prepare()
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        yield from ready
        sorter.done(*ready)


def _circles(known: Mapping[str, list[str]]) -> list[tuple[str, ...]]:
    """Every service with those that it reaches and that reach it (Kosaraju's two walks; no recursion: chains may be long)."""
    callers: dict[str, list[str]] = {service: [] for service in known}
    for caller, called in known.items():
        for callee in called:
            callers[callee].append(caller)
    taken: set[str] = set()
    found: list[tuple[str, ...]] = []
    for service in reversed(_as_left(known)):
        circle = _reached(service, callers, taken)
        if circle:
            found.append(tuple(sorted(circle)))
    return found


def _as_left(known: Mapping[str, list[str]]) -> list[str]:
    """The services in the order in which a walk along the calls leaves them for good."""
    left: list[str] = []
    seen: set[str] = set()
    for first in sorted(known):
        way = [] if first in seen else [(first, iter(known[first]))]
        seen.add(first)
        while way:
            callees = way[-1][1]
            callee = next((one for one in callees if one not in seen), None)
            if callee is None:
                left.append(way.pop()[0])
            else:
                seen.add(callee)
                way.append((callee, iter(known[callee])))
    return left


def _reached(first: str, onward: Mapping[str, list[str]], taken: set[str]) -> list[str]:
    """Those that can be reached and that nobody has taken; they are taken then."""
    found: list[str] = []
    due = [first]
    while due:
        service = due.pop()
        if service not in taken:
            taken.add(service)
            found.append(service)
            due += onward[service]
    return found
