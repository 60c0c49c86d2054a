"""What is known of the values of one environment at this moment, for whoever looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outrider.operations.answers.values import ServiceValues
    from outrider.operations.records import Seen
    from outrider.operations.values.sighting import Sighting
    from outrider.spec.references import Reference


@dataclass(slots=True)
class Board:
    """Written by the watcher alone: it replaces what is there, and changes nothing in it.

    ``services`` has those that run and read anything; ``history`` how each reference has looked.
    """

    sightings: dict[Reference, Sighting] = field(default_factory=dict["Reference", "Sighting"])
    history: Mapping[Reference, Sequence[Seen]] = field(default_factory=dict["Reference", "Sequence[Seen]"])
    services: Mapping[str, ServiceValues] = field(default_factory=dict[str, "ServiceValues"])

    def of(self, service: str) -> ServiceValues | None:
        """What the service reads; None where it does not run, reads nothing, or nobody watches."""
        return self.services.get(service)
