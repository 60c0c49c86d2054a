"""A stand-in for an S3-compatible server, in a process of its own."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

import httpx2
from outrider_harness.ports import free_port


@contextmanager
def running_s3() -> Generator[str]:
    """Its address; all that it holds is gone after the block."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(server, address)
        yield address
    finally:
        server.terminate()
        server.wait(30)


def _wait(server: subprocess.Popen[bytes], address: str) -> None:
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        assert server.poll() is None
        with contextlib.suppress(httpx2.TransportError):
            httpx2.get(address)
            return
        time.sleep(0.1)
    raise TimeoutError(address)
