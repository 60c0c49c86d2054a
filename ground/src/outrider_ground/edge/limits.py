"""How much one server takes in, as numbers; nothing here enforces them."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one server: bytes and seconds.

    ``connections`` are open sockets, ``spare_files`` the file descriptors that they leave to everything else.
    A request's head has ``head_s`` to arrive; its body ``body_s`` and a second more for each ``body_rate`` bytes.
    A body has at most ``body`` bytes. Of all bodies together ``held`` bytes are kept in memory, not counting the first
    ``small`` bytes of each, so that small requests are served while large ones wait their turn.
    """

    connections: int = 20_000
    spare_files: int = 64
    head_s: float = 10.0
    body_s: float = 30.0
    body_rate: int = 16 * KIB
    body: int = 16 * MIB
    held: int = 64 * MIB
    small: int = 64 * KIB


# A spec of a million characters, each of four bytes, and what JSON adds. No agent and no Envoy asks a portal.
OF_PORTAL = Limits(connections=1_000, body=6 * MIB)
