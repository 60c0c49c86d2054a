"""What lies between an exchange and its socket: a stream, and its channel, which is nothing or TLS (``tls``, loaded for that alone)."""

from __future__ import annotations

from outrider_agent.loop import READ, WRITE, Loop, Ready
from outrider_agent.resolver import SocketAddress
from outrider_agent.sockets import socket

PIECE = 16384  # bytes at a time: larger buffers would stay in the heap


class ChannelError(OSError):
    """The two sides do not come to terms; the connection itself is sound, and another one would fare no better."""


class Channel:
    """Bytes pass as they are; ``tls.TlsChannel`` overrides each method."""

    __slots__ = ()

    def opened(self, data: bytes) -> bytes:
        """What the peer said, from bytes of the socket; raise ChannelError where they make no sense."""
        return data

    def sealed(self, data: bytes) -> bytes:
        """Bytes for the socket, from what is to be said; ``b""`` asks for what the channel itself has to say."""
        return data


class Stream:
    """A connected socket and its channel. Never blocks. Methods raise OSError where the connection broke, ChannelError where the sides do not come to terms."""

    __slots__ = ("_outbox", "_socket", "channel", "has_sent", "socket_address")

    def __init__(self, connected: socket, socket_address: SocketAddress) -> None:
        self.socket_address = socket_address
        self.channel = Channel()
        self.has_sent = False  # any byte since the last request
        self._socket = connected
        self._outbox = b""

    def request(self, data: bytes) -> None:
        """Have this sent."""
        self._outbox += self.channel.sealed(data)
        self.has_sent = False

    def send(self) -> None:
        """Send what the socket takes now."""
        try:
            sent = self._socket.send(self._outbox)
        except BlockingIOError:
            return
        self.has_sent = self.has_sent or sent > 0
        self._outbox = self._outbox[sent:]

    def heard(self) -> bytes | None:
        """What the server said: b"" where there is nothing of it yet, None where it has closed."""
        try:
            data = self._socket.recv(PIECE)
        except BlockingIOError:
            return b""
        if not data:
            return None
        said_by_peer = self.channel.opened(data)
        self._outbox += self.channel.sealed(b"")
        return said_by_peer

    def attend(self, loop: Loop, ready: Ready) -> None:
        """Have ``ready`` called when there is something to hear, or room for what is still to be sent."""
        loop.attend(self._socket, READ | WRITE if self._outbox else READ, ready)

    def close(self, loop: Loop) -> None:
        loop.leave(self._socket)
        self._socket.close()
