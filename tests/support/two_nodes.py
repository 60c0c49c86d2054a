"""Two network namespaces with a wire between them and a node in each; the kernel removes them with their programs."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("node.py")
NAMES = {"node-1": "10.77.0.1", "node-2": "10.77.0.2"}
END_S = 30


@dataclass(frozen=True, slots=True)
class RemoteNode:
    """A node's program; every verb of it is a call from inside its namespace."""

    name: str
    address: str
    process: subprocess.Popen[str]

    def __call__(self, verb: str, *arguments: Any) -> Any:
        self.tell(verb, *arguments)
        return self.heard()

    def tell(self, verb: str, *arguments: Any) -> None:
        """Call without waiting; what comes of it is ``heard``."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps([verb, *arguments]) + "\n")
        self.process.stdin.flush()

    def heard(self) -> Any:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, f"{self.name} has ended: see its log"
        return json.loads(line)


@contextlib.contextmanager
def two_nodes(directory: Path, ip: str, envoy: str, transport: str) -> Generator[tuple[RemoteNode, RemoteNode]]:
    """The first node has the registry, the second one's scheduler joins it."""
    with contextlib.ExitStack() as stack:
        first, second = (stack.enter_context(_node(name, directory / name, envoy, transport)) for name in NAMES)
        ends = [["name", "wire", "netns", str(node.process.pid)] for node in (first, second)]
        one, other = ends
        subprocess.run([ip, "link", "add", *one, "type", "veth", "peer", *other], check=True)
        for node in (first, second):
            assert node("wire") == "wired"
        consul = first("start", "")
        second("start", consul)
        yield first, second


@contextlib.contextmanager
def _node(name: str, directory: Path, envoy: str, transport: str) -> Generator[RemoteNode]:
    directory.mkdir()
    command = ["unshare", "--net", sys.executable, str(PROGRAM), name, NAMES[name], str(directory), envoy, transport]
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
    node = RemoteNode(name, NAMES[name], process)
    try:
        assert node.heard() == "hello"
        yield node
    finally:
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """Closing its input tells it to end."""
    assert process.stdin
    assert process.stdout
    process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(END_S)
    process.kill()
    process.wait()
    process.stdout.close()
