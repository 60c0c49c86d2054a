"""A changed value brought to every allocation of a service by its own update rules, while requests go on."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import httpx2
from end_to_end.test_sidecar_failures import ASKING, instances, shown
from outrider_harness.account import ANSWERING_APP, Account, loaded
from support.stage import ENVIRONMENT, QUICK, Stage

from outrider.operations.records import Deployment

RATE = 100.0
KEY = "config/echo/flavour"
READING = """
service: echo
run: {{command: [{python}, {app}]}}
checks: [{{http: /, interval: 1s, timeout: 1s}}]
env: {{FLAVOUR: {{consul: config/echo/flavour}}, LEDGER: "{ledger}"}}
on_change: {word}
count: 2
stop: {{delay: 2s}}
{quick}}}
"""


def reading(word: str, directory: Path) -> str:
    """A service whose answers show the value that its allocation has read."""
    named = {"python": sys.executable, "app": ANSWERING_APP, "ledger": directory / "ledger", "quick": QUICK}
    return READING.format(word=word, **named)


async def written(stage: Stage, value: str) -> None:
    async with httpx2.AsyncClient(base_url=stage.cluster.consul_address) as consul:
        (await consul.put(f"/v1/kv/{KEY}", content=value.encode())).raise_for_status()


async def flavours(stage: Stage) -> set[str]:
    async with httpx2.AsyncClient() as client:
        return {(await client.get(f"http://{one}/")).text.rstrip(".") for one in await instances(stage, "echo")}


async def rolled_by_itself(stage: Stage) -> Deployment:
    async with asyncio.timeout(80):
        while True:
            newest = (await stage.portal.deployments(ENVIRONMENT, "echo"))[0]
            if newest.kind == "values" and newest.is_final:
                return newest
            await asyncio.sleep(0.2)


async def test_a_changed_key_is_rolled_out_under_load_and_no_request_is_lost(stage: Stage, tmp_path: Path) -> None:
    await written(stage, "before")
    for text in (reading("roll", tmp_path), ASKING):
        assert (await stage.run(text)).state == "successful"
    assert await flavours(stage) == {"before"}
    first, account = await stage.running(), Account()
    async with loaded((await shown(stage))["url"], RATE, account):
        while account.sent < RATE:  # noqa: ASYNC110  the load has no bell
            await asyncio.sleep(0.1)
        await written(stage, "after")
        ended = await rolled_by_itself(stage)
        await asyncio.sleep(1.0)
    assert (ended.state, ended.created_by) == ("successful", "outrider"), ended
    assert f"Consul key {KEY} has changed: " in ended.cause
    assert await flavours(stage) == {"after"}
    assert first.isdisjoint(await stage.running())
    assert account.failed == {}
    assert account.sent > RATE * 3


async def test_a_changed_key_waits_where_the_spec_says_ask_and_nothing_is_started_anew(
    stage: Stage, tmp_path: Path
) -> None:
    await written(stage, "before")
    assert (await stage.run(reading("ask", tmp_path))).state == "successful"
    first = await stage.running()
    await written(stage, "after")
    async with asyncio.timeout(30):
        while not (found := await stage.portal.values(ENVIRONMENT, "echo")).pending:  # noqa: ASYNC110  no bell
            await asyncio.sleep(0.2)
    assert found.held == f"`outrider roll echo -e {ENVIRONMENT}` rolls it out"
    assert set(found.pending[0].behind) == first
    assert await flavours(stage) == {"before"}
    assert await stage.running() == first
