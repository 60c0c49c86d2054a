"""Which allocations are as they should be, by what Nomad and Consul say together: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.consul.instances import allocation_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outrider.consul.instances import Instance
    from outrider.nomad.read.allocations import Allocation


def sound(found: Iterable[Allocation], there: Iterable[Instance], *, is_registered: bool) -> tuple[Allocation, ...]:
    """Those whose tasks all run and that nobody says anything against.

    Nomad gives its word on an allocation once in a deployment and never takes it back. Where it was bad, because Consul
    was away, or a key came late, the checks that pass now count more; of a service that Consul does not know, that
    nothing of the allocation has been restarted since.
    """
    passing = passing_ids(found, there)
    return tuple(
        one
        for one in found
        if one.is_complete
        and (one.healthy is not False or one.id in passing or (one.has_settled and not is_registered))
    )


def passing_ids(found: Iterable[Allocation], there: Iterable[Instance]) -> frozenset[str]:
    """The allocations whose registration passes all its checks."""
    passing = {allocation_of(one.id) for one in there if one.status == "passing"}
    return frozenset(one.id for one in found if one.id in passing)
