"""What operations need of the store about commands that people run beside tasks, as a protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from outrider.operations.exec_records import Exec


class Execs(Protocol):
    """Who ran what."""

    async def add_exec(self, made: Exec) -> None: ...

    async def end_exec(self, ended: Exec) -> None:
        """Keep when and how it ended."""
        ...

    async def execs(self, environment: str, service: str, limit: int) -> tuple[Exec, ...]:
        """The last ones, newest first."""
        ...

    async def forget_execs(self, environment: str, before: datetime) -> int:
        """Forget those that began before that moment; how many."""
        ...
