"""One HTTP request to a server of this machine, by TCP or by a unix socket."""

from __future__ import annotations

import http.client
import socket


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def connection(address: str, timeout: float = 10.0) -> http.client.HTTPConnection:
    """To ``unix:path`` or ``host:port``."""
    if address.startswith("unix:"):
        return UnixConnection(address.removeprefix("unix:"), timeout)
    return http.client.HTTPConnection(address, timeout=timeout)


def fetched(address: str, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    """Status and body; status 0 where nobody answers."""
    server = connection(address)
    try:
        server.request(method, path, body=body)
        answer = server.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as problem:
        return 0, str(problem).encode()
    finally:
        server.close()
