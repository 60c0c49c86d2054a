"""Our agent as a node runs it: the archive, its settings, its answers."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from outrider_agent import settings

from outrider.clients.agent_archive import FILENAME, agent_archive
from outrider_harness.asking import fetched
from outrider_harness.programs import Program
from outrider_harness.waiting import eventually


class Agent(Program):
    """The zipapp as a node runs it; ``address`` is its unix socket."""

    def __init__(self, directory: Path, consul: str, upstreams: str, more: Mapping[str, str], python: str) -> None:
        archive = directory / FILENAME
        if not archive.exists():
            archive.write_bytes(agent_archive())
        self.address = f"unix:{directory}/agent.sock"
        self.variables = {**variables(directory, consul, upstreams), **more}
        super().__init__([python, *self.program(archive)], directory / "agent.log", self.variables, directory)

    def program(self, archive: Path) -> list[str]:
        """What the interpreter runs."""
        return ["-I", "-S", str(archive)]

    def document(self, path: str = "/endpoints") -> dict[str, Any]:
        status, body = fetched(self.address, path)
        return json.loads(body) if status else {}

    def upstream(self, label: str) -> dict[str, Any]:
        return self.document().get("upstreams", {}).get(label, {})

    def listens(self) -> bool:
        assert self.process.poll() is None, self.output()
        return fetched(self.address, "/health")[0] != 0

    def metric(self, line_start: str) -> float:
        """The value of the sample that starts so, labels included."""
        page = fetched(self.address, "/metrics")[1].decode()
        return float(next(line.rpartition(" ")[2] for line in page.splitlines() if line.startswith(line_start)))


def variables(directory: Path, consul: str, upstreams: str) -> dict[str, str]:
    """The settings of an agent whose files all lie in one directory."""
    return {
        settings.LISTEN: f"unix:{directory}/agent.sock",
        settings.UPSTREAMS: upstreams,
        settings.SNAPSHOT: f"{directory}/snapshot.json",
        settings.ENVOY_ADMIN: f"unix:{directory}/admin.sock",
        settings.CONSUL_ADDRESS: consul,
    }


@contextlib.contextmanager
def running_agent(
    directory: Path, consul: str, upstreams: str, more: Mapping[str, str] | None = None, python: str = sys.executable
) -> Generator[Agent]:
    """An agent that listens already."""
    with listening(Agent(directory, consul, upstreams, more or {}, python)) as agent:
        yield agent


@contextlib.contextmanager
def listening(agent: Agent) -> Generator[Agent]:
    """The agent as soon as it listens; it ends with the block."""
    try:
        eventually(agent.listens)
        yield agent
    finally:
        agent.end(at_once=True)
