"""TCP checks: passing where something accepts the connection."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl

from outrider_embedded.registry.check import CRITICAL, PASSING
from outrider_embedded.registry.definition import Definition
from outrider_embedded.registry.probe_result import ProbeResult


async def verdict(wanted: Definition) -> ProbeResult:
    host, _, port = wanted.target.rpartition(":")
    try:
        async with asyncio.timeout(wanted.timeout):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except (OSError, ValueError, OverflowError) as error:
        return ProbeResult(CRITICAL, dial_failure(wanted.target, error))
    writer.close()
    return ProbeResult(PASSING, f"TCP connect {wanted.target}: Success")


def dial_failure(target: str, error: Exception) -> str:
    """Why a connection failed, in Go's words."""
    if isinstance(error, TimeoutError):
        return f"dial tcp {target}: i/o timeout"
    if isinstance(error, (ValueError, OverflowError)) and not isinstance(error, OSError):
        return f"dial tcp: address {target.rpartition(':')[2]}: invalid port"
    if isinstance(error, socket.gaierror):
        return f"dial tcp: lookup {target.rpartition(':')[0] or target}: no such host"
    if isinstance(error, ssl.SSLError):
        return f"tls: {error.reason or error.strerror}"
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return f"dial tcp {target}: connect: {os.strerror(error.errno).lower()}"
    return f"dial tcp {target}: {error}"
