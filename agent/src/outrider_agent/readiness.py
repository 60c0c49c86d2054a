"""Whether a sidecar can carry traffic: what the agent and Envoy say, asked until both are ready, and why they are not."""

from __future__ import annotations

import time
from collections.abc import Callable

from outrider_agent.addresses import Address
from outrider_agent.documents import object_in, parsed, text_in
from outrider_agent.resolver import SocketAddress, looked_up
from outrider_agent.responses import BadResponseError, ResponseReader
from outrider_agent.settings import Settings
from outrider_agent.sockets import SOCK_STREAM, said, socket

TIMEOUT = 60.0  # seconds
PAUSE = 0.1
TELL_AFTER = 5.0
READ_DEADLINE = 2.0
READY_STATUS = 200
PIECE = 65536
LIVE = "LIVE"
OVERLOAD_PATH = "/stats?filter=^overload[.]envoy[.]overload_actions[.]stop_accepting_requests[.]active$"
OVERLOADED = (
    "Envoy refuses every request, since its memory is full before the first one (overload manager): "
    "its task needs more than it was given (sidecar.memory.envoy in the platform file)"
)


class Said:
    """A status and a body, or status 0 and why there is none."""

    def __init__(self, status: int, body: str) -> None:
        self.status = status
        self.body = body


def open_reason(
    settings: Settings,
    ask: Callable[[Address, str], Said],
    timeout: float = TIMEOUT,
    tell: Callable[[float, str], None] = lambda _seconds, _reason: None,
) -> str:
    """Empty as soon as Envoy is LIVE and the agent knows every upstream; else the reason, after ``timeout`` seconds.

    Meanwhile ``tell`` hears of a new reason every few seconds: whoever waits less long than the gate reads it too.
    """
    started, told_at, told = time.monotonic(), 0.0, ""
    while True:
        reason, waited = closed_reason(settings, ask), time.monotonic() - started
        if not reason or waited >= timeout:
            return reason
        if waited - told_at >= TELL_AFTER and reason != told:
            told_at, told = waited, reason
            tell(waited, reason)
        time.sleep(PAUSE)


def closed_reason(settings: Settings, ask: Callable[[Address, str], Said]) -> str:
    """Why the gate is closed at this moment, for the person who reads the task's log."""
    reasons = [agent_reason(settings, ask(settings.listen, "/health"))]
    if settings.envoy_admin:
        reasons.append(envoy_reason(settings.envoy_admin, ask(settings.envoy_admin, "/ready")))
        reasons.append(overload_reason(ask(settings.envoy_admin, OVERLOAD_PATH)))
    return "\n".join(reason for reason in reasons if reason)


def agent_reason(settings: Settings, said_by_agent: Said) -> str:
    if said_by_agent.status == 0:
        return f"the agent does not answer at {settings.listen}: {said_by_agent.body}; see the log of its task"
    try:
        upstreams = object_in(object_in(parsed(said_by_agent.body)).get("upstreams"))
    except ValueError:
        return f"whoever listens at {settings.listen} is not the agent"
    missing = [one.label for one in settings.upstreams if one.label not in upstreams]
    if missing:
        return f"the agent at {settings.listen} does not watch {', '.join(missing)}"
    if said_by_agent.status == READY_STATUS:
        return ""
    return "\n".join(_upstream_reasons({label: object_in(upstreams[label]) for label in upstreams}))


def _upstream_reasons(upstreams: dict[str, dict[str, object]]) -> list[str]:
    """One line for all upstreams of which nothing is known for the same reason: the end of a log is what is read."""
    reasons = {label: _upstream_reason(one) for label, one in upstreams.items()}
    alike = {
        reason: [label for label, its in reasons.items() if its == reason] for reason in reasons.values() if reason
    }
    return [f"nothing is known of upstream {', '.join(labels)}: {reason}" for reason, labels in alike.items()]


def _upstream_reason(upstream: dict[str, object]) -> str:
    if text_in(upstream.get("state")) not in ("starting", "failing", "denied", "suspect"):
        return ""
    return text_in(upstream.get("reason")) or "Consul has not answered yet"


def envoy_reason(admin: Address, said_by_envoy: Said) -> str:
    if said_by_envoy.status == 0:
        return (
            f"Envoy's admin socket {admin} does not answer: {said_by_envoy.body}; its port may be taken or its "
            "configuration refused: see the log of its task"
        )
    state = said_by_envoy.body.strip()
    return "" if state == LIVE else f"Envoy is {state or said_by_envoy.status}, not {LIVE}"


def overload_reason(said_by_envoy: Said) -> str:
    """An Envoy whose heap is full is LIVE, and refuses every request (its overload manager)."""
    is_active = any(line.endswith(": 1") for line in said_by_envoy.body.splitlines())
    return OVERLOADED if said_by_envoy.status == READY_STATUS and is_active else ""


def ask(address: Address, path: str) -> Said:
    """GET over a connection of its own; the gate may block, since nobody waits for it but the app."""
    body: list[bytes] = []
    reader = ResponseReader(lambda _status, data: body.append(data))
    try:
        _exchange(address, f"GET {path} HTTP/1.1\r\nhost: outrider\r\nconnection: close\r\n\r\n".encode(), reader)
    except OSError as problem:
        return Said(0, said(problem))
    except BadResponseError as problem:
        return Said(0, str(problem))
    return Said(reader.status, b"".join(body).decode("utf-8", "replace"))


def _exchange(address: Address, request: bytes, reader: ResponseReader) -> None:
    sock = connected(looked_up(address))
    try:
        sock.sendall(request)
        while not reader.is_complete and (data := sock.recv(PIECE)):
            reader.receive(data)
        reader.closed()
    finally:
        sock.close()


def connected(addresses: list[SocketAddress]) -> socket:
    """To the first of them that takes it; raise the last one's OSError."""
    for address in addresses[:-1]:
        try:
            return connected([address])
        except OSError:
            continue
    sock = socket(addresses[-1].family, SOCK_STREAM)
    try:
        sock.settimeout(READ_DEADLINE)
        sock.connect(addresses[-1].target)
    except OSError:
        sock.close()
        raise
    return sock
