"""The verbs that steer what runs: promote, fail, scale, restart, stop, start."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import click

from outrider.cli import exits
from outrider.cli.arguments import Number, short
from outrider.cli.invocation import Invocation, portal_verb
from outrider.cli.reasons import Why, reason_options
from outrider.cli.watching import Waiting, waiting_options, watched
from outrider.operations.request_bodies import MOST_COUNT, ChangeBody, RestartBody, ScaleBody, StopBody


def restart_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add what is to be restarted, and how; the function gets the fields of a request's body as `chosen`."""

    @click.option("--allocation", metavar="ID", help="Only this one: another one takes its place (a prefix will do).")
    @click.option("--task", metavar="NAME", help="Restart this task where it is; callers notice: it stays in Consul.")
    @click.option("--all-at-once", is_flag=True, help="Wait for nobody in between: requests are lost.")
    @functools.wraps(function)
    def called(*arguments: Any, allocation: str | None, task: str | None, all_at_once: bool, **rest: Any) -> Any:
        return function(*arguments, chosen={"allocation": allocation, "task": task, "all_at_once": all_at_once}, **rest)

    return called


@click.command(short_help="Let a healthy canary take over.")
@click.argument("service")
@reason_options
@portal_verb
async def promote(invocation: Invocation, service: str, *, why: Why) -> int:
    """Let the healthy canary of SERVICE take over from the version before."""
    return await _acted(invocation, service, "promote", "promoted", why)


@click.command(short_help="Fail a running deployment, so that the version before stays.")
@click.argument("service")
@reason_options
@portal_verb
async def fail(invocation: Invocation, service: str, *, why: Why) -> int:
    """Fail the running deployment of SERVICE; the version before stays, or comes back with `update.auto_revert`."""
    return await _acted(invocation, service, "fail", "failed, as asked", why)


@click.command(short_help="Change the number of a service's allocations.")
@click.argument("service")
@click.argument("count", type=Number(0, MOST_COUNT))
@reason_options
@waiting_options
@portal_verb
async def scale(invocation: Invocation, service: str, count: int, *, why: Why, waiting: Waiting) -> int:
    """Run COUNT allocations of SERVICE; those that run already are kept."""
    body = ScaleBody(count=count, **why.fields)
    deployment = await invocation.portal.act(await invocation.environment(), service, "scale", body)
    return await watched(invocation, deployment, waiting)


@click.command(short_help="Restart what runs, one allocation after the other.")
@click.argument("service")
@restart_options
@reason_options
@waiting_options
@portal_verb
async def restart(
    invocation: Invocation, service: str, *, chosen: Mapping[str, Any], why: Why, waiting: Waiting
) -> int:
    """Restart SERVICE as it runs: the same version, the same sidecar, by its own update rules, without losing a request.

    Each new allocation is healthy before the next old one goes, and the first that does not get healthy ends it.

    For example: `outrider restart checkout -e stage`, or of one allocation `--allocation 3f2a91c0`.
    """
    body = RestartBody(**chosen, **why.fields)
    deployment = await invocation.portal.act(await invocation.environment(), service, "restart", body)
    return await watched(invocation, deployment, waiting)


@click.command(short_help="Stop a service; `outrider start` brings it back.")
@click.argument("service")
@click.option("--purge", is_flag=True, help="Let Nomad forget the job as well.")
@reason_options
@waiting_options
@portal_verb
async def stop(invocation: Invocation, service: str, *, purge: bool, why: Why, waiting: Waiting) -> int:
    """Stop all allocations of SERVICE without losing a request; `outrider start` brings it back as it was.

    Services that call it are named: their requests to it fail from then on.
    """
    body = StopBody(purge=purge, **why.fields)
    deployment = await invocation.portal.act(await invocation.environment(), service, "stop", body)
    return await watched(invocation, deployment, waiting)


@click.command(short_help="Start a stopped service again, as it was.")
@click.argument("service")
@reason_options
@waiting_options
@portal_verb
async def start(invocation: Invocation, service: str, *, why: Why, waiting: Waiting) -> int:
    """Start SERVICE again after `outrider stop`: the version that ran, with the count that it had."""
    deployment = await invocation.portal.act(await invocation.environment(), service, "start", ChangeBody(**why.fields))
    return await watched(invocation, deployment, waiting)


async def _acted(invocation: Invocation, service: str, verb: str, done: str, why: Why) -> int:
    environment = await invocation.environment()
    deployment = await invocation.portal.act(environment, service, verb, ChangeBody(**why.fields))
    text = f"Deployment {short(deployment.id)} of {service} in {environment}: {done}."
    invocation.output.show(deployment, lambda _: [text])
    return exits.OK
