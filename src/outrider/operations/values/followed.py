"""The environment as whoever follows values needs it: its servers, the store, and the board that is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from outrider.operations.nomad_port import Nomad
    from outrider.operations.ports import Consul, Vault
    from outrider.operations.repositories import Store
    from outrider.operations.values.board import Board
    from outrider.spec.variables import OnChange


@dataclass(frozen=True, slots=True)
class Followed:
    """``default`` is the platform's word for services that say nothing; ``vault`` is None where the portal has none."""

    name: str
    default: Callable[[], OnChange]
    nomad: Nomad
    consul: Consul
    store: Store
    board: Board
    vault: Vault | None = None
