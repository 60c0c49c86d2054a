"""Which services are rolled out now because their values have changed, and why others are not."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from outrider_ground.errors import OutriderError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from outrider.operations.answers.values import ServiceValues, Value
    from outrider.operations.records import Deployment
    from outrider.operations.values.followed import Followed
    from outrider.operations.values.pace import ValuePace

Roll: TypeAlias = "Callable[[str, str], Awaitable[object]]"
"""Given environment and service."""
BAD = frozenset({"failed", "not_placed"})
# Before a rollout of a lent secret is tried again that has failed.
ANEW = timedelta(minutes=5)


class Rollouts:
    """Those of one environment; of several portals the one acts that has the lease."""

    def __init__(self, environment: Followed, roll: Roll, pace: ValuePace) -> None:
        self._environment, self._roll, self._pace = environment, roll, pace
        self._holder = str(uuid.uuid4())
        self._refused: dict[str, tuple[float, str]] = {}

    async def begun(self, services: Mapping[str, ServiceValues]) -> dict[str, ServiceValues]:
        """The services with why each is held; those that are held by nothing and due were begun."""
        return {name: await self._begun(one) for name, one in services.items()}

    async def _begun(self, found: ServiceValues) -> ServiceValues:
        due = [one for one in found.pending if one.state == "pending"]
        if not due:
            self._refused.pop(found.service, None)
            return found
        held = await self._held(found, due)
        if held is None and self._is_due(due) and await self._claimed():
            held = await self._try(found)
        return replace(found, held=held or "")

    async def _held(self, found: ServiceValues, due: list[Value]) -> str | None:
        """Why nobody but a person rolls this out, or why not now; None where nothing holds it."""
        newest = await self._environment.store.deployments.newest(self._environment.name, found.service)
        under_way = next((one for one in newest if not one.is_final), None)
        if under_way is not None:
            return f"deployment {under_way.id[:8]} ({under_way.kind}) is under way"
        if not any(_acts(one) for one in due):
            return f"`outrider roll {found.service} -e {found.environment}` rolls it out"
        lacking = [one.reference for one in found.values if one.state in {"gone", "empty"}]
        if lacking:
            return f"it would be rolled into what lacks: {', '.join(dict.fromkeys(lacking))}"
        last = _last_rollout(newest, due)
        if last and last.state == "successful":
            return "it was rolled out a moment ago"
        if last and _has_failed(last, due):
            return f"the rollout of this value has ended badly ({last.id[:8]}): {_first(last.reason)}"
        until, why = self._refused.get(found.service, (0.0, ""))
        return why if until > time.monotonic() else None

    def _is_due(self, due: Iterable[Value]) -> bool:
        """Whether nothing has changed for a while, or enough was waited for that."""
        moments = [one.since for one in due if one.since]
        if not moments:
            return True
        now = datetime.now(UTC)
        is_quiet = max(moments) + timedelta(seconds=self._pace.collect) <= now
        return is_quiet or min(moments) + timedelta(seconds=self._pace.most_collect) <= now

    async def _claimed(self) -> bool:
        return await self._environment.store.values.claim(self._environment.name, self._holder, self._pace.lease)

    async def _try(self, found: ServiceValues) -> str | None:
        """Begin it; what stops it, in words, and then it is tried again after a while."""
        try:
            await self._roll(found.environment, found.service)
        except OutriderError as error:
            self._refused[found.service] = (time.monotonic() + self._pace.retry, error.message)
            return error.message
        return None


def _last_rollout(newest: Iterable[Deployment], due: Iterable[Value]) -> Deployment | None:
    """The last rollout of just these values: it began after each of them had changed."""
    last = next((one for one in newest if one.kind == "values"), None)
    since = max((one.since for one in due if one.since), default=None)
    return last if last is not None and since is not None and last.created_at >= since else None


def _has_failed(rollout: Deployment, due: Iterable[Value]) -> bool:
    """Whether it has ended badly: it is not tried again before one of the values changes once more.

    What is lent ends, whether the last rollout went well or not: it is tried again after a while.
    """
    is_lent = any(one.expires_at for one in due)
    is_over = rollout.ended_at is not None and rollout.ended_at + ANEW < datetime.now(UTC)
    return rollout.state in BAD and not (is_lent and is_over)


def _acts(value: Value) -> bool:
    """What is lent never waits for a person."""
    return value.on_change == "roll" or value.expires_at is not None


def _first(text: str) -> str:
    return (text.splitlines() or [""])[0]
