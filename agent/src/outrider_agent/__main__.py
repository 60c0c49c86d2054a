"""The verbs: ``serve`` (also without a verb) answers Envoy, ``gate`` waits until a sidecar can carry traffic."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable

from outrider_agent import gate
from outrider_agent.agent import Agent
from outrider_agent.aside import within
from outrider_agent.channel import Channel
from outrider_agent.listener import ListenError
from outrider_agent.log import Log
from outrider_agent.rules import Limits
from outrider_agent.settings import ConsulSettings, SettingsError, environment, settings

USAGE = (
    "usage: outrider-agent [serve | gate [SECONDS]]; settings are environment variables, see docs/reference/agent.md"
)
FAILED = 1
USAGE_ERROR = 64  # EX_USAGE
FAULT = 70  # EX_SOFTWARE
SETTINGS_ERROR = 78  # EX_CONFIG
STANDARD_ERROR = 2
NOWHERE = -1  # where standard error is closed: its number may be a socket's by now


LOG = Log(STANDARD_ERROR if sys.stderr else NOWHERE)
LAST_WORDS = 1.0  # seconds in which somebody may take them


def say(message: str) -> None:
    LOG.say(message)


def serve() -> int:
    """Until SIGTERM; then 0."""
    found = settings(environment())
    agent = Agent(found, Limits(), channels(found.consul), say)
    say(f"listening on {found.listen}, Consul at {found.consul.address}, {len(found.upstreams)} upstreams")
    agent.serve()
    say("ended by a signal")
    return 0


def wait_at_gate(patience: float) -> int:
    """0 as soon as traffic can flow; 1 with the reason after ``patience`` seconds."""
    found = settings(environment(), needs_envoy=True)
    reason = gate.open_reason(found, gate.ask, patience)
    if reason:
        say(f"not ready after {patience:.0f} s:\n{reason}")
        return FAILED
    say("Envoy is LIVE and every upstream is known")
    return 0


def channels(consul: ConsulSettings) -> Callable[[], Channel]:
    """What makes a connection's channel; only TLS Consul loads ssl, which would double the agent's memory."""
    if not consul.is_tls:
        return Channel
    tls = importlib.import_module("outrider_agent.tls")
    context = tls.context(consul)
    return lambda: tls.channel(context, consul)


def verb(arguments: list[str]) -> int:
    if arguments in ([], ["serve"]):
        return serve()
    if arguments == ["gate"]:
        return wait_at_gate(gate.PATIENCE)
    if arguments[0] == "gate" and len(arguments[1:]) == 1 and arguments[1].isdigit():
        return wait_at_gate(float(arguments[1]))
    say(USAGE)
    return USAGE_ERROR


def main() -> int:
    try:
        return ended(sys.argv[1:])
    except Exception as fault:  # noqa: BLE001  told if somebody reads, and the task starts anew in any case
        shown = (type(fault), fault, fault.__traceback__)
        within(LAST_WORDS, lambda: sys.excepthook(*shown))
        os._exit(FAULT)
    finally:
        LOG.finish(LAST_WORDS)


def ended(arguments: list[str]) -> int:
    try:
        return verb(arguments)
    except SettingsError as problem:
        say(f"settings that cannot be used:\n{problem}")
        return SETTINGS_ERROR
    except ListenError as problem:
        say(str(problem))
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
