"""The knobs of an upstream with the operators' defaults filled in, and the time of one try."""

from __future__ import annotations

from ipaddress import ip_address

from outrider.spec.knobs import KNOBS
from outrider.spec.platform import Environment
from outrider.spec.protocol import HTTP_PROTOCOLS, Protocol
from outrider.spec.upstream import KeepAlive
from outrider.spec.upstream import Upstream as Written
from outrider.topology.ports import Address
from outrider.topology.sidecar import Outside, Upstream

# What a sidecar is taken to keep an idle connection (its ingress keeps more), and what others are.
SIDECAR_KEEPS_MS, OTHERS_KEEP_MS = 60_000, 1_000

REPEATED = frozenset({"http", "http2"})


def upstream(name: str, written: Written, protocol: Protocol, platform: Environment, listen: Address) -> Upstream:
    """The upstream with every default filled in."""
    timeout, retries = deadline(written, protocol, platform), repetitions(written, protocol, platform)
    return Upstream(
        name=name,
        protocol=protocol,
        listen=listen,
        timeout_ms=timeout,
        try_timeout_ms=try_timeout(timeout, retries) if timeout and protocol in HTTP_PROTOCOLS else None,
        retries=retries,
        limit=(written.limit or platform.defaults.limit) if "limit" in KNOBS[protocol] else None,
        idle_ms=idle(written.keep_alive or (OTHERS_KEEP_MS if written.address else SIDECAR_KEEPS_MS)),
        stream=written.stream,
        outside=outside(written, platform.sidecar.ca_roots),
        password=written.password,
    )


def deadline(written: Written, protocol: Protocol, platform: Environment) -> int | None:
    """Milliseconds that a call may take in all; None where there is no total."""
    is_timed = "timeout" in KNOBS[protocol] and not written.stream
    return (written.timeout or platform.defaults.timeout) if is_timed else None


def repetitions(written: Written, protocol: Protocol, platform: Environment) -> int:
    """How often a call may be tried again."""
    wanted = platform.defaults.retries if written.retries is None else written.retries
    return wanted if "retries" in KNOBS[protocol] else 0


def try_timeout(timeout_ms: int, retries: int) -> int | None:
    """How long one try may take: half of the whole, so that a second one on another instance still fits.

    Not a share per retry: those of a host that refuses cost nothing, and each share would shrink what a slow but
    healthy answer may take.
    """
    return max(1, timeout_ms // 2) if retries else None


def idle(keep_alive: KeepAlive) -> int | None:
    """How long a pool keeps a connection that the other side keeps for that long: half, so that the pool ends it first.

    The side that sends must let go first, or a request meets a connection that is just being closed; and between a request's
    way and two clocks that begin apart, half is left for machines that stand still. None: one request per connection.
    """
    return None if keep_alive == "none" else int(keep_alive) // 2


def outside(written: Written, ca_roots: str) -> Outside | None:
    """Host and port of an upstream outside Consul; IPv6 comes in brackets and leaves without."""
    if written.address is None:
        return None
    host, _, port = written.address.rpartition(":")
    plain = str(ip_address(host.strip("[]"))) if host.startswith("[") else host.lower()
    return Outside(plain, int(port), ca_roots if written.tls else None)


def worst_load(protocol: str, tries: int) -> int:
    """How many requests at the callee's app one request may become: only http is repeated once it was seen."""
    return tries if protocol in REPEATED else 1
