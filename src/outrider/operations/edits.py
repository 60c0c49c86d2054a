"""Wishes for a service whose file nobody has at hand: its stored version's text is edited, planned and deployed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, SpecError, UsageError

from outrider.operations.answers.proposal import Proposal
from outrider.operations.change.redeploy import version_to_renew
from outrider.operations.change.sources import text_of
from outrider.operations.changes import Changes, Text
from outrider.operations.opening import Order, repeated
from outrider.operations.version_source import VersionSource
from outrider.spec.written.proposal import EditedSpec, Wish, proposed

if TYPE_CHECKING:
    from outrider.operations.principal import Principal
    from outrider.operations.records import Deployment, Version


@dataclass(frozen=True, slots=True)
class Edits:
    """What one portal can change of the texts that it keeps. UsageError where the service does not run, or is unknown."""

    changes: Changes

    async def proposed(self, principal: Principal, environment: str, service: str, wish: Wish) -> Proposal:
        """What the wish would change of the version that runs, and its plan; nothing is changed by asking."""
        base = await version_to_renew(self.changes.environment(principal, environment), service)
        made = _made(base, wish)
        text = _text(base, wish, made)
        plan = await self.changes.plan(principal, environment, text) if made.diff else None
        idle = "" if made.diff else wish.idle(service)
        return Proposal(
            service, environment, base.number, base.file, wish.words, made.text, made.diff, made.notes, plan, idle
        )

    async def done(
        self, environment: str, service: str, wish: Wish, order: Order, version: int | None = None
    ) -> Deployment:
        """Deploy it. ConflictError where another version than ``version`` runs by now; UsageError: there is nothing to do."""
        here = self.changes.environment(order.by, environment)
        earlier = await repeated(here, order)
        if earlier is not None:
            return earlier
        base = await version_to_renew(here, service)
        if version is not None and version != base.number:
            raise ConflictError(
                f"version {base.number} of {service} runs in {environment} now, not {version}",
                next_step="Look at the change again, then decide.",
            )
        made = _made(base, wish)
        if not made.diff:
            raise UsageError(f"there is nothing to do: {wish.idle(service)}", next_step="Look at what runs.")
        return await self.changes.deploy(environment, _text(base, wish, made), order)


def _made(base: Version, wish: Wish) -> EditedSpec:
    """SpecError says whose text it is: nobody has the file open."""
    try:
        return proposed(base.spec, base.file, wish, base.environment)
    except SpecError as error:
        named = f"version {base.number} of {base.service}"
        problems = tuple(replace(one, file=f"{named}, {one.file or base.file}") for one in error.problems)
        raise SpecError(problems, next_step=error.next_step) from error


def _text(base: Version, wish: Wish, made: EditedSpec) -> Text:
    source = replace(base.source or VersionSource(path=base.file), kind="edit", edit=wish.words, run=None)
    return replace(text_of(base), spec=made.text, source=source)
