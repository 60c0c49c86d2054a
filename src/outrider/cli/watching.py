"""A deployment followed to its verdict: its events as lines of progress, its end as an exit code."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import click
from outrider_ground.errors import RemoteError

from outrider.cli import exits
from outrider.cli.arguments import Duration, short
from outrider.cli.invocation import Invocation
from outrider.cli.output import COLOURS
from outrider.cli.printable import printable
from outrider.cli.times import clock
from outrider.operations.events import AllocationEvent, Event, PromotionEvent, VerdictEvent
from outrider.operations.records import Deployment
from outrider.operations.signs import event_sign


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long a person wants to watch: not at all, `timeout_s` seconds, or to the verdict."""

    is_detached: bool
    timeout_s: float | None


def waiting_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --detach and --wait-timeout; the function gets them as `waiting`."""

    @click.option("--detach", is_flag=True, help="Do not wait for the verdict; print the deployment.")
    @click.option(
        "--wait-timeout", type=Duration(), metavar="DURATION", help="Stop waiting after this long (exit 124)."
    )
    @functools.wraps(function)
    def called(*arguments: Any, detach: bool, wait_timeout: float | None, **rest: Any) -> Any:
        return function(*arguments, waiting=Waiting(detach, wait_timeout), **rest)

    return called


async def watched(invocation: Invocation, deployment: Deployment, waiting: Waiting) -> int:
    """Follow the deployment unless detached; with -o json or yaml its last state is the result."""
    if waiting.is_detached:
        invocation.output.show(deployment, lambda shown: [shown.id])
        return exits.OK
    code = await followed(invocation, deployment, waiting.timeout_s)
    if invocation.output.form != "table":
        invocation.output.show(await invocation.portal.deployment(deployment.id), lambda _: ())
    return code


async def followed(invocation: Invocation, deployment: Deployment, wait_s: float | None) -> int:
    """Follow to the verdict, a waiting canary or the end of `wait_s`; the exit code says which."""
    say = invocation.output.progress
    try:
        async with asyncio.timeout(wait_s):
            ending = await _ending(invocation, deployment.id)
    except TimeoutError:
        say(f"Not finished after {wait_s:.0f} s; the deployment goes on. {_again(deployment)}")
        return exits.WAIT_TIMEOUT
    except asyncio.CancelledError:
        say(f"\nNo longer watching; the deployment goes on. {_again(deployment)}")
        raise
    return _verdict(invocation, deployment, ending)


@dataclass(frozen=True, slots=True)
class _Ending:
    """The event that ends the watching, if any came: the verdict, or a canary that waits; and who failed last."""

    event: Event | None
    culprit: Culprit


@dataclass(frozen=True, slots=True)
class Culprit:
    """The allocation that failed last, and the task whose output tells more, where that is not the app's."""

    allocation: str | None = None
    task: str | None = None


async def _ending(invocation: Invocation, deployment_id: str) -> _Ending:
    seen: list[Event] = []
    async with aclosing(_printed(invocation, deployment_id)) as events:
        async for event in events:
            seen.append(event)
            if _waits(event):
                break
    return _Ending(seen[-1] if seen else None, culprit_of(seen))


def _waits(event: Event | None) -> bool:
    """Whether a person has to decide."""
    return isinstance(event, PromotionEvent) and event.detail.needed


def culprit_of(events: Iterable[Event]) -> Culprit:
    """Whom the events name: the last allocation that failed or was found unhealthy."""
    seen = [event.detail for event in events if isinstance(event, AllocationEvent)]
    bad = [one for one in seen if one.healthy is False or one.status == "failed"]
    return Culprit(bad[-1].allocation, bad[-1].culprit) if bad else Culprit()


async def _printed(invocation: Invocation, deployment_id: str) -> AsyncGenerator[Event]:
    """The events, each as a line; what was said of an allocation is not said of it again."""
    said: dict[str, str] = {}
    async with aclosing(invocation.portal.events(deployment_id)) as events:
        async for event in events:
            about = event.detail.allocation if isinstance(event, AllocationEvent) else str(event.number)
            if not isinstance(event, VerdictEvent) and said.get(about) != event.message:
                invocation.output.progress(line(event))
            said[about] = event.message
            yield event


def line(event: Event) -> str:
    """One event for a person: time, sign, message."""
    return f"{clock(event.at)}  {_shape(event)} {printable(event.message)}"


def _shape(event: Event) -> str:
    sign = event_sign(event)
    return click.style(sign.shape, fg=COLOURS[sign.mood])


def _verdict(invocation: Invocation, deployment: Deployment, ending: _Ending) -> int:
    service, environment, event = deployment.service, deployment.environment, ending.event
    say = invocation.output.progress
    if _waits(event):
        say(f"\nThe canary of {service} is up and waits. Next: `outrider promote {service} -e {environment}`,")
        say(f"or `outrider fail {service} -e {environment}` to keep the version before.")
        return exits.OK
    if not isinstance(event, VerdictEvent):
        raise RemoteError(
            "the portal's events ended without a verdict",
            next_step=f"Look at `outrider history {service} -e {environment}`.",
        )
    ended = event.detail
    say(f"\n{_shape(event)} {printable(event.message)}")
    if ended.state == "successful":
        return exits.OK
    if ended.reason and ended.reason not in event.message:
        say(printable(ended.reason))
    if ended.state == "not_placed":
        say(
            f"Make room or change what the spec asks for, then deploy again: `outrider plan -e {environment} FILE` tells."
        )
        return exits.NOT_PLACED
    say(hint(f"{service} -e {environment}", ending.culprit))
    return exits.FAILED


def hint(where: str, culprit: Culprit) -> str:
    """Where to look closer. Without the allocation it would be the output of those that run, of the version before."""
    whose = f" --allocation {short(culprit.allocation)}" if culprit.allocation else ""
    whose += f" --task {culprit.task}" if culprit.task else ""
    return f"Look closer: `outrider logs {where}{whose} --type stderr`, `outrider status {where}`."


def _again(deployment: Deployment) -> str:
    where = f"{deployment.service} -e {deployment.environment}"
    return f"Watch it again: `outrider history {where} --deployment {short(deployment.id)} --follow`."
