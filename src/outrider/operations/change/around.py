"""The neighbours of a service that is to be deployed: who they are, and that none of their documents becomes another.

Nothing but a service's own deployment changes its documents. What could make a neighbour's next deployment render another
one is what it is told of this service; so the neighbours are rendered twice, once as the service is known now and once as
it would be, and both results are compared.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError

from outrider.operations.answers.rollout import Affected, Around
from outrider.operations.stored_specs import readable_spec
from outrider.topology.parts import content_hash
from outrider.topology.spoken import spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, MutableMapping

    from outrider.operations.change.documents import Rendered
    from outrider.operations.environment import Environment
    from outrider.operations.records import MergedSpec
    from outrider.operations.registered import Registered
    from outrider.spec.service import Service

    Render = Callable[[Service, Mapping[str, str]], Rendered]
    Told = tuple[tuple[str, str], ...]
    """Protocols by service."""

MOST = 200
"""Neighbours that are rendered: of more the others are named as not compared."""
REMEMBERED = 20_000
"""Outcomes of renderings that an environment remembers; then it begins anew."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the services around: now, and with the service as it would be."""

    service: str
    now: Mapping[str, str]
    then: Mapping[str, str]

    def told(self, neighbour: str, upstreams: Iterable[str]) -> tuple[Told, Told]:
        """What of all that is known a neighbour is rendered with, now and then: nothing else can make its documents others."""
        names = (neighbour, *upstreams)
        now, then = (tuple((one, known[one]) for one in names if one in known) for known in (self.now, self.then))
        return now, then


@dataclass(frozen=True, slots=True)
class Rendering:
    """How another service's documents are made with what is known of protocols, and what came of it before.

    ``outcomes`` are by service, hash of its version, and what it was told: of the same the same comes out.
    """

    render: Render
    outcomes: MutableMapping[Hashable, str]

    def remembered(self, neighbour: str, hash_: str | None, told: tuple[Told, Told]) -> tuple[str, str] | None:
        """What comes of it now and then, where both are known."""
        now, then = (self.outcomes.get((neighbour, hash_, one)) for one in told)
        return None if now is None or then is None else (now, then)

    def made(self, version: MergedSpec, service: Service, known: Known) -> tuple[str, str]:
        """The same, rendered where it is not known."""
        now, then = (self._outcome(version, service, told) for told in known.told(version.service, service.upstreams))
        return now, then

    def _outcome(self, version: MergedSpec, service: Service, told: Told) -> str:
        key = (version.service, version.hash, told)
        found = self.outcomes.get(key)
        if found is None:
            found = _outcome(self.render, service, dict(told))
            if len(self.outcomes) >= REMEMBERED:
                self.outcomes.clear()  # others render at the same time: what is returned is not read from there again
            self.outcomes[key] = found
        return found


async def around(environment: Environment, known: Registered, made: Rendered, render: Render) -> Around:
    """The neighbours of what was made, and the comparison.

    ``render`` makes another service's documents with what is known of protocols. What cannot be compared is named, never
    left out in silence.
    """
    name, topology = made.service.service, made.topology
    callers = known.callers(name)
    upstreams = tuple(sorted(one.name for one in topology.upstreams if one.outside is None and one.name != name))
    neighbours = sorted({*callers, *upstreams})
    told = Known(name, known.protocols, {**known.protocols, name: spoken(made.service)})
    rendering = Rendering(render, environment.outcomes)
    hashes = {one: known.hashes.get(one) for one in neighbours[:MOST]}
    found = {
        one: rendering.remembered(one, hash_, told.told(one, known.upstreams.get(one, ())))
        for one, hash_ in hashes.items()
    }
    unknown = {one: hashes[one] for one, outcome in found.items() if outcome is None}
    stored = await environment.store.versions.merged_specs(environment.name, unknown)
    rendered = await asyncio.to_thread(_rendered, rendering, {one: stored.get(one) for one in unknown}, told)
    compared, affected, uncompared = _compared({**found, **rendered}, told)
    left = (*uncompared, *(Affected(one, f"only {MOST} neighbours are rendered") for one in neighbours[MOST:]))
    proof = _proof(compared, affected, (callers, upstreams))
    return Around(callers, upstreams, (), compared, affected, left, proof)


def _rendered(
    rendering: Rendering, specs: Mapping[str, MergedSpec | None], known: Known
) -> dict[str, tuple[str, str] | Affected]:
    """What comes of each now and then, or why that cannot be said."""
    found: dict[str, tuple[str, str] | Affected] = {}
    for name, version in specs.items():
        stored, unread = readable_spec(version)
        if version is None or stored is None:
            found[name] = Affected(name, unread or "it was never deployed here")
        else:
            found[name] = rendering.made(version, stored.service, known)
    return found


def _compared(
    found: Mapping[str, tuple[str, str] | Affected | None], known: Known
) -> tuple[tuple[str, ...], tuple[Affected, ...], tuple[Affected, ...]]:
    outcomes = {name: one for name, one in found.items() if isinstance(one, tuple)}
    affected = tuple(Affected(name, _reason(known, then)) for name, (now, then) in outcomes.items() if now != then)
    return tuple(outcomes), affected, tuple(one for one in found.values() if isinstance(one, Affected))


def _outcome(render: Render, service: Service, protocols: Mapping[str, str]) -> str:
    """The hash of the job that carries all documents of the service, or why there is none."""
    try:
        job = render(service, protocols).job
    except OutriderError as error:
        return f"refused: {error.message}"
    return content_hash(job)


def _reason(known: Known, then: str) -> str:
    if then.startswith("refused: "):
        return f"could not be deployed again as it is: {then.removeprefix('refused: ')}"
    before, after = known.now.get(known.service, "nothing that is known"), known.then[known.service]
    return f"would be told that {known.service} speaks {after} instead of {before}"


def _proof(compared: tuple[str, ...], affected: tuple[Affected, ...], sides: tuple[tuple[str, ...], ...]) -> str:
    callers, upstreams = (sum(one in compared for one in side) for side in sides)
    rendered = f"({_counted(callers, 'caller')} and {_counted(upstreams, 'upstream')} rendered and compared)"
    if affected:
        return f"nothing of other services changes now; {len(affected)} would change at their next deploy {rendered}"
    return f"no other service's documents change {rendered}"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
