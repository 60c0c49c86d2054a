"""Under which names a server may be asked: pure functions of the Host header and of addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})
DEFAULT_PORTS = {"http": 80, "https": 443}
# RFC 9110, 7.2: uri-host [":" port]; nothing that a URL could hide a second name in.
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+(%25[a-z0-9._~-]+)?\]|[a-z0-9_.-]+)(:(?P<port>[0-9]{0,5}))?")


@dataclass(frozen=True, slots=True)
class HostAndPort:
    """A host, as names are compared, and its port where it was said."""

    name: str
    port: int | None = None


def host_and_port(host: str) -> HostAndPort | None:
    """A Host header read: lower case, without the final dot and brackets; None where it is none."""
    found = _HOST.fullmatch(host.strip().lower())
    name = _compared(found["name"]) if found else ""
    if not found or not name:
        return None
    return HostAndPort(name, int(found["port"]) if found["port"] else None)


def origin_of(url: str) -> tuple[str, HostAndPort] | None:
    """Scheme and place of an origin or URL, its default port filled in; None for ``null`` and for what is none."""
    scheme, is_url, rest = url.strip().partition("://")
    found = host_and_port(re.split(r"[/?#]", rest, maxsplit=1)[0]) if is_url else None
    scheme = scheme.lower()
    if found is None:
        return None
    return scheme, HostAndPort(found.name, found.port or DEFAULT_PORTS.get(scheme))


def name_of_url(url: str) -> str:
    """The host of a URL, as names are compared; empty where it has none."""
    try:
        return _compared(urlsplit(url).hostname or "")
    except ValueError:
        return ""


def names_of(hosts: Iterable[str]) -> frozenset[str]:
    """Host names or addresses as people write them, also ``name:port``, ``::1`` and whole URLs, ready to compare."""
    return frozenset(filter(None, (_written(host.strip()) for host in hosts)))


def is_address(name: str) -> bool:
    """Whether it is an IP address: nobody's name server says where that leads."""
    return _address(name) is not None


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own, ``::ffff:127.0.0.1`` too; False for a name."""
    found = _address(address)
    return found is not None and found.is_loopback


def _written(host: str) -> str:
    if "://" in host:
        return name_of_url(host)
    found = host_and_port(host)
    return found.name if found else _compared(host)


def _compared(name: str) -> str:
    """Addresses have many spellings and one form; a name's final dot means the same without."""
    bare = name.lower().removeprefix("[").removesuffix("]")
    found = _address(bare)
    return str(found) if found else bare.removesuffix(".")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found
