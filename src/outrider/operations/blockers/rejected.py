"""Versions that somebody has rejected, or that were rejected because Nomad went back from them."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from outrider.operations.answers.blockers import Blocker

if TYPE_CHECKING:
    from outrider.operations.blockers.change import Change
    from outrider.operations.environment import Environment
    from outrider.operations.stop_records import Rejection


async def rejected_blockers(environment: Environment, change: Change) -> tuple[Blocker, ...]:
    """The rejections of what would run: of the version itself, of the same content under another number, of where it comes from.

    Of what is not stored yet the same service's part is enough: a platform that changed meanwhile makes no bad spec a
    good one.
    """
    store = environment.store.rejections
    here = (one for one in await store.rejections(environment.name, change.service) if _is_of(one, change))
    origin = change.origin
    there = await store.rejections(origin.environment, change.service) if origin else ()
    found = chain(here, (one for one in there if origin and one.number == origin.number))
    return tuple(_blocker(one) for one in found)


def _is_of(rejection: Rejection, change: Change) -> bool:
    if rejection.hash == change.hash:
        return True
    return rejection.part == change.part if change.number is None else rejection.number == change.number


def _blocker(rejection: Rejection) -> Blocker:
    at = f"{rejection.created_at:%Y-%m-%d %H:%M} UTC"
    here = f"{rejection.service} {rejection.number} -e {rejection.environment}"
    where = f"version {rejection.number} in {rejection.environment}"
    return Blocker(
        "rejected",
        f"{where} was rejected by {rejection.created_by} at {at}: {rejection.reason}",
        f"whoever may deploy the service, once the cause is gone: `outrider reject {here} --lift`",
    )
