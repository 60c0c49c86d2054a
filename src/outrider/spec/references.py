"""Where a value is kept that a service reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Store = Literal["consul", "consul_prefix", "vault", "nomad_variable"]
WORDS: dict[Store, str] = {
    "consul": "Consul key",
    "consul_prefix": "Consul keys below",
    "vault": "Vault secret",
    "nomad_variable": "Nomad variable",
}


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """One thing that is kept somewhere: ``path`` as that server knows it, for a Nomad variable perhaps with @namespace."""

    store: Store
    path: str

    def __str__(self) -> str:
        return f"{WORDS[self.store]} {self.path}"
