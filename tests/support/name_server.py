"""A name server on loopback that says nothing, until it is told where every name leads (RFC 1035, UDP only)."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Generator

PORT = 53
ANSWER, RECORDS = 0x8180, struct.Struct("!HHHHHH")
TYPE_A, CLASS_IN, TTL_S = 1, 1, 0
TO_THE_QUESTION = 0xC00C


class NameServer:
    """``address`` is "" while every question stays unanswered."""

    def __init__(self, host: str) -> None:
        self.address = ""
        self.questions = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, PORT))

    def serve(self) -> None:
        while True:
            asked, client = self._socket.recvfrom(4096)
            if not asked:
                return
            self.questions += 1
            if self.address:
                self._socket.sendto(self._reply(asked), client)

    def end(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())

    def close(self) -> None:
        self._socket.close()

    def _reply(self, asked: bytes) -> bytes:
        """The address for a question of type A, no record for any other."""
        end = asked.index(b"\0", RECORDS.size) + 5
        (kind,) = struct.unpack("!H", asked[end - 4 : end - 2])
        found = kind == TYPE_A
        head = RECORDS.pack(int.from_bytes(asked[:2], "big"), ANSWER, 1, int(found), 0, 0)
        record = struct.pack("!HHHIH", TO_THE_QUESTION, TYPE_A, CLASS_IN, TTL_S, 4) + socket.inet_aton(self.address)
        return head + asked[RECORDS.size : end] + (record if found else b"")


@contextlib.contextmanager
def running_name_server(host: str) -> Generator[NameServer]:
    server = NameServer(host)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.end()
        thread.join()
        server.close()
