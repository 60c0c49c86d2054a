"""One unary gRPC call over a connection of its own, without I/O: bytes to send, and what comes of bytes received."""

from __future__ import annotations

import struct

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError

_STREAM = 1
_BROKEN_OFF = (StreamReset, ConnectionTerminated)
# What a server says first is a frame of settings (RFC 9113 3.4): of whatever else, h2 waits for as much as it says it has.
_KIND_AT, _SETTINGS = 3, b"\x04"
_MESSAGE_HEAD = 5  # one byte of compression, four of length


class UnaryCall:
    """The call of ``path`` with one message; an answer may take as much as a stream has without asking for more (64 KiB)."""

    def __init__(self, authority: str, path: str, message: bytes, *, is_tls: bool) -> None:
        self._begin = self._body = b""
        self._connection = H2Connection(H2Configuration(client_side=True))
        self._connection.initiate_connection()
        fields = (
            (":method", "POST"),
            (":scheme", "https" if is_tls else "http"),
            (":path", path),
            (":authority", authority),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            ("user-agent", "Consul Health Check"),
        )
        self._connection.send_headers(_STREAM, fields)
        self._connection.send_data(_STREAM, struct.pack(">BI", 0, len(message)) + message, end_stream=True)

    def to_send(self) -> bytes:
        """What is due on the wire."""
        return self._connection.data_to_send()

    def answer(self, received: bytes) -> bytes | None:
        """The message that has come back, or None where more is to come; ValueError where the call ended without one."""
        self._begin = (self._begin + received)[: _KIND_AT + 1]
        if self._begin[_KIND_AT : _KIND_AT + 1] not in {b"", _SETTINGS}:
            raise ValueError("the server does not speak HTTP/2")
        try:
            events = self._connection.receive_data(received)
        except ProtocolError as error:
            raise ValueError("the server does not speak HTTP/2") from error
        for event in events:
            if type(event) in _BROKEN_OFF:
                raise ValueError("the server broke the call off")
            if isinstance(event, DataReceived):
                self._body += event.data
            if isinstance(event, StreamEnded):
                return self._message()
        return None

    def _message(self) -> bytes:
        if len(self._body) < _MESSAGE_HEAD:
            raise ValueError(
                "the server refused the call: it has no grpc.health.v1.Health or does not know the service"
            )
        return self._body[_MESSAGE_HEAD:]
