"""Endpoints: instances as Envoy shall see them, sorted and without doubles."""

from __future__ import annotations

from collections.abc import Iterable

from outrider_agent.instances import PASSING, Instance

HEALTHY = "HEALTHY"
DEGRADED = "DEGRADED"  # Envoy sends there only when too few healthy endpoints are left

Identity = tuple[str, int]


class Endpoint:
    """One address that Envoy may send to; two are equal when Envoy could not tell them apart."""

    __slots__ = ("address", "health", "is_canary", "port", "version", "weight")

    def __init__(self, address: str, port: int, health: str = HEALTHY, weight: int = 1) -> None:
        self.address = address
        self.port = port
        self.health = health
        self.weight = weight
        self.is_canary = False
        self.version = ""

    @property
    def identity(self) -> Identity:
        return self.address, self.port

    @property
    def row(self) -> tuple[str, int, str, int, bool, str]:
        return self.address, self.port, self.health, self.weight, self.is_canary, self.version

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Endpoint) and self.row == other.row

    def __hash__(self) -> int:
        return hash(self.row)

    def __repr__(self) -> str:
        return f"Endpoint{self.row}"


Endpoints = tuple[Endpoint, ...]


def endpoint(instance: Instance) -> Endpoint:
    """A warning, or a critical instance that a guard keeps, is DEGRADED."""
    health = HEALTHY if instance.health == PASSING else DEGRADED
    found = Endpoint(instance.address, instance.port, health, instance.weight)
    found.is_canary = instance.is_canary
    found.version = instance.version
    return found


def sorted_endpoints(endpoints: Iterable[Endpoint]) -> Endpoints:
    """By address and port; of two at one address the healthier, since Envoy would take the first."""
    ordered = sorted(endpoints, key=lambda one: (one.address, one.port, one.health != HEALTHY, one.row))
    first: dict[Identity, Endpoint] = {}
    for one in ordered:
        first.setdefault(one.identity, one)
    return tuple(first.values())
