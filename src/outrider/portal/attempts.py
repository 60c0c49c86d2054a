"""How many wrong tokens each peer may try: a small allowance that refills slowly; pure but for its own memory.

Only wrong tokens cost, and each peer pays for itself: nobody can use up the allowance of others.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

MOST_PEERS = 10_000
NETWORK_V6 = 64
"""Bits of an IPv6 address that one household or machine has: the rest are its own to choose."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many wrong tokens at once, and one more every ``refill_s`` seconds."""

    burst: int = 10
    refill_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Peer:
    """Who pays: an address or network, and whether it is a proxy that stands for many."""

    name: str
    is_proxy: bool = False


class Attempts:
    """What is left to whom; those that were heard of last are remembered."""

    def __init__(self, one: Allowance, proxy: Allowance, most_peers: int = MOST_PEERS) -> None:
        self._allowances = {False: one, True: proxy}
        self._most_peers = most_peers
        self._spent: OrderedDict[Peer, tuple[float, float]] = OrderedDict()

    def wait_s(self, peers: Iterable[Peer], now: float) -> float:
        """How long until these peers may try again; 0: now."""
        return max((self._wait_s(peer, now) for peer in peers), default=0.0)

    def failed(self, peers: Iterable[Peer], now: float) -> None:
        """Note a wrong token."""
        for peer in peers:
            self._spent[peer] = (self._spent_by(peer, now) + 1, now)
            self._spent.move_to_end(peer)
        while len(self._spent) > self._most_peers:
            self._spent.popitem(last=False)

    def _wait_s(self, peer: Peer, now: float) -> float:
        allowance = self._allowances[peer.is_proxy]
        missing = self._spent_by(peer, now) + 1 - allowance.burst
        return max(0.0, missing * allowance.refill_s)

    def _spent_by(self, peer: Peer, now: float) -> float:
        spent, since = self._spent.get(peer, (0.0, now))
        return max(0.0, spent - (now - since) / self._allowances[peer.is_proxy].refill_s)


def peers_of(address: str, forwarded: str) -> tuple[Peer, ...]:
    """Who asks from an address; where that is a proxy on this machine, also the one whom it names last.

    Anybody here can claim to be a proxy, so what claims it has an allowance of its own, a larger one.
    """
    named = forwarded.rpartition(",")[2].strip()
    if not named or not _is_loopback(address):
        return (Peer(_network(address)),)
    return Peer(address, is_proxy=True), Peer(_network(named[:64]))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _network(address: str) -> str:
    """An IPv6 address stands for its network."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((found, NETWORK_V6), strict=False))
    return str(found)
