"""Values told by Vault, which tells nothing by itself: each secret is looked at now and then, one after the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError

from outrider.operations.values.refusal import told_by
from outrider.operations.values.sighting import Told

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from outrider.operations.ports import Vault
    from outrider.operations.values.pace import ValuePace
    from outrider.spec.references import Reference

NO_VAULT = "the portal knows no Vault: set VAULT_ADDR and VAULT_TOKEN where it runs"


class VaultFeed:
    """All secrets that are read; ``vault`` is None where the portal has none."""

    def __init__(
        self, vault: Vault | None, tell: Callable[[Reference, Told], Awaitable[None]], pace: ValuePace
    ) -> None:
        self._vault, self._tell, self._pace = vault, tell, pace
        self._references: frozenset[Reference] = frozenset()
        self._leases: dict[Reference, Told] = {}
        self._silences: dict[Reference, int] = {}
        self._task: asyncio.Task[None] | None = None

    def watch(self, references: Iterable[Reference]) -> None:
        """Look at these from now on, and at no others."""
        self._references = frozenset(references)
        if self._references and self._task is None:
            self._task = asyncio.create_task(self._look())

    async def close(self) -> None:
        """Look at nothing any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _look(self) -> None:
        while True:
            for reference in sorted(self._references):
                told = await self._told(reference)
                if told is not None:
                    await self._tell(reference, told)
            await asyncio.sleep(self._pace.turn)

    async def _told(self, reference: Reference) -> Told | None:
        """What Vault says; None where it says nothing, and what was known stays. A lease is asked for once: each is a secret made."""
        if self._vault is None:
            return Told(problem=NO_VAULT)
        if reference in self._leases:
            return self._leases[reference]
        try:
            found = await self._vault.look(reference.path)
        except OutriderError as error:
            return self._failed(reference, error)
        self._silences.pop(reference, None)
        told = Told(found.text, changed_at=found.changed_at, lease_s=found.lease_s)
        if told.lease_s is not None:
            self._leases[reference] = told
        return told

    def _failed(self, reference: Reference, error: OutriderError) -> Told | None:
        self._silences[reference] = self._silences.get(reference, 0) + 1
        return told_by(error, self._silences[reference], self._pace)
