"""Commands through the portal: who may open one, what is refused before it begins, what is passed on, and the limits."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pytest
from fakes.world import ADA, HURRY, World, finished, text
from outrider_ground.edge.serving import serving
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from outrider.operations.application import Application
from outrider.operations.opening import Order
from outrider.portal.app import USUAL, portal_app
from outrider.portal.turns import Bounds

TOKEN = {"Authorization": "Bearer s3cret"}
PATH = "/api/v1/environments/stage/services/checkout/exec"
LONG_S = 90.0


@dataclass
class Served:
    """A portal with a token, and a service that runs."""

    world: World
    application: Application
    address: str

    def opened(self, query: str = "?command=cat", path: str = PATH, **headers: str) -> connect:
        at = self.address.replace("http", "ws", 1)
        return connect(f"{at}{path}{query}", additional_headers={**TOKEN, **headers}, proxy=None, open_timeout=60)

    async def refused(self, query: str = "?command=cat", path: str = PATH, **headers: str) -> tuple[int, Any]:
        """The status and the document that answers instead."""
        with pytest.raises(InvalidStatus) as found:
            async with self.opened(query, path, **headers):
                pass
        answer = found.value.response
        return answer.status_code, json.loads(answer.body or b"{}")

    async def execs(self) -> list[dict[str, Any]]:
        async with httpx2.AsyncClient(base_url=self.address, headers=TOKEN) as client:
            answer = await client.get(f"{PATH}s")
            assert answer.status_code == 200, answer.text
            return answer.json()["execs"]


@asynccontextmanager
async def portal(world: World, bounds: Bounds = USUAL) -> AsyncGenerator[Served]:
    world.token = "s3cret"
    application = world.application()
    world.runner.start()
    await finished(
        application, await application.changes.deploy("stage", text("mesh: false\nport: none\n"), Order(ADA))
    )
    app = portal_app(application, bounds=bounds)
    async with asyncio.timeout(LONG_S), serving(app, "127.0.0.1", 0, grace_s=0.2, has_websockets=True) as address:
        yield Served(world, application, address)


@pytest.fixture
async def served(world: World) -> AsyncGenerator[Served]:
    async with portal(world) as made:
        yield made


async def to_the_end(socket: ClientConnection) -> list[dict[str, Any]]:
    return [json.loads(one) async for one in _until_closed(socket)]


async def _until_closed(socket: ClientConnection) -> AsyncGenerator[str | bytes]:
    try:
        async for one in socket:
            yield one
    except ConnectionClosed:
        return


def typed(data: bytes) -> str:
    return json.dumps({"stdin": {"data": base64.b64encode(data).decode()}})


async def test_a_command_runs_and_says_where(served: Served) -> None:
    async with served.opened() as socket:
        await socket.send(typed(b"hello"))
        await socket.send('{"stdin": {"close": true}}')
        begun, said, *_, ended = await to_the_end(socket)
    assert socket.close_code == 1000
    (one,) = await served.execs()
    assert begun == {"started": {"exec": one["id"], "allocation": one["allocation"], "task": "app"}}
    assert base64.b64decode(said["stdout"]["data"]) == b"hello"
    assert ended == {"exited": True, "result": {}}


async def test_it_is_kept_under_the_name_of_whoever_asked(served: Served) -> None:
    async with served.opened("?command=code&command=4", **{"X-Outrider-User": "kim"}) as socket:
        await to_the_end(socket)
    (one,) = await served.execs()
    assert (one["by"], one["command"], one["exit_code"]) == ("kim", ["code", "4"], 4)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 403),
    ],
)
async def test_no_page_of_another_site_and_nobody_without_the_token_opens_one(
    served: Served, headers: dict[str, str], status: int
) -> None:
    assert (await served.refused(**headers))[0] == status
    assert await served.execs() == []
    assert served.world.nomad.commands == []


async def test_a_page_under_a_borrowed_name_opens_none(served: Served) -> None:
    port = int(served.address.rpartition(":")[2])
    at = f"ws://evil.example:{port}{PATH}?command=cat"
    with pytest.raises(InvalidStatus) as found:
        async with connect(at, host="127.0.0.1", port=port, additional_headers=TOKEN, proxy=None):
            pass
    assert found.value.response.status_code == 421


async def test_a_browser_that_has_the_password_still_opens_none_for_another_site(served: Served) -> None:
    password = {"Authorization": f"Basic {base64.b64encode(b'x:s3cret').decode()}"}
    assert (await served.refused(**password, Origin="https://evil.example"))[0] == 403
    async with served.opened("?command=code&command=0", **password, Origin=served.address) as socket:
        assert (await to_the_end(socket))[-1]["exited"] is True


async def test_guessing_the_token_is_slow_here_too(served: Served) -> None:
    statuses = [(await served.refused(Authorization=f"Bearer {number}"))[0] for number in range(12)]
    assert statuses[:10] == [401] * 10
    assert statuses[-1] == 429


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("?command=cat&task=nosuch", 404, "has no task nosuch"),
        ("?command=cat&allocation=ffff", 404, "has no allocation ffff"),
        ("?command=cat&more=1", 400, "more"),
        ("?command=cat&tty=maybe", 400, "tty"),
        ("?command=%00", 400, "command"),
        (f"?command={'x' * 6_000}", 404, "the command is too long"),
        ("?" + "&".join(["command=x"] * 257), 400, "command"),
    ],
)
async def test_what_cannot_be_is_answered_before_it_begins(served: Served, query: str, status: int, said: str) -> None:
    found, document = await served.refused(query)
    assert (found, document["status"]) == (status, status)
    assert said in document["detail"]
    assert await served.execs() == []


@pytest.mark.parametrize("more", [{"query": "?command=" + "x" * 9_000}, {"X-Long": "x" * 9_000}])
async def test_a_head_that_no_websocket_can_have_is_answered_at_once(served: Served, more: dict[str, str]) -> None:
    query = more.pop("query", "?command=cat")
    with pytest.raises(InvalidStatus) as found:
        async with served.opened(query, **more):
            pass
    assert found.value.response.status_code == 431


async def test_too_many_headers_are_answered_at_once_without_a_token(served: Served) -> None:
    host, _, port = served.address.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    more = "".join(f"X-{number}: 1\r\n" for number in range(200))
    head = f"GET {PATH} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{more}\r\n"
    writer.write(head.encode())
    assert (await reader.read()).startswith(b"HTTP/1.1 431 ")
    writer.close()


async def test_a_service_or_environment_that_is_not_there_is_a_404(served: Served) -> None:
    for path in (PATH.replace("checkout", "nosuch"), PATH.replace("stage", "nowhere")):
        status, document = await served.refused(path=path)
        assert status == 404
        assert document["next_step"]


async def test_without_a_command_it_is_a_shell(served: Served) -> None:
    async with served.opened("") as socket:
        await socket.recv()
        async with asyncio.timeout(LONG_S):
            while not served.world.nomad.commands:  # noqa: ASYNC110 - nobody tells of it
                await asyncio.sleep(0.01)
    assert served.world.nomad.commands[0].words == ("/bin/sh",)


async def test_what_nomad_refuses_is_a_problem_in_the_stream(served: Served) -> None:
    async with served.opened("?command=nosuch") as socket:
        *_, problem = await to_the_end(socket)
    assert socket.close_code == 1008
    assert problem["problem"]["status"] == 404
    assert problem["problem"]["detail"].startswith("there is no program nosuch for task app")


@pytest.mark.parametrize("said", ["{", '{"stdin": {"data": "?"}}', '{"exited": true}'])
async def test_a_frame_that_is_none_ends_the_session_with_a_reason(served: Served, said: str) -> None:
    async with served.opened("?command=hang") as socket:
        await socket.send(said)
        *_, problem = await to_the_end(socket)
    assert "cannot be read" in problem["problem"]["detail"]


async def test_a_binary_frame_ends_the_session(served: Served) -> None:
    async with served.opened("?command=hang") as socket:
        await socket.send(b"\x00")
        *_, problem = await to_the_end(socket)
    assert "texts" in problem["problem"]["detail"]


async def test_a_frame_beyond_the_largest_ends_the_connection(served: Served) -> None:
    async with served.opened("?command=hang") as socket:
        await socket.send("x" * 1_100_000)
        await to_the_end(socket)
    assert socket.close_code == 1009


async def test_there_are_only_so_many_at_once_and_each_end_makes_room(world: World) -> None:
    async with portal(world, Bounds(execs=2)) as served:
        for ends_well in (True, False):
            async with served.opened("?command=hang") as first, served.opened("?command=hang") as second:
                await first.recv()
                await second.recv()
                status, document = await served.refused()
                assert (status, document["title"]) == (503, "Too many sessions")
                await begun(served, 2 if ends_well else 5)
                if ends_well:
                    for one in served.world.nomad.commands:
                        one.exit(0)
                    await to_the_end(first)
                    await to_the_end(second)
            await room(served)


async def begun(served: Served, number: int) -> None:
    async with asyncio.timeout(LONG_S):
        while len(served.world.nomad.commands) < number:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.01)


async def room(served: Served) -> None:
    """Wait until a session may begin again, and let one."""
    while True:
        try:
            async with served.opened("?command=code&command=0") as socket:
                assert (await to_the_end(socket))[-1]["exited"] is True
                return
        except InvalidStatus:
            await asyncio.sleep(0.05)


async def test_a_refused_one_takes_no_room(world: World) -> None:
    async with portal(world, Bounds(execs=1)) as served:
        for _ in range(3):
            await served.refused("?command=cat&task=nosuch")
        await room(served)


async def test_a_silent_session_is_ended_and_says_so(world: World) -> None:
    world.limits = replace(HURRY, idle=0.3)
    async with portal(world) as served, served.opened("?command=hang") as socket:
        *_, problem = await to_the_end(socket)
    assert "nothing was said for 0.3 s" in problem["problem"]["detail"]


async def test_whoever_hangs_up_ends_the_command_and_is_kept(served: Served) -> None:
    async with served.opened("?command=hang") as socket:
        await socket.recv()
    async with asyncio.timeout(LONG_S):
        while not (await served.execs())[0]["ended_at"]:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.05)
    assert (await served.execs())[0]["reason"] == "whoever ran it has hung up"


async def test_open_sessions_do_not_keep_the_portal_from_ending_and_are_kept_as_ended(world: World) -> None:
    async with portal(world) as served:
        socket = await served.opened("?command=hang")
        await socket.recv()
    assert await to_the_end(socket) == []
    (one,) = await served.application.execs.done(ADA, "stage", "checkout")
    assert one.ended_at is not None


async def test_refusals_and_ends_leave_nothing_in_the_log(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    gc.collect()  # what other tests have left says so now, and not below
    with caplog.at_level(logging.ERROR):
        await served.refused("?command=cat&task=nosuch")
        await served.refused(Origin="http://evil.example")
        async with served.opened("?command=nosuch") as socket:
            await to_the_end(socket)
        async with served.opened("?command=hang") as socket:
            await socket.recv()
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []


async def test_a_websocket_elsewhere_is_refused(served: Served) -> None:
    for path in ("/api/v1/services", "/", "/static/live.js"):
        with pytest.raises(InvalidStatus):
            async with served.opened("", path):
                pass


async def test_the_list_says_who_ran_what(served: Served) -> None:
    async with httpx2.AsyncClient(base_url=served.address, headers=TOKEN) as client:
        assert (await client.get(f"{PATH}s?limit=0")).status_code == 400
        assert (await client.get(f"{PATH.replace('checkout', 'nosuch')}s")).status_code == 404
        assert (await client.get(f"{PATH}s")).json() == {"execs": []}
        assert (await client.get(f"{PATH}s", headers={"Authorization": "Bearer no"})).status_code == 401
