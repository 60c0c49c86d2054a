"""The verb ``serve``: answers Envoy until it is told to end."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from outrider_agent.agent import Agent
from outrider_agent.channel import Channel
from outrider_agent.loop import Loop
from outrider_agent.rules import Limits
from outrider_agent.settings import ConsulSettings, environment, settings


def serve(say: Callable[[str], None]) -> int:
    """Until SIGTERM; then 0."""
    found = settings(environment())
    agent = Agent(found, Limits(), channels(found.consul), say)
    say(f"listening on {found.listen}, Consul at {found.consul.address}, {len(found.upstreams)} upstreams")
    agent.serve()
    say("ended by a signal")
    return 0


def channels(consul: ConsulSettings) -> Callable[[Loop], Callable[[], Channel]]:
    """What makes a connection's channel; only TLS Consul loads ssl, which would double the agent's memory."""

    def of_loop(loop: Loop) -> Callable[[], Channel]:
        return importlib.import_module("outrider_agent.tls").Trust(loop, consul).channel if consul.is_tls else Channel

    return of_loop
