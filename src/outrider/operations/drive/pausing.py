"""Holding a rollout while Consul is away: Nomad's deployment is paused, so that nothing more is replaced, and resumed.

Nomad's own checks do not tell: a Consul agent without a leader answers them, and callers hear of nothing new.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from outrider_ground.errors import ConflictError, OutriderError, RemoteError

from outrider.documents import nested
from outrider.nomad.read.deployment import PAUSED, progress_by
from outrider.operations.event_details import Paused, Warned
from outrider.operations.events import PauseEvent
from outrider.operations.outages import blindness, needs_consul, outage

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from outrider.documents import Json
    from outrider.operations.drive.progress import Note
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment

STOPS_THE_CLOCK: Final = (2, 0, 1)
"""The first Nomad in which a paused deployment does not fail at its progress deadline (hashicorp/nomad#27804)."""
BLOCKER: Final = "consul"


class Pausing:
    """One deployment's patience with Consul; whoever has overridden that wants none."""

    def __init__(
        self, environment: Environment, deployment: Deployment, note: Note, clock: Callable[[], float]
    ) -> None:
        self._environment, self._deployment, self._note, self._clock = environment, deployment, note, clock
        self._is_needed: bool | None = None
        self._intends: bool | None = None
        self._was_seen = False
        self._refusal = ""
        self._changed_at: float | None = None
        self.reason = ""
        """Why it waits; kept after the end of a deployment that Nomad gave up meanwhile."""

    async def holds(self, document: Json, healthy: Collection[str]) -> bool:
        """Whether the rollout waits now; paused or resumed at Nomad where Consul has been away, or back, for long enough."""
        is_paused = document.get("Status") == PAUSED
        if not await self._applies():
            return is_paused
        if is_paused and not await self._intended():
            return await self._left_alone(document)
        if await self._is_undone(is_paused=is_paused):
            return False
        why = await self._why(healthy)
        is_known = bool(self._intends and why)
        if self._has_lasted(is_changed=bool(why) is not is_paused, is_known=is_known):
            await (self._paused(document, why) if why else self._resumed(document))
            return bool(why)
        if self._intends and not is_paused and not why:
            await self._goes_on()  # written down, and Consul came back before it was done
        return is_paused

    def begin_anew(self) -> None:
        """Another deployment of Nomad's is looked at from here on: what is known of Consul holds for it as well."""
        self._was_seen = False

    async def _intended(self) -> bool:
        """Whether it is paused by us, perhaps by the portal before this one: what it has written down tells."""
        if self._intends is None:
            known = await self._environment.store.events.after(self._deployment.id)
            told = [event.detail.is_paused for event in known if isinstance(event, PauseEvent)]
            self._intends = bool(told) and told[-1]
        return self._intends

    async def _is_undone(self, *, is_paused: bool) -> bool:
        """Whether somebody else has resumed it at Nomad: they want it to go on without Consul."""
        if await self._intended() and self._was_seen and not is_paused:
            self._is_needed, self.reason = False, ""
            await self._note(
                "somebody else has resumed it at Nomad: it no longer waits for Consul", Paused(is_paused=False)
            )
            return True
        self._was_seen = is_paused
        return False

    async def _why(self, healthy: Collection[str]) -> str:
        return await outage(self._environment) or await blindness(self._environment, self._deployment.service, healthy)

    def _has_lasted(self, *, is_changed: bool, is_known: bool) -> bool:
        """Whether it is another way than Nomad was told for as long as an outage must last, unless that is told already."""
        if not is_changed:
            self._changed_at = None
            return False
        self._changed_at = self._clock() if self._changed_at is None else self._changed_at
        return is_known or self._clock() - self._changed_at >= self._environment.limits.outage

    async def _applies(self) -> bool:
        if self._is_needed is None:
            self._is_needed = not any(one.name == BLOCKER for one in self._deployment.overrides) and needs_consul(
                await self._environment.nomad.job(self._deployment.service) or {}
            )
        return self._is_needed

    async def _left_alone(self, document: Json) -> bool:
        if not self.reason:
            self.reason = "it was paused at Nomad by somebody else"
            resume = f"`nomad deployment resume {str(document['ID'])[:8]}`"
            await self._note(f"{self.reason}: it goes on with {resume}", Warned())
        return True

    async def _paused(self, document: Json, why: str) -> None:
        """Written down first: a portal that is killed in between leaves nothing paused that nobody resumes."""
        if not self._intends:
            await self._announced(document, why)
        self._intends, self._changed_at = True, None
        await self._told_to_nomad(document, is_paused=True)

    async def _announced(self, document: Json, why: str) -> None:
        since, here = datetime.now(UTC), f"{self._deployment.service} -e {self._deployment.environment}"
        self.reason = f"{why}, since {since:%H:%M:%S} UTC"
        deadline = None if await self._stops_the_clock() else progress_by(document)
        told = f"waits: {self.reason}, and callers would not hear of new allocations; nothing more is replaced until it is back"
        ending = f"; this Nomad gives it up at {deadline:%H:%M:%S} UTC all the same" if deadline else ""
        detail = Paused(is_paused=True, reason=why, since=since, progress_by=deadline)
        await self._note(f"{told}{ending}; `outrider fail {here}` ends it now", detail)

    async def _resumed(self, document: Json) -> None:
        self._changed_at = None
        if await self._told_to_nomad(document, is_paused=False):
            await self._goes_on()

    async def _goes_on(self) -> None:
        self._intends, self._was_seen, self.reason = False, False, ""
        await self._note("Consul is back: the rollout goes on", Paused(is_paused=False))

    async def _told_to_nomad(self, document: Json, *, is_paused: bool) -> bool:
        """Whether Nomad has taken it; where it gave no answer, the next look tells, and only what was not done is said again."""
        try:
            await self._environment.nomad.pause(document["ID"], is_paused=is_paused)
        except (ConflictError, RemoteError) as error:
            told = f"Nomad did not {'pause' if is_paused else 'resume'} it: {error.message}"
            if told != self._refusal:
                self._refusal = told
                await self._note(told, Warned())
            return False
        return True

    async def _stops_the_clock(self) -> bool:
        """Whether this Nomad keeps a paused deployment beyond its deadline; one that does not say is taken to."""
        try:
            config = nested(await self._environment.nomad.agent_self(), "config")
        except OutriderError:
            return True
        written = str(nested(config, "Version").get("Version") or "")
        numbers = tuple(int(part) for part in written.split("-", maxsplit=1)[0].split(".") if part.isdecimal())
        return not numbers or numbers >= STOPS_THE_CLOCK
