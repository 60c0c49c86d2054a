"""A deployment followed to its verdict: its events as lines of progress, its end as an exit code."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import click

from outrider.cli import exits
from outrider.cli.arguments import Duration, short
from outrider.cli.invocation import Invocation
from outrider.cli.plain import plain
from outrider.cli.times import clock

SIGNS: dict[str, tuple[str, str | None]] = {
    "accepted": ("•", None),
    "validated": ("✓", "green"),
    "registered": ("✓", "green"),
    "promotion": ("!", "yellow"),
    "warning": ("!", "yellow"),
    "resumed": ("↻", "yellow"),
}
HEALTH: dict[bool | None, tuple[str, str | None]] = {True: ("✓", "green"), False: ("✗", "red")}
SUCCESSFUL = "successful"
NOT_PLACED = "not_placed"


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


async def watched(invocation: Invocation, deployment: dict[str, Any], waiting: Waiting) -> int:
    """Follow the deployment unless detached; with -o json or yaml its last state is the result."""
    if waiting.is_detached:
        invocation.output.show(deployment, lambda shown: [str(shown["id"])])
        return exits.OK
    code = await followed(invocation, deployment, waiting.timeout_s)
    if invocation.output.form != "table":
        invocation.output.show(await invocation.portal.deployment(deployment["id"]), lambda _: ())
    return code


async def followed(invocation: Invocation, deployment: dict[str, Any], wait_s: float | None) -> int:
    """Follow to the verdict, a waiting canary or the end of `wait_s`; the exit code says which."""
    say = invocation.output.progress
    try:
        async with asyncio.timeout(wait_s):
            ending = await _ending(invocation, deployment["id"])
    except TimeoutError:
        say(f"Not finished after {wait_s:.0f} s; the deployment goes on. {_again(deployment)}")
        return exits.WAIT_TIMEOUT
    except asyncio.CancelledError:
        say(f"\nNo longer watching; the deployment goes on. {_again(deployment)}")
        raise
    return _verdict(invocation, deployment, ending)


@dataclass(frozen=True, slots=True)
class _Ending:
    """The event that ends the watching: the verdict, or a canary that waits for a person; and who failed last."""

    event: dict[str, Any]
    culprit: Culprit


@dataclass(frozen=True, slots=True)
class Culprit:
    """The allocation that failed last, and the task whose output tells more, where that is not the app's."""

    allocation: str | None = None
    task: str | None = None


async def _ending(invocation: Invocation, deployment_id: str) -> _Ending:
    seen: list[dict[str, Any]] = []
    async with aclosing(_printed(invocation, deployment_id)) as events:
        async for event in events:
            seen.append(event)
            if event["kind"] == "promotion" and _detail(event).get("needed"):
                break
    return _Ending(seen[-1] if seen else {}, culprit_of(seen))


def culprit_of(events: Iterable[dict[str, Any]]) -> Culprit:
    """Whom the events name: the last allocation that failed or was found unhealthy."""
    bad = [_detail(one) for one in events if _is_bad(_detail(one))]
    return Culprit(bad[-1].get("allocation"), bad[-1].get("culprit")) if bad else Culprit()


def _is_bad(detail: dict[str, Any]) -> bool:
    return detail.get("healthy") is False or detail.get("status") == "failed"


async def _printed(invocation: Invocation, deployment_id: str) -> AsyncGenerator[dict[str, Any]]:
    """The events, each as a line; what was said of an allocation is not said of it again."""
    said: dict[str, str] = {}
    async with aclosing(invocation.portal.events(deployment_id)) as events:
        async for event in events:
            about = str(_detail(event).get("allocation", event["number"]))
            if event["kind"] != "verdict" and said.get(about) != event["message"]:
                invocation.output.progress(line(event))
            said[about] = event["message"]
            yield event


def line(event: dict[str, Any]) -> str:
    """One event for a person: time, sign, message."""
    sign, colour = _sign(event)
    return f"{clock(event['at'])}  {click.style(sign, fg=colour)} {plain(event['message'])}"


def _sign(event: dict[str, Any]) -> tuple[str, str | None]:
    detail = _detail(event)
    if event["kind"] == "allocation":
        return HEALTH.get(detail.get("healthy"), ("·", None))
    if event["kind"] == "verdict":
        return ("✓", "green") if detail.get("state") == SUCCESSFUL else ("✗", "red")
    return SIGNS.get(event["kind"], ("·", None))


def _verdict(invocation: Invocation, deployment: dict[str, Any], ending: _Ending) -> int:
    service, environment, event = deployment["service"], deployment["environment"], ending.event
    detail = _detail(event)
    say = invocation.output.progress
    if event["kind"] == "promotion":
        say(f"\nThe canary of {service} is up and waits. Next: `outrider promote {service} -e {environment}`,")
        say(f"or `outrider fail {service} -e {environment}` to keep the version before.")
        return exits.OK
    is_good = detail.get("state") == SUCCESSFUL
    say("\n" + click.style("✓ " if is_good else "✗ ", fg="green" if is_good else "red") + plain(event["message"]))
    if is_good:
        return exits.OK
    if detail.get("reason") and detail["reason"] not in event["message"]:
        say(plain(detail["reason"]))
    if detail.get("state") == NOT_PLACED:
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


def _again(deployment: dict[str, Any]) -> str:
    where = f"{deployment['service']} -e {deployment['environment']}"
    return f"Watch it again: `outrider history {where} --deployment {short(deployment['id'])} --follow`."


def _detail(event: dict[str, Any]) -> dict[str, Any]:
    return event.get("detail") or {}
