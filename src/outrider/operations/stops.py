"""What people put in the way of changes, and take away again: freezes, and rejected versions."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from outrider_ground.errors import UsageError

from outrider.nomad.read.job import parts_in
from outrider.operations.environment import environment_named
from outrider.operations.lookups import check_known, stored_version
from outrider.operations.stop_records import PREFIXES, Freeze, FreezeScope, Rejection
from outrider.operations.stored_specs import readable_outline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outrider.operations.environment import Environment
    from outrider.operations.principal import Principal

LONGEST: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is frozen: a service, a team's services, or a whole environment."""

    scope: FreezeScope
    name: str


@dataclass(frozen=True, slots=True)
class Stops:
    """What one portal can put in the way of changes. UsageError for an environment that the platform does not have."""

    environments: Mapping[str, Environment]

    async def freezes(self, environment: str) -> tuple[Freeze, ...]:
        """Those that hold now."""
        here = environment_named(self.environments, environment)
        return await here.store.freezes.freezes(environment, datetime.now(UTC))

    async def freeze(
        self, principal: Principal, environment: str, subject: Subject, reason: str, until: datetime
    ) -> Freeze:
        """Freeze it. UsageError: nobody knows it, no reason, or a time that has passed or is more than a year away."""
        here = environment_named(self.environments, environment)
        now = datetime.now(UTC)
        await _check_subject(here, subject)
        _check_reason(reason, "a freeze")
        _check_time(until, now)
        scope, name = subject.scope, subject.name
        made = Freeze(str(uuid.uuid4()), environment, scope, name, reason.strip(), principal.name, now, until)
        await here.store.freezes.add_freeze(made)
        return made

    async def thaw(self, principal: Principal, environment: str, subject: Subject) -> tuple[Freeze, ...]:
        """Lift every freeze of just this subject. UsageError where it is not frozen."""
        here = environment_named(self.environments, environment)
        now = datetime.now(UTC)
        there = await here.store.freezes.freezes(environment, now)
        found = [one for one in there if (one.scope, one.name) == (subject.scope, subject.name)]
        if not found:
            frozen = ", ".join(dict.fromkeys(one.subject for one in there))
            said = f"Frozen there: {frozen}." if frozen else "Nothing is frozen there."
            raise UsageError(f"{_written(subject)} is not frozen in {environment}", next_step=said)
        return tuple([one for one in found if await here.store.freezes.lift_freeze(one, principal.name, now)])

    async def reject(self, principal: Principal, environment: str, service: str, number: int, reason: str) -> Rejection:
        """The version shall not run again. UsageError: there is none, no reason, or it is rejected already."""
        here = environment_named(self.environments, environment)
        version = await stored_version(here, service, number)
        _check_reason(reason, "a rejection")
        for one in await here.store.rejections.rejections(environment, service):
            if one.number == number:
                raise UsageError(
                    f"version {number} of {service} in {environment} is rejected already, by {one.created_by}: {one.reason}",
                    next_step=f"`outrider reject {service} {number} -e {environment} --lift` lets it run again.",
                )
        parts = parts_in(version.job)
        part, now = parts.service if parts else "", datetime.now(UTC)
        made = Rejection(
            str(uuid.uuid4()), environment, service, number, version.hash, part, reason.strip(), principal.name, now
        )
        await here.store.rejections.add_rejection(made)
        return made

    async def unreject(self, principal: Principal, environment: str, service: str, number: int) -> Rejection:
        """The version may run again. UsageError where it is not rejected."""
        here = environment_named(self.environments, environment)
        await stored_version(here, service, number)
        for one in await here.store.rejections.rejections(environment, service):
            if one.number == number and await here.store.rejections.lift_rejection(
                one, principal.name, datetime.now(UTC)
            ):
                return one
        raise UsageError(f"version {number} of {service} in {environment} is not rejected")


async def _check_subject(environment: Environment, subject: Subject) -> None:
    if subject.scope == "service":
        await check_known(environment, subject.name)
    if subject.scope == "team":
        teams = await _teams(environment)
        if subject.name not in teams:
            known = f"There are: {', '.join(teams)}." if teams else "No service there names its team."
            raise UsageError(f"{environment.name} knows no team {subject.name}", next_step=known)
    if subject.scope == "environment" and subject.name != environment.name:
        raise UsageError(
            f"{subject.name} is another environment than {environment.name}", next_step="Name one of them."
        )


async def _teams(environment: Environment) -> list[str]:
    services = await environment.store.versions.services(environment.name)
    outlines = await environment.store.versions.outlines(environment.name, dict.fromkeys(services))
    shown = (readable_outline(environment.name, one)[0].team for one in outlines.values())
    return sorted({team for team in shown if team})


def _check_reason(reason: str, what: str) -> None:
    if not reason.strip():
        raise UsageError(f"{what} needs a reason: whoever it stops reads it", next_step="Say why: `--reason TEXT`.")


def _check_time(until: datetime, now: datetime) -> None:
    if until <= now:
        raise UsageError(
            f"{until:%Y-%m-%d %H:%M:%S} UTC has passed: it is {now:%Y-%m-%d %H:%M:%S} UTC",
            next_step="Name a later time, or how long: `--until 4h`.",
        )
    if until > now + LONGEST:
        raise UsageError("a freeze ends within a year", next_step="Name an earlier time; it can be frozen again.")


def _written(subject: Subject) -> str:
    return f"{PREFIXES[subject.scope]}{subject.name}"
