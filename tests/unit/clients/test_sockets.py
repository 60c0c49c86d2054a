"""WebSockets as our clients open them: with the token, the trust and the errors of every other call."""

from __future__ import annotations

import asyncio
import base64
import re
import socket as sockets
import ssl
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from outrider_ground.errors import ConflictError, OutriderError, RemoteError, UsageError
from websockets.asyncio.server import ServerConnection, serve, unix_serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.utils import accept_key

from outrider.clients.http import Call, Connection, RefusedError, Server
from outrider.clients.nomad import nomad_client
from outrider.clients.portal_exec import portal_exec
from outrider.clients.sockets import ClosedError, Socket, opened_socket
from outrider.server_settings import NomadSettings, Tls

CERTIFICATES = Path(__file__).parents[2] / "fakes" / "certificates"
CA, CERTIFICATE, KEY = (str(CERTIFICATES / name) for name in ("ca.pem", "client.pem", "client.key"))
CALL = Call("GET", ("v1", "a b", "exec"), {"command": '["cat"]'})


class Other:
    """The other end: what it was asked, and what it does with those who come."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.says: list[str] = []
        self.ends: tuple[int, str] = (1000, "")
        self.heard: list[str | bytes] = []
        self.refusal: Response | None = None
        self.most = 1

    def request(self, _: ServerConnection, request: Request) -> Response | None:
        self.asked.append(request)
        return self.refusal

    async def attend(self, connection: ServerConnection) -> None:
        for text in self.says:
            await connection.send(text)
        for _ in range(self.most):
            self.heard.append(await connection.recv())
        await connection.close(*self.ends)


@pytest.fixture
def other() -> Other:
    return Other()


@asynccontextmanager
async def running(other: Other, tls: ssl.SSLContext | None = None) -> AsyncGenerator[str]:
    async with serve(other.attend, "127.0.0.1", 0, ssl=tls, process_request=other.request) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"


@asynccontextmanager
async def opened(server: Server) -> AsyncGenerator[Socket]:
    connection = Connection(server)
    try:
        async with asyncio.timeout(20), opened_socket(connection, CALL) as made:
            yield made
    finally:
        await connection.close()


def nomad(address: str, **more: Any) -> Server:
    return Server("Nomad", address, "Look at it.", **more)


async def heard(made: Socket) -> list[dict[str, Any]]:
    await made.send({"a": 1})
    return [one async for one in made.received()]


async def test_objects_go_both_ways_up_to_a_good_end(other: Other) -> None:
    other.says = ['{"stdout": {"data": "QQ=="}}', "{}"]
    async with running(other) as address, opened(nomad(address)) as made:
        assert await heard(made) == [{"stdout": {"data": "QQ=="}}, {}]
    assert other.heard == ['{"a":1}']


async def test_it_is_asked_as_every_call_is(other: Other) -> None:
    server = nomad(
        "",
        headers={"X-Nomad-Token": "sécret"},
        parameters={"namespace": "shop", "region": "eu"},
        http_auth="ada:pässword",
    )
    async with running(other) as address, opened(replace(server, address=address)) as made:
        await heard(made)
    (request,) = other.asked
    assert request.path == "/v1/a%20b/exec?namespace=shop&region=eu&command=%5B%22cat%22%5D"
    assert request.headers["X-Nomad-Token"].encode("latin-1").decode() == "sécret"
    assert base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode() == "ada:pässword"


async def test_a_unix_socket_is_an_address_too(other: Other, tmp_path: Path) -> None:
    path = str(tmp_path / "nomad.sock")
    async with unix_serve(other.attend, path, process_request=other.request), opened(nomad(f"unix://{path}")) as made:
        assert await heard(made) == []


@pytest.fixture
def closed_context() -> ssl.SSLContext:
    """Of a server that wants a certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=CA)
    context.load_cert_chain(CERTIFICATES / "server.pem", CERTIFICATES / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def test_tls_is_spoken_as_everywhere(other: Other, closed_context: ssl.SSLContext) -> None:
    async with running(other, closed_context) as address:
        async with opened(nomad(address, tls=Tls(CA, None, CERTIFICATE, KEY))) as made:
            assert await heard(made) == []
        with pytest.raises(RemoteError, match="shows a certificate that the machine's own authorities does not"):
            async with opened(nomad(address, tls=Tls(None, None, CERTIFICATE, KEY))):
                pass


async def test_the_name_in_the_certificate_can_be_another_than_the_address(
    other: Other, closed_context: ssl.SSLContext
) -> None:
    tls = Tls(CA, None, CERTIFICATE, KEY, server_name="elsewhere.example")
    async with running(other, closed_context) as address:
        with pytest.raises(RemoteError, match="Hostname mismatch"):
            async with opened(nomad(address, tls=tls)):
                pass


def refusal(status: int, body: bytes, **headers: str) -> Response:
    return Response(status, "No", Headers({"Content-Length": str(len(body)), **headers}), body)


async def test_a_server_that_refuses_says_why_and_what_to_do(other: Other) -> None:
    other.refusal = refusal(403, b"Permission denied")
    async with running(other) as address:
        with pytest.raises(RefusedError, match="answered 403 to GET /v1/a%20b/exec: Permission denied") as found:
            async with opened(nomad(address)):
                pass
    assert (found.value.status, found.value.body) == (403, b"Permission denied")
    assert "lacks the right" in (found.value.next_step or "")


async def test_nobody_is_followed_elsewhere_with_the_token(other: Other) -> None:
    second = Other()
    async with running(second) as there, running(other) as address:
        other.refusal = refusal(307, b"", Location=f"{there.replace('http', 'ws')}/v1/exec")
        with pytest.raises(RefusedError, match="answered 307"):
            async with opened(nomad(address, headers={"X-Nomad-Token": "s3cret"})):
                pass
    assert second.asked == []


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    with sockets.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(RemoteError, match=f"Nomad at {address} cannot be reached") as found:
            async with opened(nomad(address)):
                pass
    assert found.value.was_sent is False


async def test_a_server_that_speaks_something_else_is_told() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"hello\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(RemoteError, match="with no WebSocket"):
            async with opened(nomad(address)):
                pass


@pytest.mark.parametrize(
    ("ends", "said"),
    [((1008, "task not found"), "task not found"), ((1011, ""), "the connection has ended")],
)
async def test_an_end_before_its_time_has_its_reason(other: Other, ends: tuple[int, str], said: str) -> None:
    other.ends = ends
    async with running(other) as address, opened(nomad(address)) as made:
        with pytest.raises(ClosedError, match=said) as found:
            await heard(made)
        with pytest.raises(ClosedError, match=said):
            await made.send({})
    assert found.value.reason == ends[1]


@pytest.mark.parametrize("text", ["[]", "no", '"a"'])
async def test_what_is_no_object_is_told(other: Other, text: str) -> None:
    other.says = [text]
    async with running(other) as address, opened(nomad(address)) as made:
        with pytest.raises(RemoteError, match="no JSON object"):
            await heard(made)


async def test_a_frame_that_is_too_large_ends_it(other: Other) -> None:
    other.says = ['{"stdout": "' + "x" * 1_100_000 + '"}']
    async with running(other) as address, opened(nomad(address)) as made:
        with pytest.raises(RemoteError):
            await heard(made)


async def test_nomad_is_asked_for_the_command_with_its_token(other: Other) -> None:
    async with running(other) as address:
        client = nomad_client(address, NomadSettings(token="s3cret"), namespace="shop")
        async with client.exec("a1", "app", ("sh", "-c", "echo"), has_terminal=True) as made:
            await made.send({})
            assert [one async for one in made.received()] == []
        await client.close()
    (request,) = other.asked
    assert request.path.partition("?")[0] == "/v1/client/allocation/a1/exec"
    assert "task=app&tty=true&command=%5B%22sh%22%2C+%22-c%22%2C+%22echo%22%5D" in request.path
    assert "namespace=shop" in request.path
    assert request.headers["X-Nomad-Token"] == "s3cret"


async def portal_heard(address: str) -> list[dict[str, Any]]:
    connection = Connection(Server("the portal", address, "Start one."))
    try:
        async with portal_exec(connection, "stage", "checkout", {"command": ("a", "b c")}) as made:
            await made.send({})
            return [one async for one in made.received()]
    finally:
        await connection.close()


async def test_a_problem_of_the_portal_is_the_error_that_it_had_there(other: Other) -> None:
    other.says = ['{"problem": {"status": 409, "detail": "the allocation has ended", "next_step": "Look."}}']
    async with running(other) as address:
        with pytest.raises(ConflictError, match="the allocation has ended") as found:
            await portal_heard(address)
    assert found.value.next_step == "Look."
    assert other.asked[0].path == "/api/v1/environments/stage/services/checkout/exec?command=a&command=b+c"


async def test_a_refusal_of_the_portal_is_the_error_that_it_had_there(other: Other) -> None:
    other.refusal = refusal(404, b'{"detail": "stage knows no service checkout"}')
    async with running(other) as address:
        with pytest.raises(UsageError, match="stage knows no service checkout"):
            await portal_heard(address)


async def test_a_problem_without_words_is_an_error_all_the_same(other: Other) -> None:
    other.says = ['{"problem": {"what": 1}}']
    async with running(other) as address:
        with pytest.raises(OutriderError, match="the portal ended the session"):
            await portal_heard(address)


@dataclass(frozen=True, slots=True)
class Hanging:
    """A server in a thread that has seen something of its caller, and hangs up when it is told."""

    address: str
    thread: Thread
    has_seen: Event
    is_told: Event


@contextmanager
def hanging_up(reason: bytes) -> Generator[Hanging]:
    """A server that lets the first frame of its caller lie, says why, and is gone: the kernel resets the connection."""
    has_seen, is_told = Event(), Event()
    with sockets.create_server(("127.0.0.1", 0)) as listener:

        def attend() -> None:
            caller, _ = listener.accept()
            with caller:
                (key,) = re.findall(rb"(?i)sec-websocket-key: (\S+)", caller.recv(65_536))
                head = (
                    "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n"
                )
                caller.sendall(head.format(accept_key(key.decode())).encode())
                caller.recv(1, sockets.MSG_PEEK)
                has_seen.set()
                is_told.wait()
                caller.sendall(bytes((0x88, len(reason) + 2)) + (1011).to_bytes(2, "big") + reason)

        thread = Thread(target=attend)
        thread.start()
        try:
            yield Hanging(f"http://127.0.0.1:{listener.getsockname()[1]}", thread, has_seen, is_told)
        finally:
            is_told.set()
            thread.join()


async def test_why_a_server_hung_up_is_read_also_where_it_takes_no_more() -> None:
    with hanging_up(b"Permission denied") as server:
        async with opened(nomad(server.address)) as made:
            await made.send({"stdin": {"data": "A"}})
            await asyncio.to_thread(server.has_seen.wait)
            server.is_told.set()
            server.thread.join()  # the loop does nothing meanwhile, as on a busy machine: it must not write before it reads
            await made.send({"stdin": {"data": "B"}})
            with pytest.raises(ClosedError, match="Permission denied") as found:
                [one async for one in made.received()]
        assert found.value.reason == "Permission denied"
