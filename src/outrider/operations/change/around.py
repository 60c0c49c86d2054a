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
    from collections.abc import Callable, Mapping

    from outrider.operations.change.documents import Rendered
    from outrider.operations.environment import Environment
    from outrider.operations.records import MergedSpec
    from outrider.operations.registered import Registered
    from outrider.spec.service import Service

    Render = Callable[[Service, Mapping[str, str]], Rendered]

MOST = 200
"""Neighbours that are rendered: of more the others are named as not compared."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the services around: now, and with the service as it would be."""

    service: str
    now: Mapping[str, str]
    then: Mapping[str, str]


async def around(
    environment: Environment, known: Registered, made: Rendered, noticed: tuple[str, ...], render: Render
) -> Around:
    """The neighbours of what was made, and the comparison; ``noticed`` is what callers will notice.

    ``render`` makes another service's documents with what is known of protocols. What cannot be compared is named, never
    left out in silence.
    """
    name, topology = made.service.service, made.topology
    callers = known.callers(name)
    upstreams = tuple(sorted(one.name for one in topology.upstreams if one.outside is None and one.name != name))
    neighbours = sorted({*callers, *upstreams})
    told = Known(name, known.protocols, {**known.protocols, name: spoken(made.service)})
    hashes = {one: known.hashes.get(one) for one in neighbours[:MOST]}
    stored = await environment.store.versions.merged_specs(environment.name, hashes)
    specs = {one: stored.get(one) for one in hashes}
    compared, affected, uncompared = await asyncio.to_thread(_compared, render, specs, told)
    left = (*uncompared, *(Affected(one, f"only {MOST} neighbours are rendered") for one in neighbours[MOST:]))
    proof = _proof(compared, affected, (callers, upstreams))
    return Around(callers, upstreams, noticed, compared, affected, left, proof)


def _compared(
    render: Render, specs: Mapping[str, MergedSpec | None], known: Known
) -> tuple[tuple[str, ...], tuple[Affected, ...], tuple[Affected, ...]]:
    compared: list[str] = []
    affected: list[Affected] = []
    uncompared: list[Affected] = []
    for name, version in specs.items():
        stored, unread = readable_spec(version)
        if stored is None:
            uncompared.append(Affected(name, unread or "it was never deployed here"))
            continue
        compared.append(name)
        told, then_told = (_told(stored.service, one) for one in (known.now, known.then))
        now = _outcome(render, stored.service, told)
        then = now if told == then_told else _outcome(render, stored.service, then_told)
        if now != then:
            affected.append(Affected(name, _reason(known, then)))
    return tuple(compared), tuple(affected), tuple(uncompared)


def _told(service: Service, protocols: Mapping[str, str]) -> dict[str, str]:
    """What of all that is known a service is rendered with: nothing else can make its documents others."""
    return {name: protocols[name] for name in (service.service, *service.upstreams) if name in protocols}


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
