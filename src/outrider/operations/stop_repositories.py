"""What operations need of the store about what stops changes, and about who does what alone, as protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from outrider.operations.stop_records import Freeze, Lock, Rejection


class Locks(Protocol):
    """Which services are being changed at this moment."""

    async def take(self, wanted: Lock) -> Lock:
        """The lock as it stands then: the wanted one, or that of another holder whose lease still runs."""
        ...

    async def free(self, lock: Lock) -> None:
        """Give it back, if it is still the holder's."""
        ...


class Freezes(Protocol):
    """What is frozen, by whom, until when."""

    async def add_freeze(self, freeze: Freeze) -> None: ...

    async def freezes(self, environment: str, at: datetime) -> tuple[Freeze, ...]:
        """Those that hold at that moment, the oldest first."""
        ...

    async def lift_freeze(self, freeze: Freeze, by: str, at: datetime) -> bool:
        """End it before its time; whether it was still there."""
        ...


class Rejections(Protocol):
    """Which versions shall not run again."""

    async def add_rejection(self, rejection: Rejection) -> None: ...

    async def rejections(self, environment: str, service: str) -> tuple[Rejection, ...]:
        """Those of the service that nobody has lifted, the oldest first."""
        ...

    async def lift_rejection(self, rejection: Rejection, by: str, at: datetime) -> bool:
        """The version may run again; whether it was still rejected."""
        ...


class Leases(Protocol):
    """Work that one process at a time does."""

    async def take(self, name: str, holder: str, lease_s: float) -> bool:
        """Take or renew the right to do it for ``lease_s`` seconds, unless another holder's lease still runs."""
        ...

    async def give_back(self, name: str, holder: str) -> None: ...
