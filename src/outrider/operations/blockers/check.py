"""All blockers of a change, and what an order does about them."""

from __future__ import annotations

import asyncio
import difflib
from itertools import chain
from typing import TYPE_CHECKING, Final, cast

from outrider_ground.errors import UsageError

from outrider.operations.answers.blockers import BlockedError, Blocker
from outrider.operations.blockers.approval import approval_blockers
from outrider.operations.blockers.consul import consul_blockers
from outrider.operations.blockers.deploying import deploying_blockers
from outrider.operations.blockers.edited import edited_blockers
from outrider.operations.blockers.freeze import freeze_blockers
from outrider.operations.blockers.kinds import LETS_THROUGH
from outrider.operations.blockers.rejected import rejected_blockers
from outrider.operations.blockers.soak import soak_blockers
from outrider.operations.blockers.unhealthy import unhealthy_blockers
from outrider.operations.records import Override
from outrider.operations.states import BLOCKERS, BlockerName

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from outrider.operations.blockers.change import Change
    from outrider.operations.environment import Environment
    from outrider.operations.opening import Order

    Ask = Callable[[Environment, Change], Awaitable[tuple[Blocker, ...]]]

ASKED: Final[Mapping[BlockerName, Ask]] = {
    "deploying": deploying_blockers,
    "freeze": freeze_blockers,
    "rejected": rejected_blockers,
    "unhealthy": unhealthy_blockers,
    "soak": soak_blockers,
    "approval": approval_blockers,
    "consul": consul_blockers,
    "edited": edited_blockers,
}


async def blockers(environment: Environment, change: Change) -> tuple[Blocker, ...]:
    """All that stops the change now, in the order of their names' list."""
    asked = [ask(environment, change) for name, ask in ASKED.items() if change.kind not in LETS_THROUGH[name]]
    return tuple(chain.from_iterable(await asyncio.gather(*asked)))


async def check_blockers(environment: Environment, change: Change, order: Order) -> tuple[Override, ...]:
    """What the order goes past, for its deployment. BlockedError where something is left that it does not override."""
    found = await blockers(environment, change)
    left = tuple(one for one in found if one.name not in order.overrides)
    if left:
        raise BlockedError(_message(environment, change, left), left, next_step=_next_step(left))
    said: dict[str, list[str]] = {}
    for one in found:
        said.setdefault(one.name, []).append(one.reason)
    return tuple(Override(name, "; ".join(said.get(name, []))) for name in checked_overrides(order))


def checked_overrides(order: Order) -> tuple[BlockerName, ...]:
    """The names that the order goes past. UsageError for one that is none, and where no reason is given."""
    for name in order.overrides:
        if name not in BLOCKERS:
            near = difflib.get_close_matches(name, BLOCKERS, n=1)
            meant = f"Did you mean {near[0]}? " if near else ""
            raise UsageError(
                f"nothing called {name!r} stops a change", next_step=f"{meant}There are: {', '.join(BLOCKERS)}."
            )
    if order.overrides and not order.reason:
        raise UsageError(
            f"to override {', '.join(order.overrides)} needs a reason, which the history keeps",
            next_step=f"Say why: `--override {order.overrides[0]} --reason TEXT`.",
        )
    return tuple(dict.fromkeys(cast("tuple[BlockerName, ...]", order.overrides)))


def _message(environment: Environment, change: Change, left: tuple[Blocker, ...]) -> str:
    names = ", ".join(dict.fromkeys(one.name for one in left))
    return f"{change.kind} of {change.service} in {environment.name} is stopped by: {names}"


def _next_step(left: tuple[Blocker, ...]) -> str:
    words = " ".join(f"--override {name}" for name in dict.fromkeys(one.name for one in left))
    return f"To go all the same, say why: `{words} --reason TEXT`; the history keeps it."
