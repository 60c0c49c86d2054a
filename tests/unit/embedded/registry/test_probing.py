"""Probes come and go with their definitions, and nothing that they started outlives them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from outrider_embedded.registry.probe_result import Threshold
from outrider_embedded.registry.probing import probing
from outrider_embedded.registry.registration import registration
from outrider_embedded.registry.state import Registry, identity


@pytest.fixture
def registry() -> Registry:
    return Registry(identity("node-1"))


@contextlib.asynccontextmanager
async def _probed(registry: Registry, **check: Any) -> AsyncGenerator[None]:
    async with probing(registry):
        _register(registry, **check)
        yield


def _register(registry: Registry, **check: Any) -> None:
    body = {"Name": "web", "Check": {"CheckID": "c", "Interval": "1s", **check}}
    registry.agent.register(registration(json.dumps(body).encode()), replace_existing=True)
    registry.publish()


async def _until(is_reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_reached():  # noqa: ASYNC110  # what is waited for is a process or a file
            await asyncio.sleep(0.02)


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_a_script_under_way_dies_with_its_probe_and_its_children_too(registry: Registry, tmp_path: Path) -> None:
    file = tmp_path / "pids"
    async with _probed(registry, Args=["sh", "-c", f"sleep 600 & echo $$ $! > {file}.new; mv {file}.new {file}; wait"]):
        await _until(file.exists)
        pids = [int(pid) for pid in file.read_text().split()]
        assert all(_lives(pid) for pid in pids)
        registry.agent.deregister("web")
        registry.publish()
        await _until(lambda: not any(_lives(pid) for pid in pids))


async def test_a_script_that_takes_too_long_is_ended(registry: Registry, tmp_path: Path) -> None:
    file = tmp_path / "pid"
    script = f"echo $$ > {file}.new; mv {file}.new {file}; sleep 600"
    async with _probed(registry, Args=["sh", "-c", script], Timeout="1s"):
        await _until(lambda: registry.agent.checks["c"].output != "")
    assert registry.agent.checks["c"].output == "Timed out (1s) running check"
    await _until(lambda: not _lives(int(file.read_text())))


async def test_a_changed_definition_is_followed(registry: Registry) -> None:
    async with _probed(registry, Args=["sh", "-c", "echo one"]):
        await _until(lambda: registry.agent.checks["c"].output == "one\n")
        _register(registry, Args=["sh", "-c", "echo two; exit 2"])
        await _until(lambda: registry.agent.checks["c"].output == "two\n")
    assert registry.agent.checks["c"].status == "critical"


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ({"HTTP": "nonsense"}, "missing an 'http://' or 'https://' protocol"),
        ({"HTTP": "http://127.0.0.1:99999/"}, "address 99999: invalid port"),
        ({"TCP": "127.0.0.1:x"}, "address x: invalid port"),
        ({"TCP": "127.0.0.1:70000"}, "address 70000: invalid port"),
        ({"Args": ["/none/such"]}, "executable file not found"),
        ({"GRPC": "127.0.0.1:1"}, "connection refused"),
    ],
)
async def test_what_cannot_be_probed_is_critical_with_a_reason(
    registry: Registry, check: dict[str, Any], words: str
) -> None:
    async with _probed(registry, **check):
        await _until(lambda: registry.agent.checks["c"].output != "")
    assert registry.agent.checks["c"].status == "critical"
    assert words in registry.agent.checks["c"].output


async def test_time_passing_expires_a_ttl_and_wakes_who_waits(registry: Registry) -> None:
    gone = asyncio.get_running_loop().create_future()
    async with _probed(registry, TTL="1s", Interval="0s", Status="passing"):
        deadline = asyncio.get_running_loop().time() + 20
        assert await registry.watches.changed(("service.web",), deadline, gone)
    assert registry.agent.checks["c"].status == "critical"


def test_thresholds_count_findings_in_a_row() -> None:
    threshold = Threshold(passes_needed=2, failures_needed=3)
    findings = [True, True, False, True, True, True, False, False]
    assert [threshold.is_reached(is_critical=one) for one in findings] == [
        False,
        False,
        False,
        False,
        False,
        True,
        False,
        True,
    ]
