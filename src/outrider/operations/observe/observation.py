"""What is seen of an environment at one moment: what Nomad runs, what Consul has registered, and how old both are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from outrider.operations.observe.contact import ContactState

if TYPE_CHECKING:
    from outrider.consul.instances import Instance
    from outrider.consul.registration import Registration
    from outrider.nomad.read.allocations import Allocation
    from outrider.nomad.read.summary import JobSummary
    from outrider.operations.observe.registrations import Registrations
    from outrider.operations.observe.scheduled import Scheduled


class Keeper(Protocol):
    """Who keeps what runs, so that nobody who looks has to ask."""

    async def seen(self, at_least: int = 0) -> Observation:
        """What is known now, of Nomad as of that index of a job at least."""
        ...


@dataclass(frozen=True, slots=True)
class Observation:
    """Frozen, and of one moment; ``scheduled`` and ``registrations`` are None where that server was never heard."""

    scheduled: Scheduled | None
    registrations: Registrations | None
    nomad: ContactState
    consul: ContactState

    @property
    def problem(self) -> str | None:
        """Which servers do not answer, and how old what is shown of them is; None while both do."""
        said = [one.problem for one in (self.nomad, self.consul) if one.problem]
        return "; ".join(dict.fromkeys(said)) or None

    @property
    def age_s(self) -> float | None:
        """How old the older of both is where one does not answer; None while both do, and where nothing is known."""
        ages = [one.age_s for one in (self.nomad, self.consul) if one.silence and one.age_s is not None]
        return max(ages, default=None)

    def job(self, service: str) -> JobSummary | None:
        """The job under the service's name."""
        return self.scheduled.jobs.get(service) if self.scheduled else None

    def allocations(self, service: str) -> tuple[Allocation, ...]:
        """Those that count for what runs now."""
        return self.scheduled.of(service) if self.scheduled else ()

    def instances(self, service: str) -> tuple[Instance, ...]:
        """The service's registrations in Consul as their checks stand."""
        return self.registrations.instances(service) if self.registrations else ()

    def registered(self) -> tuple[tuple[str, Registration], ...]:
        """All registrations that bear our tag, by service."""
        found = self.registrations
        read = sorted(found.read) if found else ()
        return tuple((name, one) for name in read for one in (found.registered(name) if found else ()) if one.is_ours)
