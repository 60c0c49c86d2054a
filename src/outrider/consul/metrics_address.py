"""Where a sidecar's metrics listener is, as an entry in Consul says that anybody who may register can have written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, cast

from outrider.topology import names

PLACE = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([0-9.]{7,15})):([1-9][0-9]{0,4})", re.ASCII)
HIGHEST_PORT = 65_535
LONGEST_ID = 120
Address = IPv4Address | IPv6Address


class UntrustedAddressError(ValueError):
    """The metrics address of an entry is not one of that instance; the message does not repeat it."""


def metrics_address(entry: Mapping[str, Any]) -> str:
    """``host:port``, and nothing more, of the instance itself; an empty text where the entry names none.

    The host is a literal address under which Consul knows the instance or its node, and no place that only looks like
    one: not link-local (where clouds keep credentials), not of many, not our own loopback unless the node is there.
    Raises UntrustedAddressError.
    """
    meta = _table(_table(entry, "Service"), "Meta")
    written = meta.get(names.META_METRICS, "")
    if written == "":
        return ""
    found = PLACE.fullmatch(written) if isinstance(written, str) else None
    host = _address(found[1] or found[2]) if found else None
    if found is None or host is None or int(found[3]) > HIGHEST_PORT:
        raise UntrustedAddressError("its metrics address is no host:port")
    if host not in set(_own(entry)):
        raise UntrustedAddressError("its metrics address is on another host than the instance")
    if not _can_be_scraped(host, entry):
        raise UntrustedAddressError("its metrics address is of a kind that no node has")
    return f"[{host}]:{found[3]}" if host.version == 6 else f"{host}:{found[3]}"  # noqa: PLR2004


def instance_name(entry: Mapping[str, Any]) -> str:
    """The instance's id for a message: short, without what a terminal or a page could take as more than text."""
    text = str(_table(entry, "Service").get("ID") or "without an id")
    return "".join(sign if sign.isprintable() else "?" for sign in text[:LONGEST_ID])


def _own(entry: Mapping[str, Any]) -> Iterator[Address]:
    for part in ("Service", "Node"):
        found = _address(_table(entry, part).get("Address"))
        if found:
            yield found


def _can_be_scraped(host: Address, entry: Mapping[str, Any]) -> bool:
    node = _address(_table(entry, "Node").get("Address"))
    if host.is_loopback:
        return node is not None and node.is_loopback
    return not (host.is_link_local or host.is_multicast or host.is_unspecified or host.is_reserved)


def _address(value: object) -> Address | None:
    try:
        found = ip_address(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}
