"""One list of instances by what may become of each address: usable, critical, or taken out on purpose."""

from __future__ import annotations

from collections.abc import Sequence

from outrider_agent.endpoints import Identity
from outrider_agent.instances import CRITICAL, Instance


class Listing:
    """The addresses of one list, each in one set only: the healthiest where two instances share it."""

    __slots__ = ("critical", "maintenance", "usable")

    def __init__(self, instances: Sequence[Instance]) -> None:
        self.usable = frozenset([one.identity for one in instances if one.is_usable])
        others = [one for one in instances if not one.is_usable]
        self.critical = frozenset([one.identity for one in others if one.health == CRITICAL]) - self.usable
        self.maintenance = frozenset([one.identity for one in others]) - self.usable - self.critical

    def includes(self, identity: Identity) -> bool:
        return identity in self.usable or identity in self.critical or identity in self.maintenance
