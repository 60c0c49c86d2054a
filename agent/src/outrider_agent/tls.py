"""TLS towards Consul, without a socket; the only module that imports ssl, and imported only where Consul speaks TLS."""

from __future__ import annotations

import ssl

from outrider_agent.channel import Channel
from outrider_agent.settings import (
    CONSUL_CACERT,
    CONSUL_CLIENT_CERT,
    CONSUL_CLIENT_KEY,
    ConsulSettings,
    SettingsError,
)

PIECE = 65536


class TlsChannel(Channel):
    """One connection's TLS: what is said before the handshake ends waits for it."""

    def __init__(self, context: ssl.SSLContext, host: str | None) -> None:
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=host)
        self._is_open = False
        self._waiting = b""

    def opened(self, data: bytes) -> bytes:
        self._in.write(data)
        self._shake()
        return self._read() if self._is_open else b""

    def sealed(self, data: bytes) -> bytes:
        self._waiting += data
        self._shake()
        if self._is_open and self._waiting:
            self._tls.write(self._waiting)
            self._waiting = b""
        return self._out.read()

    def _shake(self) -> None:
        if self._is_open:
            return
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        self._is_open = True

    def _read(self) -> bytes:
        found = b""
        try:
            while piece := self._tls.read(PIECE):
                found += piece
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        return found


def context(consul: ConsulSettings) -> ssl.SSLContext:
    """Raise SettingsError, which names the variable and the file, where a certificate or key cannot be used."""
    try:
        found = ssl.create_default_context(cafile=consul.ca or None)
    except OSError as problem:
        raise SettingsError([f"{CONSUL_CACERT} names {consul.ca}: {problem}"]) from problem
    try:
        if consul.certificate:
            found.load_cert_chain(consul.certificate, consul.key)
    except OSError as problem:
        names = f"{CONSUL_CLIENT_CERT} and {CONSUL_CLIENT_KEY} name {consul.certificate} and {consul.key}"
        raise SettingsError([f"{names}: {problem}"]) from problem
    return found


def channel(made: ssl.SSLContext, consul: ConsulSettings) -> TlsChannel:
    return TlsChannel(made, consul.address.host or None)
