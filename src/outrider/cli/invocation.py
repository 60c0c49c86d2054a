"""What every verb shares: where its settings and streams come from, its common options, and how it meets the portal."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click
import httpx2
from outrider_ground.errors import Problem, SpecError

from outrider.cli.forms import FORMATS, MARKDOWN
from outrider.cli.output import Output, colour
from outrider.clients.portal import PortalClient, portal_client
from outrider.context_file import ContextFileError
from outrider.settings import Settings, settings, with_flags


@dataclass(frozen=True, slots=True)
class ProcessContext:
    """What a caller of the command line may put in place of the process's own: `obj` of click's context."""

    settings: Settings
    transport: httpx2.AsyncBaseTransport | None = None


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


def process_context() -> ProcessContext:
    """Those of the current click context, made from the process where nobody has put others."""
    context = click.get_current_context().find_root()
    if not isinstance(context.obj, ProcessContext):
        context.obj = ProcessContext(_own_settings())
    return context.obj


def _own_settings() -> Settings:
    """Those of the process; SpecError where the person's context file cannot be used."""
    try:
        return settings()
    except ContextFileError as error:
        problems = tuple(Problem(key, message, file=str(error.file)) for key, message in error.problems)
        raise SpecError(problems) from error


def output_options(function: Callable[..., Any], forms: Sequence[str] = FORMATS) -> Callable[..., Any]:
    """Add -o and --no-color; the function gets `output: Output` first."""

    @click.option("-o", "--output", "form", type=click.Choice(forms), default="table", help="How to print the result.")
    @click.option("--no-color", is_flag=True, help="No colours (also: NO_COLOR).")
    @functools.wraps(function)
    def called(*, form: str, no_color: bool, **rest: Any) -> Any:
        is_coloured = colour(process_context().settings.terminal, is_refused=no_color)
        click.get_current_context().color = is_coloured
        return function(Output(form), **rest)

    return called


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
