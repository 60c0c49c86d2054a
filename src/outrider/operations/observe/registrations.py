"""What Consul has registered, and how it stands: frozen, and pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from outrider.consul.registration import Registration, registration
from outrider.consul.standing import Signature, Standing

if TYPE_CHECKING:
    from outrider.consul.instances import Instance
    from outrider.documents import Json


@dataclass(frozen=True, slots=True)
class Read:
    """The registrations of one service, and what the standing was of which they were read."""

    signature: Signature
    registrations: tuple[Registration, ...]


@dataclass(frozen=True, slots=True)
class Registrations:
    """How all checks stand, None where only one service was asked for, and what was read of each service."""

    standing: Standing | None = None
    read: Mapping[str, Read] = field(default_factory=dict[str, Read])

    def after(self, standing: Standing, wanted: Collection[str]) -> Registrations:
        """The same with the checks as they stand now; what nobody wants any more is forgotten."""
        return Registrations(standing, {name: one for name, one in self.read.items() if name in wanted})

    def stale(self, wanted: Collection[str]) -> tuple[str, ...]:
        """Those of the services whose registrations are others than those that were read, or were never read."""
        now = self.standing.signatures() if self.standing else {}
        return tuple(
            name
            for name in sorted(wanted)
            if name not in self.read or self.read[name].signature != now.get(name, frozenset())
        )

    def reading(self, entries: Mapping[str, Iterable[Json]]) -> Registrations:
        """The same with the entries of these services, read just now."""
        now = self.standing.signatures() if self.standing else {}
        found = {
            service: Read(now.get(service, frozenset()), tuple(registration(one) for one in some))
            for service, some in entries.items()
        }
        return replace(self, read={**self.read, **found})

    def instances(self, service: str) -> tuple[Instance, ...]:
        """The service's instances as they stand now, by their address."""
        return tuple(sorted((self._now(one) for one in self.registered(service)), key=_address))

    def registered(self, service: str) -> tuple[Registration, ...]:
        """Its registrations as they were read, without those whose checks are gone meanwhile."""
        found = self.read.get(service)
        if found is None or self.standing is None:
            return found.registrations if found else ()
        had_checks = {(node, id_) for node, id_, _, _ in found.signature}
        gone = had_checks - self.standing.registrations.keys()
        return tuple(one for one in found.registrations if (one.node, one.instance.id) not in gone)

    def _now(self, one: Registration) -> Instance:
        if self.standing is None:
            return one.instance
        return replace(one.instance, status=self.standing.status(one.node, one.instance.id))


def _address(one: Instance) -> str:
    return one.address
