"""What templates read: keys and services of Consul, variables of Nomad, files of their task; each can be watched."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from outrider_embedded.scheduler.consul import ConsulAgent
from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.state import State
from outrider_embedded.scheduler.vault import VaultReader

Name = tuple[str, str]
"""Its kind (key, prefix, service, catalog, file, variable, variables, secret) and its path."""

_WAIT_S = 60.0
_LOOK_S = 2.0
"""As consul-template looks (FileQuerySleepTime)."""


class Readings:
    """Values by kind and path. Where Consul is asked and cannot answer, RemoteError is raised."""

    def __init__(self, consul: ConsulAgent, state: State, vault: VaultReader | None = None) -> None:
        self._state = state
        self._kinds: dict[str, Callable[[str, int], Awaitable[tuple[Any, int]]]] = {
            "key": consul.watched_key,
            "prefix": consul.watched_keys,
            "service": consul.watched_instances,
            "catalog": consul.watched_catalog,
            "file": self._file,
            "variable": self._variable,
            "variables": self._variables,
        }
        if vault is not None:
            self._kinds["secret"] = vault.watched
        self.has_vault = vault is not None

    async def watched(self, name: Name, index: int) -> tuple[Any, int]:
        """The value and its index; with an index, the answer comes with the next change or after a minute.

        None for a key or a variable that is not there.
        """
        kind, path = name
        return await self._kinds[kind](path, index)

    async def _file(self, path: str, index: int) -> tuple[bytes | None, int]:
        """A file has no index of its own: when it was written stands for one, and is looked at every other second."""
        while True:
            found = await asyncio.to_thread(_file, Path(path))
            if found[1] != index:
                return found
            await asyncio.sleep(_LOOK_S)

    async def _variable(self, path: str, index: int) -> tuple[Document | None, int]:
        await self._changed(index)
        return self._state.variables.get(path), self._index()

    async def _variables(self, prefix: str, index: int) -> tuple[list[Document], int]:
        await self._changed(index)
        found = sorted(self._state.variables.items())
        return [one for path, one in found if path.startswith(prefix)], self._index()

    async def _changed(self, index: int) -> None:
        if index:
            await self._state.wait(self._index, index, _WAIT_S)
        if self._state.is_closed:
            await asyncio.sleep(_WAIT_S)  # nothing changes any more; whoever asks is about to be cancelled

    def _index(self) -> int:
        return self._state.table_index("variables")


def _file(path: Path) -> tuple[bytes | None, int]:
    """Its content and when it was written; None and 1 where it cannot be read."""
    try:
        return path.read_bytes(), path.stat().st_mtime_ns
    except OSError:
        return None, 1
