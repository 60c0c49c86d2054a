"""The output of a service's tasks, from the allocation that is meant or from all that run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from outrider_ground.errors import RemoteError, UsageError

from outrider.nomad.read.allocations import Allocation, allocations
from outrider.operations.look.merged_lines import as_they_come, one_after_another
from outrider.operations.lookups import check_known
from outrider.operations.named_allocation import named_allocation
from outrider.topology import names

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from outrider.operations.environment import Environment
    from outrider.operations.nomad_port import LogKind

BYTES_PER_LINE = 400
CUT = b"[cut: this line begins earlier] "
EndedKind = Literal["previous", "failed"]
FAILED = frozenset({"failed", "lost"})
COLLECTED = frozenset({404, 500})
"""What Nomad answers for output that is no longer there: the allocation, or its files."""
MOST = 32
"""Allocations whose output is read at once: each one is a connection to Nomad."""


@dataclass(frozen=True, slots=True)
class LogRequest:
    """Which output: ``allocation`` is a prefix of an id (left out: all that run), ``lines`` from the end.

    ``ended`` asks for the last allocation that no longer runs, or that failed.
    """

    task: str = names.APP_TASK
    kind: LogKind = "stdout"
    follow: bool = False
    lines: int | None = None
    allocation: str | None = None
    ended: EndedKind | None = None


async def logs(environment: Environment, service: str, request: LogRequest) -> AsyncIterator[bytes]:
    """The output, as an iterator; lines of several allocations begin with the short id of theirs.

    UsageError before it begins where there is no such allocation or task, or where there are more than MOST to read.
    """
    chosen = await _chosen(environment, service, request)
    if len(chosen) == 1:
        return _output(environment, chosen[0], request)
    streams = {one.short_id: _output(environment, one, request) for one in chosen}
    return as_they_come(streams) if request.follow else one_after_another(streams)


def _output(environment: Environment, chosen: Allocation, request: LogRequest) -> AsyncIterator[bytes]:
    if request.lines is None:
        return _stream(environment, chosen, request, None)
    told = _followed if request.follow else _last
    return told(environment, chosen, request, request.lines)


def _stream(
    environment: Environment, chosen: Allocation, request: LogRequest, from_end: int | None
) -> AsyncIterator[bytes]:
    """From the start, or so many bytes before the end."""
    origin, offset = ("start", 0) if from_end is None else ("end", from_end)
    found = environment.nomad.logs(
        chosen.id, request.task, request.kind, follow=request.follow, origin=origin, offset=offset
    )
    return _uncollected(chosen, found)


async def _uncollected(chosen: Allocation, found: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same; UsageError where Nomad has collected what an allocation that ended has left."""
    try:
        async for chunk in found:
            yield chunk
    except RemoteError as error:
        if error.status not in COLLECTED or not chosen.is_gone:
            raise
        raise UsageError(
            f"the output of allocation {chosen.short_id} on {chosen.node}, which is {chosen.status}, is gone: "
            f"Nomad has collected it ({error.message})",
            next_step="Nomad keeps what ended for some hours, and less where a node's disk is full; read it earlier next time.",
        ) from error


async def _last(environment: Environment, chosen: Allocation, request: LogRequest, lines: int) -> AsyncIterator[bytes]:
    """The last lines of a stream that ends; a line whose beginning is not among them says so."""
    *whole, rest = (await _tail(environment, chosen, request, lines)).split(b"\n")
    kept = [*whole, rest] if rest else whole
    if lines > 0 and kept:
        yield b"\n".join(kept[-lines:]) + b"\n"


async def _followed(
    environment: Environment, chosen: Allocation, request: LogRequest, lines: int
) -> AsyncIterator[bytes]:
    """About so many lines back, and on; the beginning is looked at first, to know whether it is that of a line."""
    if (await _tail(environment, chosen, replace(request, follow=False), lines)).startswith(CUT):
        yield CUT
    async for chunk in _stream(environment, chosen, request, lines * BYTES_PER_LINE):
        yield chunk


async def _tail(environment: Environment, chosen: Allocation, request: LogRequest, lines: int) -> bytes:
    """The end of the output, about so many lines, marked in front where it begins within a line.

    One byte more than that is asked for: where it is there and ends no line, the line begins earlier.
    """
    window = lines * BYTES_PER_LINE
    found = b"".join([chunk async for chunk in _stream(environment, chosen, request, window + 1)])
    if len(found) <= window:
        return found
    is_cut = found[:1] != b"\n"
    return CUT + found[1:] if is_cut else found[1:]


async def _chosen(environment: Environment, service: str, request: LogRequest) -> list[Allocation]:
    """The allocation that is named, or all that run; where none does, the newest."""
    found = allocations(await environment.nomad.allocations(service))
    if not found:
        await check_known(environment, service)
        raise UsageError(
            f"{service} has no allocations in {environment.name}",
            next_step=f"`outrider history {service} -e {environment.name}` says why.",
        )
    if request.allocation:
        return _readable([named_allocation(found, request.allocation, service)], service, request)
    if request.ended:
        return _readable([_ended(found, service, request.ended)], service, request)
    newest = max(found, key=lambda one: (one.is_live, one.modify_index))
    live = [one for one in found if one.is_live]
    return _readable(live or [newest], service, request)


def _ended(found: Sequence[Allocation], service: str, kind: EndedKind) -> Allocation:
    """The last that no longer runs, or that failed, which may be about to start again elsewhere."""
    chosen = [one for one in found if (one.is_gone if kind == "previous" else one.status in FAILED)]
    if not chosen:
        what = "that failed" if kind == "failed" else "that has ended"
        raise UsageError(
            f"Nomad knows no allocation of {service} {what}; it forgets them after some hours",
            next_step=f"`outrider status {service} --all` lists those that it knows.",
        )
    return max(chosen, key=lambda one: one.modify_index)


def _readable(chosen: list[Allocation], service: str, request: LogRequest) -> list[Allocation]:
    """Those that have the task; UsageError where none has, or where they are too many."""
    having = [one for one in chosen if request.task in [task.name for task in one.tasks]]
    if not having:
        tasks = ", ".join(task.name for task in chosen[0].tasks)
        raise UsageError(
            f"allocation {chosen[0].short_id} has no task {request.task}",
            next_step=f"It has: {tasks}." if tasks else "It has not started any task yet: look again in a moment.",
        )
    if len(having) > MOST:
        raise UsageError(
            f"{service} has {len(having)} running allocations, and {MOST} are read at once",
            next_step=f"Name one with --allocation, such as {having[0].short_id}.",
        )
    return having
