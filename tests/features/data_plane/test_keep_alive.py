"""The race of a kept connection: who sends lets go first, so that no POST meets a connection that is just being closed."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest
from support.recorder import Recorder, fields_of
from support.street import Sidecar, Street

GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
FOR_EVER = 3_600.0
AT_ONCE = 40
# How long an app that has answered the last request of a connection takes to close it.
CLOSING_S = 0.05
# Around the moments at which either side lets go, in shares of the time for which the app keeps a connection.
PAUSES = (0.48, 0.5, 0.52, 0.92, 0.96, 1.0, 1.04)


async def keeping(seconds: float, requests: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An app that closes in silence what was idle for so long, or has served so many requests.

    Its clock is coarse: it decides a tenth before its time, and has closed a tenth after it. What comes meanwhile is lost.
    """
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        try:
            for _ in range(requests):
                await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), seconds * 0.9)
                writer.write(GOOD)
            await asyncio.sleep(CLOSING_S)
        except TimeoutError:
            await asyncio.sleep(seconds * 0.2)


async def lost(street: Street, url: str, pauses: tuple[float, ...]) -> int:
    """How many POSTs are not served: as many at once as there are connections, then a pause, and all of them again."""
    failed = 0
    for pause in (*pauses, 0):
        answers = await asyncio.gather(*(street.client.post(url) for _ in range(AT_ONCE)))
        failed += sum(answer.status_code != 200 for answer in answers)
        await asyncio.sleep(pause)
    return failed


@pytest.mark.parametrize(
    ("keeps_s", "ingress"),
    [(1.0, {}), (0.3, {"keep_alive": "300ms"})],
    ids=["1s, as by default", "300ms"],
)
async def test_no_post_meets_a_connection_that_the_app_just_closes(
    street: Street, keeps_s: float, ingress: dict[str, str]
) -> None:
    app = await street.server(functools.partial(keeping, keeps_s, 1_000))
    payments = await street.sidecar({"service": "payments", "ingress": ingress}, app)
    assert await lost(street, payments.ingress, tuple(keeps_s * share for share in PAUSES)) == 0


@pytest.mark.parametrize("requests", [1, 3])
async def test_an_app_that_closes_at_will_gets_a_connection_per_request(street: Street, requests: int) -> None:
    app = await street.server(functools.partial(keeping, FOR_EVER, requests))
    payments = await street.sidecar({"service": "payments", "ingress": {"keep_alive": "none"}}, app)
    assert await lost(street, payments.ingress, (0.0,) * 20) == 0


async def test_who_reads_the_503_of_a_connection_that_the_app_closed_is_told_where_to_look(street: Street) -> None:
    """On the side of the app, and by the answer on that of the caller; an app that answers 503 itself is left alone."""
    answers = [b"", b"HTTP/1.1 503 X\r\ncontent-length: 4\r\n\r\nmine"]
    app = Recorder(lambda number: answers[number - 1])
    payments = await street.sidecar({"service": "payments"}, await street.server(app.serve))
    closed, own = [await street.client.post(payments.ingress) for _ in answers]
    assert (closed.status_code, own.status_code, own.text) == (503, 503, "mine")
    assert "the app closed the connection before it answered" in closed.text
    assert "ingress.keep_alive" in closed.text
    await street.logged(payments, 2)
    assert payments.failures()[0]["flags"] == "UC"


async def test_a_connection_per_request_tells_the_app_nothing_but_the_request(street: Street) -> None:
    app = Recorder()
    spec = {"service": "payments", "ingress": {"keep_alive": "none"}}
    payments = await street.sidecar(spec, await street.server(app.serve))
    for _ in range(3):
        assert (await street.client.post(payments.ingress, content=b"pay")).status_code == 200
    assert app.connections == 3
    assert {"connection", "keep-alive"}.isdisjoint(fields_of(app.seen[0]))


async def test_an_app_that_keeps_connections_is_not_connected_to_anew_for_each_request(street: Street) -> None:
    app = Recorder()
    payments = await street.sidecar({"service": "payments"}, await street.server(app.serve))
    for _ in range(20):
        assert (await street.client.post(payments.ingress)).status_code == 200
    assert app.connections == 1


async def calling(street: Street, knobs: dict[str, Any]) -> Sidecar:
    shop = await street.sidecar({"service": "shop", "port": "none", "upstreams": {"payments": knobs}})
    if "address" not in knobs:
        await street.knows(shop, "payments", 1)
    return shop


@pytest.mark.parametrize(
    ("keeps_s", "is_outside", "knobs"),
    [(1.0, True, {}), (0.3, True, {"keep_alive": "300ms"}), (1.0, False, {"keep_alive": "1s"})],
    ids=["outside, as by default", "outside, 300ms", "in Consul without a sidecar, 1s"],
)
async def test_a_callee_without_a_sidecar_loses_no_post_either(
    street: Street, keeps_s: float, is_outside: bool, knobs: dict[str, str]
) -> None:
    port = await street.server(functools.partial(keeping, keeps_s, 1_000))
    street.discovery.names("payments", port)
    shop = await calling(street, {**knobs, **({"address": f"127.0.0.1:{port}"} if is_outside else {})})
    assert await lost(street, shop.egress("payments"), tuple(keeps_s * share for share in PAUSES)) == 0


async def test_a_callee_that_closes_at_will_gets_a_connection_per_request(street: Street) -> None:
    street.discovery.names("payments", await street.server(functools.partial(keeping, FOR_EVER, 1)))
    shop = await calling(street, {"keep_alive": "none"})
    assert await lost(street, shop.egress("payments"), (0.0,) * 10) == 0


async def brief(requests: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An HTTP/2 app that ends each connection in silence once it has answered so many streams."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    connection.initiate_connection()
    writer.write(connection.data_to_send())
    while requests > 0 and (data := await reader.read(65_536)):
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.StreamEnded):
                connection.send_headers(event.stream_id, [(":status", "200")], end_stream=True)
                requests -= 1
        writer.write(connection.data_to_send())
    await asyncio.sleep(CLOSING_S)


async def test_a_connection_per_request_holds_for_http2_too(street: Street) -> None:
    app = await street.server(functools.partial(brief, 1))
    spec = {"service": "payments", "protocol": "http2", "ingress": {"keep_alive": "none"}}
    payments = await street.sidecar(spec, app)
    assert await lost(street, payments.ingress, (0.0,) * 5) == 0
