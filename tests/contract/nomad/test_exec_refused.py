"""Commands that Nomad does not let the portal run: refused in the product's words, whatever was typed meanwhile."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest
from outrider_embedded.cluster import served_scheduler
from outrider_embedded.registry.running import running_registry
from outrider_embedded.scheduler.server import Setting
from outrider_ground.errors import OutriderError, RemoteError
from outrider_ground.settings import host_environment
from outrider_harness.nomad_calls import NomadCalls, job, task
from outrider_harness.nomads import nomad_server

from outrider.clients.nomad import nomad_client
from outrider.operations.exec_records import Exec
from outrider.operations.exec_refusals import explained
from outrider.server_settings import NomadSettings

RIGHTS = ('"read-job", "submit-job"', '"read-job", "submit-job", "alloc-exec"')
"""The second lacks alloc-node-exec, which a task of raw_exec needs as well."""
SAID = "Nomad does not let the portal run commands"
NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Closed:
    """A Nomad with a running job, and tokens that may not run commands in it."""

    calls: NomadCalls
    tokens: tuple[str, ...]

    async def refusal(self, token: str, allocation: str, typed: int, *, has_terminal: bool) -> OutriderError | str:
        """The error in the product's words, or what came instead; so many kilobytes were typed before it came."""
        nomad = nomad_client(str(self.calls.nomad.base_url), NomadSettings(token=token))
        made = Exec("1", "stage", "shut", allocation, "app", ("/bin/echo", "x"), has_terminal, "kim", datetime.now(UTC))
        try:
            async with (
                asyncio.timeout(20),
                nomad.exec(allocation, "app", made.command, has_terminal=has_terminal) as stream,
                asyncio.TaskGroup() as work,
            ):
                typing = work.create_task(types(stream, typed))
                try:
                    return f"{[frame async for frame in stream.received()]}"
                except RemoteError as error:
                    return explained(error, made)
                finally:
                    typing.cancel()
        finally:
            await nomad.close()


async def types(stream: Any, kilobytes: int) -> None:
    """As after the moment that a session leaves Nomad to refuse."""
    await asyncio.sleep(0.25)
    for _ in range(kilobytes):
        await stream.send({"stdin": {"data": base64.b64encode(b"x" * 1024).decode()}})


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.needs("nomad", "consul"))])
async def closed(request: pytest.FixtureRequest, program: Any, tmp_path: Path) -> AsyncGenerator[Closed]:
    """The embedded one has no tokens: it refuses everybody, as a node does that says disable_remote_exec."""
    if request.param == "embedded":
        async with running_registry("dc1") as registry:
            setting = Setting(
                "dc1", tmp_path, registry.address, (26_000, 26_500), host_environment(), runs_commands=False
            )
            async with served_scheduler(setting) as nomad, calls(nomad, registry.address) as found:
                yield Closed(found, ("",))
        return
    await asyncio.to_thread(tmp_path.chmod, 0o711)
    with nomad_server(program("nomad"), program("consul"), tmp_path, with_acls=True, first_port=34_000) as servers:
        async with calls(servers.nomad, servers.consul, servers.headers) as found:
            yield Closed(found, (*[await token(found, one) for one in RIGHTS], "11111111-2222-3333-4444-555555555555"))


@asynccontextmanager
async def calls(nomad: str, consul: str, headers: dict[str, str] | None = None) -> AsyncGenerator[NomadCalls]:
    async with (
        httpx2.AsyncClient(base_url=nomad, timeout=60, headers=headers) as first,
        httpx2.AsyncClient(base_url=consul, timeout=60) as second,
    ):
        yield NomadCalls(first, second)


async def token(calls: NomadCalls, capabilities: str) -> str:
    name = f"exec-{next(NUMBERS)}"
    rules = f'namespace "default" {{ capabilities = [{capabilities}] }}'
    (await calls.nomad.post(f"/v1/acl/policy/{name}", json={"Name": name, "Rules": rules})).raise_for_status()
    made = await calls.post("/v1/acl/token", {"Name": name, "Type": "client", "Policies": [name]})
    return str(made["SecretID"])


async def test_a_token_without_the_right_to_run_commands_is_told_so_whatever_was_typed(closed: Closed) -> None:
    await closed.calls.healthy(job("shut", task("app")))
    (one,) = await closed.calls.allocations("shut")
    for secret in closed.tokens:
        for typed in (0, 1, 2_000):
            for has_terminal in (False, True):
                error = await closed.refusal(secret, one["ID"], typed, has_terminal=has_terminal)
                assert isinstance(error, RemoteError), (typed, has_terminal, error)
                assert error.message == SAID, (typed, has_terminal)
