"""What happens to connections between two sidecars: TCP passes, redis is understood, both find another instance."""

from __future__ import annotations

import asyncio
import contextlib

from support.street import Street


async def exchanged(port: int, said: bytes, until: bytes) -> bytes:
    """What comes back on a connection of its own, up to and with ``until``; less where it breaks off."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    try:
        async with asyncio.timeout(10):
            return await reader.readuntil(until)
    except asyncio.IncompleteReadError as error:
        return error.partial
    except ConnectionResetError:
        return b""
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(b"echo " + line)
        await writer.drain()


async def test_bytes_pass_both_sidecars_and_a_dead_endpoint_costs_no_connection(street: Street) -> None:
    ledger = await street.sidecar({"service": "ledger", "protocol": "tcp"}, await street.server(echo))
    dead = await street.server(echo)
    street.discovery.names("ledger", ledger.ports["ingress"], dead + 1 if dead < 65_000 else 1)
    spec = {"service": "reports", "port": "none", "upstreams": {"ledger": {"protocol": "tcp", "retries": 2}}}
    reports = await street.sidecar(spec)
    await street.knows(reports, "ledger", 2)
    answers = [await exchanged(reports.ports["egress_ledger"], b"hello\n", b"\n") for _ in range(8)]
    assert set(answers) == {b"echo hello\n"}


async def test_connections_above_the_limit_are_closed(street: Street) -> None:
    ledger = await street.sidecar({"service": "ledger", "protocol": "tcp"}, await street.server(echo))
    street.discovery.names("ledger", ledger.ports["ingress"])
    upstreams = {"ledger": {"protocol": "tcp", "limit": 2, "retries": 0}}
    reports = await street.sidecar({"service": "reports", "port": "none", "upstreams": upstreams})
    await street.knows(reports, "ledger", 1)
    port = reports.ports["egress_ledger"]
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
    for reader, writer in held:
        writer.write(b"hello\n")
        assert await reader.readline() == b"echo hello\n"
    assert await exchanged(port, b"hello\n", b"\n") == b""
    for _, writer in held:
        writer.close()
        await writer.wait_closed()


async def test_c12_connections_of_an_instance_that_ends_break_off_and_new_ones_meet_another(street: Street) -> None:
    upstreams = {"ledger": {"protocol": "tcp", "retries": 2}}
    ledgers = [await street.sidecar({"service": "ledger", "protocol": "tcp"}, await street.server(echo)) for _ in "ab"]
    street.discovery.names("ledger", *(one.ports["ingress"] for one in ledgers))
    reports = await street.sidecar({"service": "reports", "port": "none", "upstreams": upstreams})
    await street.knows(reports, "ledger", 2)
    port = reports.ports["egress_ledger"]
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
    for number, (reader, writer) in enumerate(held):
        writer.write(b"%d\n" % number)
        assert await reader.readline() == b"echo %d\n" % number
    ledgers[0].process.kill()
    await ledgers[0].process.wait()
    ended = [await lasts(reader, writer) for reader, writer in held]
    assert sorted(ended) == [False, False, True, True]
    assert {await exchanged(port, b"hello\n", b"\n") for _ in range(6)} == {b"echo hello\n"}


async def lasts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Whether the connection still answers."""
    try:
        writer.write(b"still\n")
        return await reader.readline() == b"echo still\n"
    except ConnectionError:
        return False
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_a_side_that_has_said_all_still_hears_the_answer(street: Street) -> None:
    async def summing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"%d bytes\n" % len(await reader.read()))
        await writer.drain()

    ledger = await street.sidecar({"service": "ledger", "protocol": "tcp"}, await street.server(summing))
    street.discovery.names("ledger", ledger.ports["ingress"])
    spec = {"service": "reports", "port": "none", "upstreams": {"ledger": {"protocol": "tcp"}}}
    reports = await street.sidecar(spec)
    await street.knows(reports, "ledger", 1)
    reader, writer = await asyncio.open_connection("127.0.0.1", reports.ports["egress_ledger"])
    writer.write(b"x" * 500_000)
    writer.write_eof()
    async with asyncio.timeout(10):
        assert await reader.readline() == b"500000 bytes\n"
    writer.close()
    await writer.wait_closed()
