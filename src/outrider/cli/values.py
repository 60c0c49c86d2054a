"""The verbs for values that are kept elsewhere: values shows them by fingerprints, roll starts allocations anew with them."""

from __future__ import annotations

import click

from outrider.cli import exits
from outrider.cli.invocation import Invocation, portal_verb
from outrider.cli.reasons import Why, reason_options
from outrider.cli.value_lines import value_lines
from outrider.cli.watching import Waiting, waiting_options, watched
from outrider.operations.request_bodies import ChangeBody


@click.command(short_help="Show the values that a service reads elsewhere, and which of them have changed.")
@click.argument("service")
@portal_verb
async def values(invocation: Invocation, service: str) -> int:
    """Show what SERVICE reads of Consul, Vault and Nomad's variables, by fingerprints.

    One is of what its allocations have read, one of what is there now; the value itself is never shown.

    Example: outrider values checkout -e production
    """
    found = await invocation.portal.values(await invocation.environment(), service)
    invocation.output.show(found, value_lines)
    return exits.OK


@click.command(short_help="Start a service's allocations anew by its update rules, with the values of now.")
@click.argument("service")
@reason_options
@waiting_options
@portal_verb
async def roll(invocation: Invocation, service: str, *, why: Why, waiting: Waiting) -> int:
    """Bring up SERVICE once more by its own `update` rules, so that each allocation reads the values of now.

    One after the other, with the canaries and the way back that its spec says; the version stays the same.

    Example: outrider roll checkout -e production
    """
    deployment = await invocation.portal.act(await invocation.environment(), service, "roll", ChangeBody(**why.fields))
    return await watched(invocation, deployment, waiting)
