"""Which changes each kind of blocker never stops; a kind of change that is not named is stopped by all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outrider.operations.states import BlockerName, Kind

# What takes back or relieves is needed most while something is wrong, which is when things are frozen or under way.
LETS_THROUGH: Final[Mapping[BlockerName, frozenset[Kind]]] = {
    "deploying": frozenset({"rollback", "stop", "remove", "promote", "fail"}),
    "freeze": frozenset({"rollback", "stop", "remove", "restart", "fail", "scale"}),
    "rejected": frozenset({"values", "stop", "remove", "restart", "fail", "scale"}),
    "unhealthy": frozenset({"values", "rollback", "stop", "remove", "restart", "fail", "scale"}),
    "soak": frozenset({"values", "rollback", "stop", "remove", "restart", "fail", "scale"}),
    "approval": frozenset({"values", "rollback", "stop", "remove", "restart", "fail", "scale"}),
    "consul": frozenset({"rollback", "stop", "remove", "fail"}),
    "edited": frozenset({"values", "rollback", "stop", "remove", "restart", "fail", "scale"}),
}
