"""What lies between an exchange's bytes and the socket's: nothing, or TLS (``tls``, which only TLS Consul imports)."""

from __future__ import annotations


class ChannelError(OSError):
    """The two sides do not come to terms; the connection itself is sound, and another one would fare no better."""


class Channel:
    """Bytes pass as they are; ``tls.TlsChannel`` overrides each method."""

    def opened(self, data: bytes) -> bytes:
        """What the peer said, from bytes of the socket; raise ChannelError where they make no sense."""
        return data

    def sealed(self, data: bytes) -> bytes:
        """Bytes for the socket, from what is to be said; ``b""`` asks for what the channel itself has to say."""
        return data
