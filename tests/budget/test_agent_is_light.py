"""The agent's budget: which modules it may load, and how much memory it may take."""

from __future__ import annotations

import marshal
import subprocess
import sys
from pathlib import Path

from outrider_agent import archive_start
from outrider_harness.agents import Agent, running_agent
from outrider_harness.envoys import running_envoy
from outrider_harness.programs import short_directory
from outrider_harness.scripted_consul import FakeConsul, entry
from outrider_harness.usage import mapped
from outrider_harness.waiting import eventually

from outrider.clients.agent_archive import FILENAME, agent_archive

# Packages and modules of the standard library, beside what a bare interpreter has loaded.
ALLOWED = frozenset(
    [
        "__future__",
        "_collections_abc",
        "_json",
        "_socket",
        "_stat",
        "errno",
        "genericpath",
        "importlib",
        "itertools",
        "os",
        "posixpath",
        "select",
        "stat",
        "types",
        "warnings",
    ]
)
STANDARD = frozenset(sys.stdlib_module_names)
LOADED = """
import sys, marshal
codes = marshal.loads(open({codes!r}, "rb").read())
sys.argv = ["-c", "outrider-agent.pyz", "none"]
try:
    exec(codes.pop("outrider_agent.compiled"), {{"__name__": "__main__", "codes": codes}})
except SystemExit:
    pass
import outrider_agent.{verb}
print(*sorted(sys.modules))
"""
MOST_PRIVATE_MB = 6.5  # bench/agent_memory.py holds 5; another interpreter may need more, a heavy import does


def modules(code: str) -> set[str]:
    """What an interpreter has loaded after this code."""
    command = [sys.executable, "-I", "-S", "-c", code]
    return set(subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.split())


def loaded_by_the_agent(directory: Path, verb: str = "serving") -> set[str]:
    """What the interpreter has loaded that the archive starts anew, with the module of a verb."""
    archive, codes = directory / FILENAME, directory / "codes"
    archive.write_bytes(agent_archive())
    codes.write_bytes(marshal.dumps(archive_start.codes(str(archive))))
    return modules(LOADED.format(codes=str(codes), verb=verb))


def test_the_agent_loads_no_more_of_the_standard_library_than_is_allowed(tmp_path: Path) -> None:
    """json, re, enum, socket, signal, typing, logging, ssl … each cost more than they give: see decision 0011."""
    found = loaded_by_the_agent(tmp_path)
    bare = modules("import sys, zipimport; print(*sorted(sys.modules))")
    assert "outrider_agent.agent" in found
    assert not {"outrider_agent.tls", "outrider_agent.readiness", "zlib", "zipimport"} & (found - bare)
    assert {name.partition(".")[0] for name in found - bare} - ALLOWED == {"outrider_agent"}


def test_the_agent_imports_nothing_but_itself_and_the_standard_library(tmp_path: Path) -> None:
    found = {name.partition(".")[0] for name in loaded_by_the_agent(tmp_path)}
    assert found - STANDARD - {"__main__", "_distutils_hack"} == {"outrider_agent"}


def test_the_gate_loads_nothing_of_the_agents(tmp_path: Path) -> None:
    found = loaded_by_the_agent(tmp_path, "gate")
    assert "outrider_agent.readiness" in found
    assert not {"outrider_agent.agent", "outrider_agent.watch", "outrider_agent.serving"} & found


def private_mb(agent: Agent) -> float:
    return mapped(agent.pid)["Anonymous"] / 2**20


def test_an_agent_with_twelve_upstreams_of_ten_endpoints_stays_small(envoy_bin: str) -> None:
    names = [f"upstream-{number}" for number in range(12)]
    with short_directory() as directory, FakeConsul().running() as fake:
        for number, name in enumerate(names):
            fake.put(name, *(entry("127.0.0.1", 1000 + number * 10 + one) for one in range(10)))
        with (
            running_agent(directory, fake.address, ",".join(names)) as agent,
            running_envoy(envoy_bin, directory, names),
        ):
            eventually(lambda: agent.metric("outrider_agent_polls_held ") == 12)
            assert private_mb(agent) < MOST_PRIVATE_MB
