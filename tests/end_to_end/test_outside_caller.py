"""A caller outside the mesh, which keeps its connections and asks Consul each second, over deploys of its callee."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from outrider_harness.account import ANSWERING_APP
from support.stage import ENVIRONMENT, Stage

from outrider.operations.request_bodies import ScaleBody

RATE = 100.0
CALLER = Path(__file__).parents[1] / "support" / "outside_caller.py"
SPEC = """
service: echo
run: {{command: [{python}, {app}]}}
checks: [{{http: /, interval: 1s, timeout: 1s}}]
env: {{FLAVOUR: {flavour}, LEDGER: "{ledger}"}}
count: {count}
stop: {{delay: 2s, timeout: 5s}}
update: {{min_healthy_time: 0s, healthy_deadline: 30s}}
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Where the app enters each POST."""
    return tmp_path / "ledger"


def spec(flavour: str, count: int, ledger: Path) -> str:
    return SPEC.format(python=sys.executable, app=ANSWERING_APP, flavour=flavour, count=count, ledger=ledger)


@contextlib.asynccontextmanager
async def calling(stage: Stage) -> AsyncGenerator[dict[str, Any]]:
    """The caller asks while the block runs; after it the account is filled."""
    account: dict[str, Any] = {}
    pipe = asyncio.subprocess.PIPE
    arguments = [sys.executable, str(CALLER), stage.cluster.consul_address, "echo", str(RATE)]
    process = await asyncio.create_subprocess_exec(*arguments, stdin=pipe, stdout=pipe)
    try:
        assert process.stdout
        assert await process.stdout.readline(), "it has not begun"
        await asyncio.sleep(1.0)
        yield account
        await asyncio.sleep(1.0)
        output, _ = await process.communicate(b"")
        account.update(json.loads(output))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def processes(stage: Stage) -> int:
    """How many allocations have one."""
    return sum(one["ClientStatus"] == "running" for one in await stage.nomad.allocations("echo"))


async def left(stage: Stage, count: int) -> None:
    """Wait until so many allocations are left, those that only end included."""
    async with asyncio.timeout(60):
        while await processes(stage) != count:  # noqa: ASYNC110  what is waited for happens in other processes
            await asyncio.sleep(0.1)


async def running(stage: Stage, count: int, ledger: Path) -> None:
    """So many allocations of a first version."""
    ended = await stage.run(spec("one", count, ledger))
    assert ended.state == "successful", ended


def assert_nothing_lost(account: dict[str, Any], ledger: Path) -> None:
    assert account["lost"] == []
    assert account["told"] > 0, f"nobody sent it away: this proves nothing {account}"
    entries = Counter(ledger.read_text().split())
    assert len(entries) == (account["sent"] + 1) // 2, "every second request is a POST"
    assert set(entries.values()) == {1}


@pytest.mark.parametrize("count", [1, 2])
async def test_d01_a_caller_outside_the_mesh_loses_nothing_over_a_rolling_deploy(
    stage: Stage, ledger: Path, count: int
) -> None:
    """With the shortest ``stop.delay`` that a spec may have."""
    await running(stage, count, ledger)
    async with calling(stage) as account:
        ended = await stage.run(spec("two", count, ledger))
        assert ended.state == "successful", ended
        await left(stage, count)
    assert_nothing_lost(account, ledger)


async def test_a_caller_outside_the_mesh_loses_nothing_when_its_callee_is_scaled_down(
    stage: Stage, ledger: Path
) -> None:
    await running(stage, 2, ledger)
    async with calling(stage) as account:
        ended = await stage.ended(await stage.portal.act(ENVIRONMENT, "echo", "scale", ScaleBody(count=1)))
        assert ended.state == "successful", ended
        await left(stage, 1)
    assert_nothing_lost(account, ledger)
