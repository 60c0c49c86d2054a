"""The trivial cases as one action each, by the command line: connect two running services, add a Redis and a PostgreSQL."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from support.stage import ENVIRONMENT, Stage, spec

APP = Path(__file__).parents[1] / "support" / "shop_app.py"
CHECKOUT = f"""\
# Takes orders.
service: checkout   # its name
run: {{command: [{sys.executable}, {APP}]}}
checks:
  - {{http: /, interval: 1s, timeout: 1s}}
update: {{min_healthy_time: 0s, healthy_deadline: 30s}}
stop: {{delay: 2s, timeout: 2s}}
"""
PAYMENTS = spec("paid").replace("service: echo", "service: payments")


@dataclass(frozen=True)
class Shop:
    """checkout runs, and its file lies in the directory."""

    stage: Stage
    directory: Path

    @property
    def text(self) -> str:
        return (self.directory / "checkout.yaml").read_text()

    async def outrider(self, *arguments: str) -> tuple[int, str]:
        """Its exit code and all that it says."""
        command = [str(Path(sys.executable).with_name("outrider")), *arguments]
        process = await asyncio.create_subprocess_exec(
            *command,
            "-e",
            ENVIRONMENT,
            "--addr",
            self.stage.address,
            cwd=self.directory,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode()

    async def ask(self, path: str) -> str:
        """What checkout answers."""
        status = await self.stage.portal.status(ENVIRONMENT, "checkout")
        async with httpx2.AsyncClient() as client:
            return (await client.get(f"http://{status.instances[0].address}{path}")).text

    async def allocations(self, service: str) -> set[str]:
        found = await self.stage.nomad.allocations(service)
        return {one["ID"] for one in found if one["ClientStatus"] == "running"}


@pytest.fixture
async def shop(stage: Stage, tmp_path: Path) -> Shop:
    directory = tmp_path / "files"
    directory.mkdir()
    (directory / "checkout.yaml").write_text(CHECKOUT)
    made = Shop(stage, directory)
    code, said = await made.outrider("run", "checkout.yaml")
    assert code == 0, said
    return made


async def test_two_running_services_are_connected_and_the_callee_is_not_touched(shop: Shop) -> None:
    assert (await shop.stage.run(PAYMENTS)).state == "successful"
    before = await shop.allocations("payments")
    code, said = await shop.outrider("connect", "checkout", "payments", "--timeout", "800ms", "--yes")
    assert code == 0, said
    assert "+  payments: {timeout: 800ms}" in said
    assert await shop.ask("/calls") == "paid"
    assert await shop.allocations("payments") == before
    code, said = await shop.outrider("disconnect", "checkout", "payments", "--yes")
    assert code == 0, said
    assert shop.text == CHECKOUT
    assert await shop.allocations("payments") == before


@pytest.mark.needs("redis")
async def test_a_redis_is_added_to_a_running_service_which_uses_it(shop: Shop) -> None:
    code, said = await shop.outrider("add", "redis", "sessions", "--to", "checkout", "--set", "memory=64", "--yes")
    assert code == 0, said
    assert "What is lost: Everything it holds is lost" in said
    assert await shop.ask("/redis") == "+OK $5 three"
    assert 'nomad_variable: "nomad/jobs/checkout#sessions_password"' in shop.text
    assert "service: checkout   # its name" in shop.text
    items = (await shop.stage.nomad.variable("nomad/jobs/sessions") or {})["Items"]
    assert len(items["password"]) == 48
    assert items["password"] not in said + shop.text
    kept = shop.stage.cluster.directory / "variables.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    again, said = await shop.outrider("add", "redis", "sessions", "--to", "checkout", "--yes")
    assert (again, "Nothing to do: checkout uses sessions already" in said) == (0, True), said


@pytest.mark.needs("redis")
async def test_what_a_kept_redis_holds_outlives_its_allocation(shop: Shop) -> None:
    code, said = await shop.outrider("add", "redis", "sessions", "--to", "checkout", "--set", "keep=true", "--yes")
    assert code == 0, said
    assert "the host volume sessions-data is on 1 of 1 nodes" in said
    assert await shop.ask("/redis") == "+OK $5 three"
    assert (shop.stage.cluster.directory / "volumes" / "sessions-data" / "appendonlydir").is_dir()


@pytest.mark.needs("postgres")
async def test_a_postgresql_is_added_and_its_data_outlives_a_new_version(shop: Shop) -> None:
    code, said = await shop.outrider("add", "postgresql", "orders-db", "--to", "checkout", "--yes")
    assert code == 0, said
    assert await shop.ask("/postgresql") == "1 app"
    before = await shop.allocations("orders-db")
    code, said = await shop.outrider("pull", "orders-db", "orders-db.yaml", "--yes")
    file = shop.directory / "orders-db.yaml"
    file.write_text(file.read_text().replace("memory: 512", "memory: 600"))
    code, said = await shop.outrider("run", "orders-db.yaml")
    assert code == 0, said
    assert await shop.allocations("orders-db") != before
    async with asyncio.timeout(30):
        while not (await shop.ask("/postgresql")).startswith("2 "):  # noqa: ASYNC110  another process has no event to wait for
            await asyncio.sleep(0.2)
