"""What goes to another instance when one fails: refused, half-open, broken off, too slow; and what never does."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket

import pytest
from outrider_harness.ports import free_port
from outrider_harness.waiting import until
from support.http_app import App, Request
from support.street import Street, pair


async def good(request: Request) -> tuple[int, bytes]:
    return 200, b"good"


async def breaking(request: Request) -> None:
    return None


async def hanging(request: Request) -> tuple[int, bytes]:
    await asyncio.sleep(30)
    return 200, b""


async def test_c06_a_refused_connection_is_tried_on_another_instance(street: Street) -> None:
    there = await pair(street, good, good)
    there.callees[0].process.kill()
    await there.callees[0].process.wait()
    for method in ("GET", "POST", "PATCH") * 10:
        assert (await street.client.request(method, there.url)).status_code == 200
    assert len(there.apps[1].seen) == 30


@pytest.mark.parametrize("half", ["proxy", "app"])
async def test_c04_of_an_instance_that_is_half_open_no_repeatable_request_is_lost(street: Street, half: str) -> None:
    there = await pair(street, hanging if half == "app" else good, good, knobs={"timeout": "1s"})
    if half == "proxy":
        there.callees[0].process.send_signal(signal.SIGSTOP)
    answers = [await street.client.get(there.url) for _ in range(40)]
    assert {answer.status_code for answer in answers} == {200}
    await until(lambda: rests(street, there.caller.metrics))


async def rests(street: Street, metrics: str) -> bool:
    """Whether an instance is taken out."""
    text = (await street.client.get(metrics + "/stats/prometheus")).text
    lines = [line for line in text.splitlines() if line.startswith("envoy_cluster_outlier_detection_ejections_active")]
    return any(line.endswith(" 1") for line in lines)


async def test_c07_a_post_that_an_app_has_seen_is_never_repeated(street: Street) -> None:
    there = await pair(street, breaking, breaking, knobs={"retries": 3})
    for _ in range(6):
        assert (await street.client.post(there.url, content=b"pay")).status_code == 503
    assert sum(len(app.seen) for app in there.apps) == 6


async def test_c07_a_get_is_repeated_and_the_retries_are_those_of_the_spec(street: Street) -> None:
    there = await pair(street, breaking, breaking, knobs={"retries": 1})
    assert (await street.client.get(there.url)).status_code == 503
    assert [len(app.seen) for app in there.apps] == [1, 1]


async def test_c07_no_retries_means_that_each_request_is_sent_once(street: Street) -> None:
    there = await pair(street, breaking, knobs={"retries": 0})
    assert (await street.client.get(there.url)).status_code == 503
    assert len(there.apps[0].seen) == 1


@pytest.mark.parametrize("callers", [50, 80])
async def test_of_many_slow_failures_at_most_a_quarter_is_added_by_retries(street: Street, callers: int) -> None:
    async def slow(request: Request) -> tuple[int, bytes]:
        await asyncio.sleep(0.3)
        return 503, b""

    there = await pair(street, slow, knobs={"retries": 3, "limit": 500})
    answers: list[int] = []

    async def asking() -> None:
        """As many as callers are under way all the time, and none is left to the few at the end."""
        while len(answers) < 10 * callers:
            answers.append((await street.client.get(there.url)).status_code)

    await asyncio.gather(*(asking() for _ in range(callers)))
    assert len(answers) < len(there.apps[0].seen) <= len(answers) * 1.25


async def test_a_try_gets_half_of_the_timeout_and_the_whole_never_more_than_it(street: Street) -> None:
    there = await pair(street, hanging, knobs={"timeout": "4s", "retries": 1})
    assert (await street.client.get(there.url)).status_code == 504
    assert len(there.apps[0].seen) == 2
    await street.logged(there.caller, 1)
    assert 3_900 <= int(there.caller.failures()[0]["duration_ms"]) < 7_500


@pytest.mark.parametrize(("size", "is_kept"), [(100_000, True), (300_000, False)])
async def test_a_body_is_kept_for_another_try_up_to_128_kb(street: Street, size: int, is_kept: bool) -> None:
    there = await pair(street, good)
    empty = await street.sidecar({"service": "payments"})
    street.discovery.names("payments", empty.ports["ingress"], there.callees[0].ports["ingress"])
    await street.knows(there.caller, "payments", 2)
    answers = [await street.client.post(there.url, content=b"x" * size) for _ in range(8)]
    lost = [answer.status_code for answer in answers if answer.status_code != 200]
    assert not lost if is_kept else set(lost) <= {503, 507} and lost
    assert len(there.apps[0].seen) == 8 - len(lost)


async def test_an_app_that_ends_idle_connections_costs_no_request(street: Street) -> None:
    """The race of a keep-alive: the pool towards the app idles shorter than the app keeps a connection."""
    seen = asyncio.Event()

    async def impatient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 0.4):
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                seen.set()
        except (TimeoutError, asyncio.IncompleteReadError):
            return

    spec = {"service": "payments", "ingress": {"keep_alive": "200ms"}}
    payments = await street.sidecar(spec, await street.server(impatient))
    for pause in range(0, 60, 3):
        assert (await street.client.post(payments.ingress)).status_code == 200
        await asyncio.sleep(0.15 + pause / 200)
    assert seen.is_set()


async def test_an_idle_connection_to_the_app_ends_after_a_second(street: Street) -> None:
    ended = asyncio.Event()

    async def watching(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        if not await reader.read(1):
            ended.set()

    payments = await street.sidecar({"service": "payments"}, await street.server(watching))
    assert (await street.client.get(payments.ingress)).status_code == 200
    async with asyncio.timeout(10):
        await ended.wait()


async def filled(queue: socket.socket) -> list[socket.socket]:
    """Connections that nobody accepts, so many that the system drops the next one."""
    held: list[socket.socket] = []
    with contextlib.suppress(TimeoutError):
        while True:
            held.append(socket.socket())
            held[-1].setblocking(False)
            await asyncio.wait_for(asyncio.get_running_loop().sock_connect(held[-1], queue.getsockname()), 0.2)
    return held


async def test_an_app_whose_queue_of_connections_is_full_for_a_moment_still_gets_the_request(street: Street) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as queue:
        payments = await street.sidecar({"service": "payments"}, queue.getsockname()[1])
        waiting = await filled(queue)
        sent = asyncio.create_task(street.client.post(payments.ingress))
        await asyncio.sleep(0.7)
        app = App(0, good)
        server = await asyncio.start_server(street.connections.handler(app.serve), sock=queue.dup())
        street.stack.push_async_callback(street.connections.close, server)
        assert (await sent).status_code == 200
        for one in waiting:
            one.close()
    assert [request.method for request in app.seen] == ["POST"]


async def test_nobody_at_an_address_costs_a_try_of_half_a_second_at_most(street: Street) -> None:
    """An address that never answers is given up by the time to connect; here nobody listens at all."""
    there = await pair(street, good)
    street.discovery.names("payments", free_port(), there.callees[0].ports["ingress"])
    await street.knows(there.caller, "payments", 2)
    assert {(await street.client.post(there.url)).status_code for _ in range(10)} == {200}
