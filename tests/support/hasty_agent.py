"""The agent with shorter limits than anybody may set, for what would else take minutes; everything else is its own.

As a program: ``hasty_agent.py NAME=SECONDS …``, with the names of ``outrider_agent.rules.Limits``.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator
from pathlib import Path

from outrider_agent import agent, settings
from outrider_agent.__main__ import say
from outrider_agent.rules import Limits
from outrider_agent.serving import channels
from outrider_harness.agents import Agent, listening


class HastyAgent(Agent):
    def __init__(self, directory: Path, consul: str, upstreams: str, limits: dict[str, float]) -> None:
        self._limits = limits
        more = {"PYTHONPATH": ":".join(sys.path)}
        super().__init__(directory, consul, upstreams, more, sys.executable)

    def program(self, archive: Path) -> list[str]:
        return [__file__, *(f"{name}={seconds}" for name, seconds in self._limits.items())]


@contextlib.contextmanager
def running_hasty_agent(directory: Path, consul: str, upstreams: str, **limits: float) -> Generator[Agent]:
    """An agent that listens already."""
    with listening(HastyAgent(directory, consul, upstreams, limits)) as started:
        yield started


def shortened(words: list[str]) -> Limits:
    limits = Limits()
    for word in words:
        name, _, seconds = word.partition("=")
        getattr(limits, name)  # a name that is none fails here
        setattr(limits, name, float(seconds))
    return limits


if __name__ == "__main__":
    found = settings.settings(settings.environment())
    agent.Agent(found, shortened(sys.argv[1:]), channels(found.consul), say).serve()
