"""The verbs that steer what runs: promote, fail, scale, stop."""

from __future__ import annotations

from typing import Any

import click

from outrider.cli import exits
from outrider.cli.arguments import Number, short
from outrider.cli.invocation import Invocation, portal_verb
from outrider.cli.watching import Waiting, waiting_options, watched

MOST = 10_000
"""Allocations, as in a spec's count."""


@click.command(short_help="Let a healthy canary take over.")
@click.argument("service")
@portal_verb
async def promote(invocation: Invocation, service: str) -> int:
    """Let the healthy canary of SERVICE take over from the version before."""
    return await _acted(invocation, service, "promote", {}, "promoted")


@click.command(short_help="Fail a running deployment, so that the version before stays.")
@click.argument("service")
@portal_verb
async def fail(invocation: Invocation, service: str) -> int:
    """Fail the running deployment of SERVICE; the version before stays, or comes back with `update.auto_revert`."""
    return await _acted(invocation, service, "fail", {}, "failed, as asked")


@click.command(short_help="Change the number of a service's allocations.")
@click.argument("service")
@click.argument("count", type=Number(0, MOST))
@waiting_options
@portal_verb
async def scale(invocation: Invocation, service: str, count: int, *, waiting: Waiting) -> int:
    """Run COUNT allocations of SERVICE; those that run already are kept."""
    deployment = await invocation.portal.act(await invocation.environment(), service, "scale", {"count": count})
    return await watched(invocation, deployment, waiting)


@click.command(short_help="Stop a service; its versions stay for a later rollback.")
@click.argument("service")
@click.option("--purge", is_flag=True, help="Let Nomad forget the job as well.")
@waiting_options
@portal_verb
async def stop(invocation: Invocation, service: str, *, purge: bool, waiting: Waiting) -> int:
    """Stop all allocations of SERVICE without losing a request; `outrider rollback` brings it back."""
    deployment = await invocation.portal.act(await invocation.environment(), service, "stop", {"purge": purge})
    return await watched(invocation, deployment, waiting)


async def _acted(invocation: Invocation, service: str, verb: str, body: dict[str, Any], done: str) -> int:
    environment = await invocation.environment()
    deployment = await invocation.portal.act(environment, service, verb, body)
    text = f"Deployment {short(deployment['id'])} of {service} in {environment}: {done}."
    invocation.output.show(deployment, lambda: [text])
    return exits.OK
