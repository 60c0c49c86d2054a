"""gRPC checks: grpc.health.v1.Health/Check, asked in one call of a connection of its own."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

from outrider_embedded.registry.check import CRITICAL, PASSING
from outrider_embedded.registry.definition import Definition
from outrider_embedded.registry.grpc_call import UnaryCall
from outrider_embedded.registry.probe_result import ProbeResult
from outrider_embedded.registry.probe_tcp import dial_failure

_PATH = "/grpc.health.v1.Health/Check"
_SERVING = 1
_PIECE = 65_536
_SEVEN_BITS = 128


async def verdict(wanted: Definition) -> ProbeResult:
    """``target`` is ``host:port`` or ``host:port/service``."""
    address, _, service = wanted.target.partition("/")
    try:
        async with asyncio.timeout(wanted.timeout):
            state = await _state(address, service, _tls(wanted))
    except OSError as error:
        reason = f'connection error: desc = "transport: Error while dialing {dial_failure(address, error)}"'
        return ProbeResult(CRITICAL, f"rpc error: code = Unavailable desc = {reason}")
    except ValueError as error:
        return ProbeResult(CRITICAL, f"rpc error: code = Unavailable desc = {error}")
    if state == _SERVING:
        return ProbeResult(PASSING, f"gRPC check {wanted.target}: success")
    return ProbeResult(CRITICAL, "gRPC application didn't report service healthy")


async def _state(address: str, service: str, tls: ssl.SSLContext | None) -> int:
    host, _, port = address.rpartition(":")
    call = UnaryCall(address, _PATH, _request(service), is_tls=tls is not None)
    reader, writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=tls)
    try:
        return _answered_state(await _answer(reader, writer, call))
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, call: UnaryCall) -> bytes:
    writer.write(call.to_send())
    while received := await reader.read(_PIECE):
        found = call.answer(received)
        if found is not None:
            return found
        writer.write(call.to_send())
    raise ValueError("connection closed")


def _tls(wanted: Definition) -> ssl.SSLContext | None:
    if not wanted.use_tls:
        return None
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2"])
    if wanted.skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _request(service: str) -> bytes:
    """HealthCheckRequest: field 1 is the service's name."""
    name = service.encode()
    return b"\x0a" + _varint(len(name)) + name if name else b""


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first (protobuf's encoding)."""
    low, rest = number % _SEVEN_BITS, number // _SEVEN_BITS
    return bytes([low + _SEVEN_BITS]) + _varint(rest) if rest else bytes([low])


def _answered_state(message: bytes) -> int:
    """HealthCheckResponse: field 1 is the state; left out it is UNKNOWN."""
    return message[1] if message[:1] == b"\x08" else 0
