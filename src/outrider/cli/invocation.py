"""How a verb meets the portal: its common options, and the client that the body gets and that is closed after it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from outrider.cli.forms import FORMATS, MARKDOWN
from outrider.cli.output import Output
from outrider.cli.process_context import output_options, process_context
from outrider.clients.portal import PortalClient, portal_client
from outrider.settings import Settings, with_flags


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of one verb that speaks to a portal."""

    settings: Settings
    output: Output
    portal: PortalClient

    async def environment(self) -> str:
        """The environment that was asked for, or the portal's only one."""
        if self.settings.environment:
            return self.settings.environment.value
        names = [one.name for one in await self.portal.environments()]
        if len(names) == 1:
            return names[0]
        raise click.UsageError(f"Which environment? Say -e {'|'.join(names) or 'NAME'}, or set OUTRIDER_ENVIRONMENT.")


Body = Callable[..., Awaitable[int | None]]


def reviewed_verb(body: Body) -> Callable[..., int]:
    """A verb as `portal_verb` makes one, whose result can also be Markdown."""
    return portal_verb(body, (*FORMATS, MARKDOWN))


def portal_verb(body: Body, forms: Sequence[str] = FORMATS) -> Callable[..., int]:
    """A verb that is a client of the portal: adds its options, runs the body with an Invocation, closes the client."""

    @click.option("--addr", metavar="URL", help="Address of the portal (OUTRIDER_ADDR).")
    @click.option("--token", metavar="TOKEN", help="Token for the portal (OUTRIDER_TOKEN).")
    @click.option("-e", "--environment", metavar="NAME", help="The environment (OUTRIDER_ENVIRONMENT).")
    @functools.partial(output_options, forms=forms)
    @functools.wraps(body)
    def called(output: Output, *, addr: str | None, token: str | None, environment: str | None, **rest: Any) -> int:
        found = process_context()
        chosen = with_flags(found.settings, address=addr, token=token, environment=environment)
        return asyncio.run(_ended(body, Invocation(chosen, output, portal_client(chosen, found.transport)), rest)) or 0

    return called


async def _ended(body: Body, invocation: Invocation, rest: dict[str, Any]) -> int | None:
    try:
        return await body(invocation, **rest)
    finally:
        await invocation.portal.close()
