"""TLS towards Consul, without a socket; the only module that imports ssl, and imported only where Consul speaks TLS."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable

from outrider_agent.background import BackgroundWork, nothing, within
from outrider_agent.channel import Channel, ChannelError
from outrider_agent.loop import Loop
from outrider_agent.settings import CONSUL_CACERT, CONSUL_CLIENT_CERT, CONSUL_CLIENT_KEY, ConsulSettings

PIECE = 65536
FIRST_LOOK = 1.0  # seconds that the start waits for the files
LOOK_PAUSE = 0.5  # seconds between two looks at them
ALERT = "_ALERT_"  # in the reason of an SSLError: what the other side says


class TlsChannel(Channel):
    """One connection's TLS: what is said before the handshake ends waits for it. What fails is a ChannelError with a sentence."""

    def __init__(self, trust: Trust, context: ssl.SSLContext, host: str | None) -> None:
        self._trust = trust
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
        except ssl.SSLError as problem:
            raise ChannelError(self._trust.sentence(problem)) from problem
        self._is_open = True

    def _read(self) -> bytes:
        """A server that wants a certificate says so only now: in TLS 1.3 the handshake has ended before it looks."""
        found = b""
        try:
            while piece := self._tls.read(PIECE):
                found += piece
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        except ssl.SSLError as problem:
            raise ChannelError(self._trust.sentence(problem)) from problem
        return found


class Trust:
    """Whom we believe and as whom we come, as of the last look at the files; a look is made in the background: their disk may hang.

    Files that are replaced are taken for later connections; what cannot be used changes nothing while others can.
    """

    def __init__(self, loop: Loop, consul: ConsulSettings) -> None:
        self._loop = loop
        self._consul = consul
        self._background = BackgroundWork(loop)
        self._not_before = loop.now() + LOOK_PAUSE
        self._stamps: object = None
        self._context: ssl.SSLContext | None = None
        self._reason = "the files of certificates are still being read"
        within(FIRST_LOOK, self._look)

    def channel(self) -> TlsChannel:
        """A new connection's; ChannelError, which names the variable and the file, where one cannot be used."""
        self._look_again()
        if self._context is None:
            raise ChannelError(self._reason)
        return TlsChannel(self, self._context, self._consul.server_name or self._consul.address.host or None)

    def _look_again(self) -> None:
        """Look, unless that was done a moment ago."""
        now = self._loop.now()
        if self._background.is_busy or now < self._not_before:
            return
        self._not_before = now + LOOK_PAUSE
        try:
            self._background.begin(self._looked)
        except OSError:
            return  # what is known has to do

    def _looked(self) -> Callable[[], None]:
        self._look()
        return nothing

    def _look(self) -> None:
        stamps = [stamp(path) for path in (self._consul.ca, self._consul.certificate, self._consul.key)]
        if stamps == self._stamps:
            return
        try:
            self._context, self._stamps = context(self._consul), stamps
        except OSError as problem:
            self._reason = str(problem)

    def sentence(self, problem: ssl.SSLError) -> str:
        """What has failed, and which variable to look at."""
        consul, said = self._consul, plain(problem)
        if isinstance(problem, ssl.SSLCertVerificationError):
            trusted = f"{CONSUL_CACERT} ({consul.ca})" if consul.ca else f"the machine ({CONSUL_CACERT} is not set)"
            return f"Consul's certificate is not one that {trusted} lets us believe: {said}"
        if ALERT not in (problem.reason or ""):
            return f"Consul does not speak TLS as we do: {said}"
        if not consul.certificate:
            return (
                f"Consul refuses us: {said}; it wants a certificate, and {CONSUL_CLIENT_CERT} is not set (consul.tls)"
            )
        return f"Consul refuses the certificate of {CONSUL_CLIENT_CERT} ({consul.certificate}): {said}"


def context(consul: ConsulSettings) -> ssl.SSLContext:
    """Raise OSError, which names the variable and the file, where a certificate or key cannot be used."""
    try:
        found = ssl.create_default_context(cafile=consul.ca or None)
    except OSError as problem:
        raise OSError(f"{CONSUL_CACERT} names {consul.ca}: {plain(problem)}") from problem
    if consul.certificate:
        for name, path in ((CONSUL_CLIENT_CERT, consul.certificate), (CONSUL_CLIENT_KEY, consul.key)):
            check_readable(name, path)
        try:
            found.load_cert_chain(consul.certificate, consul.key, no_password)
        except OSError as problem:
            names = f"{CONSUL_CLIENT_CERT} and {CONSUL_CLIENT_KEY} name {consul.certificate} and {consul.key}"
            raise OSError(f"{names}, which are no certificate and its key: {plain(problem)}") from problem
    return found


def check_readable(name: str, path: str) -> None:
    try:
        with open(path, "rb"):
            pass
    except OSError as problem:
        raise OSError(f"{name} names {path}: {plain(problem)}") from problem


def no_password() -> str:
    """Without it Python would ask at a terminal."""
    raise OSError("the key has a password, which nobody can give here")


def stamp(path: str) -> object:
    """What changes when a file is replaced; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def plain(problem: OSError) -> str:
    """The reason without OpenSSL's brackets and line numbers."""
    if isinstance(problem, ssl.SSLCertVerificationError):
        return problem.verify_message
    reason = getattr(problem, "reason", None)
    return reason.lower().replace("_", " ") if reason else (problem.strerror or str(problem)).lower()
