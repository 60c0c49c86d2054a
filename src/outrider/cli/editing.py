"""The verbs that change whom a service calls: connect, disconnect; in its file where that is here, else in what is stored."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from outrider.cli.edit_targets import Target, Wanted, carried_out, target_options
from outrider.cli.flags import in_flags
from outrider.cli.invocation import Invocation, portal_verb
from outrider.operations.request_bodies import ConnectBody, DisconnectBody, KnobsBody
from outrider.operations.wishes import connect_wish, disconnect_wish


class NumberOrDefault(click.ParamType[int | str]):
    """A whole number, or the word that takes the knob away."""

    name = "number|default"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        if isinstance(value, int) or value == "default":
            return value if isinstance(value, int) else "default"
        if not str(value).isascii() or not str(value).isdigit():
            self.fail(f"{value!r} is neither a whole number nor the word default", param, ctx)
        return int(str(value))


def knob_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add a flag for each setting of an upstream; the function gets those that were given as `knobs`."""

    @click.option("--timeout", metavar="DURATION", help="Longest time for a whole request, such as 800ms.")
    @click.option("--retries", type=NumberOrDefault(), metavar="N", help="How often a failed request is tried again.")
    @click.option("--limit", type=NumberOrDefault(), metavar="N", help="Most concurrent requests per allocation.")
    @click.option("--stream/--no-stream", default=None, help="Long answers: an idle timeout only.")
    @click.option("--keep-alive", metavar="DURATION", help="How long the callee keeps an idle connection.")
    @click.option("--protocol", metavar="NAME", help="What it speaks, where Outrider does not know it.")
    @click.option("--address", metavar="HOST:PORT", help="Of a service outside Consul.")
    @click.option("--tls/--no-tls", default=None, help="Speak TLS to --address.")
    @functools.wraps(function)
    def called(*arguments: Any, **given: Any) -> Any:
        said = {name: given.pop(name) for name in KnobsBody.model_fields}
        return function(*arguments, knobs=KnobsBody(**said), **given)

    return called


@click.command(short_help="Let a service call another one, and deploy it.")
@click.argument("service")
@click.argument("callee")
@knob_options
@target_options
@portal_verb
async def connect(invocation: Invocation, service: str, callee: str, *, knobs: KnobsBody, target: Target) -> int:
    r"""Let SERVICE call CALLEE, with these knobs; where it does already, change the knobs.

    The change is shown as a diff and planned; on a yes it is written into the service's file (outrider.yaml, SERVICE.yaml
    or SERVICE/outrider.yaml here, or --file), with every comment kept, and deployed. Without such a file the text of the
    version that runs is changed. CALLEE is not touched. The word `default` takes a knob away.

    \b
    outrider connect checkout payments --timeout 800ms --retries 2 -e stage

    Exits as `outrider run` does; 0 where there is nothing to do, 3 where it was shown only, because nobody said yes.
    """
    body = ConnectBody(callee=callee, knobs=knobs, environment_only=target.is_environment_only)
    with in_flags(callee, knobs.said):
        return await carried_out(invocation, service, Wanted("connect", body, connect_wish(service, body)), target)


@click.command(short_help="Let a service no longer call another one, and deploy it.")
@click.argument("service")
@click.argument("callee")
@target_options
@portal_verb
async def disconnect(invocation: Invocation, service: str, callee: str, *, target: Target) -> int:
    r"""Let SERVICE no longer call CALLEE: shown, written and deployed as `outrider connect` does it.

    CALLEE goes on running.

    \b
    outrider disconnect checkout payments -e stage
    """
    body = DisconnectBody(callee=callee, environment_only=target.is_environment_only)
    with in_flags(callee, {}):
        return await carried_out(invocation, service, Wanted("disconnect", body, disconnect_wish(body)), target)
