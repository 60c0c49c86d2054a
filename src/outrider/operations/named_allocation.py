"""The allocation that a person means by the beginning of its id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outrider.nomad.read.allocations import Allocation


def named_allocation(found: Sequence[Allocation], prefix: str, service: str) -> Allocation:
    """The only one whose id begins so. UsageError where there is none, with those that there are, or several."""
    named = [one for one in found if one.id.startswith(prefix)]
    if not named:
        known = ", ".join(one.short_id for one in found)
        raise UsageError(
            f"{service} has no allocation {prefix}; Nomad forgets those that ended, and their output, after some hours",
            next_step=f"It has: {known}." if known else "Nomad has none of it any more.",
        )
    if len(named) > 1:
        alike = ", ".join(one.short_id for one in named)
        raise UsageError(f"{len(named)} allocations of {service} begin with {prefix}: {alike}")
    return named[0]
