"""An agent that sees other files than its neighbours: a mount namespace of its own, which takes root."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import sys
from collections.abc import Generator, Mapping
from pathlib import Path

from outrider_harness.agents import Agent, listening


class MountedAgent(Agent):
    """``mounts`` are shell commands that run in the namespace before the agent does."""

    def __init__(
        self, directory: Path, consul: str, upstreams: str, mounts: list[str], more: Mapping[str, str] | None = None
    ) -> None:
        self._mounts = mounts
        super().__init__(directory, consul, upstreams, more or {}, "unshare")

    def program(self, archive: Path) -> list[str]:
        agent = shlex.join([sys.executable, "-I", "-S", str(archive)])
        return ["--mount", "--propagation", "private", "sh", "-ec", "\n".join([*self._mounts, f"exec {agent}"])]

    def sees(self, path: Path) -> Path:
        """Where this process finds what the agent has there."""
        return Path(f"/proc/{self.pid}/root") / path.relative_to("/")

    def runs_there(self, *command: str) -> None:
        """A command in the agent's namespace."""
        subprocess.run(["nsenter", "--mount", f"--target={self.pid}", "--", *command], check=True)


@contextlib.contextmanager
def running_mounted_agent(
    directory: Path, consul: str, upstreams: str, mounts: list[str], more: Mapping[str, str] | None = None
) -> Generator[MountedAgent]:
    """An agent that listens already."""
    agent = MountedAgent(directory, consul, upstreams, mounts, more)
    with listening(agent):
        yield agent


def instead(path: str, content: str, directory: Path) -> str:
    """The command that puts other content into a file of the system."""
    source = directory / path.replace("/", "_")
    source.write_text(content)
    return shlex.join(["mount", "--bind", str(source), path])
