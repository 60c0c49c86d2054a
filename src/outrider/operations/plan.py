"""What a deployment would do, without doing it: compared with what runs, validated by Envoy, placed by Nomad."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from outrider.operations import drift, placement
from outrider.operations.attempts import attempted, shortfall
from outrider.operations.comparison import Comparison, changes_of, why_drifted
from outrider.operations.differences import Change
from outrider.operations.explain import contradictions
from outrider.operations.instance_memory import instance_warnings
from outrider.operations.lookalikes import mistakable
from outrider.operations.lookups import last_count, running_version
from outrider.operations.neighbours import declared_around
from outrider.operations.parts import Chosen, Part, chosen, is_same_service
from outrider.operations.registered import registered
from outrider.operations.render import Rendered, Source, Surroundings, read, rendered
from outrider.operations.running import Running, running
from outrider.topology.remarks import effects_not_yet, remarks

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.operations.ports import Json
    from outrider.operations.records import Version


@dataclass(frozen=True, slots=True)
class Plan:
    """What ``run`` would change; ``check_index`` makes it do just that or nothing.

    ``allocations`` has Nomad's numbers by group (place, destructive, in_place, stop, ignore, canary). ``failures``
    says where no node was found, ``refusals`` what Envoy has against the bootstrap: with refusals nothing is deployed.
    ``restarts_nothing`` tells that the job in Nomad stays as it is, to the letter. ``retry`` says why the version that
    is registered already is deployed again, and is empty where nothing asks for it. ``older`` names where the sidecar
    that stays differs from the one that the platform and this Outrider make today.
    """

    service: str
    environment: str
    has_changes: bool
    check_index: int
    version_hash: str
    service_part: Part
    sidecar_part: Part
    older: tuple[str, ...]
    running_version: int | None
    changes: tuple[Change, ...]
    allocations: dict[str, dict[str, int]]
    warnings: tuple[str, ...]
    without_effect: tuple[str, ...]
    failures: tuple[str, ...]
    refusals: tuple[str, ...]
    restarts_nothing: bool
    is_foreign: bool
    retry: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with what it was made of; ``base`` is the stored version that runs now, where that is known.

    ``job`` is what is registered: the chosen one with the attempt that it is.
    """

    plan: Plan
    rendered: Rendered
    chosen: Chosen
    job: Json
    running: Running
    base: Version | None


async def prepared(environment: Environment, source: Source, *, renews: bool = False) -> Prepared:
    """Render the spec, look at what runs, ask Envoy and Nomad. SpecError, UsageError or RemoteError; nothing changes.

    With ``renews`` today's sidecar is taken, and the count is the one that runs. What takes long for a large spec runs
    in a thread: whoever else is served goes on.
    """
    around = await registered(environment)
    surroundings = Surroundings(environment.platform, environment.name, around.protocols, environment.agent)
    name = (await asyncio.to_thread(read, source, surroundings)).service.service
    document = await environment.nomad.job(name)
    now = running(document)
    last = await last_count(environment, name, now)
    result = await asyncio.to_thread(rendered, source, surroundings, last, keeps_count=renews)
    base = await running_version(environment, name, now)
    retry = await shortfall(environment, name, now, base) if is_same_service(result, now) else ""
    choice = chosen(result, now, (document, base), is_replaced=renews or bool(retry))
    job = attempted(choice.job, now, is_again=bool(retry))
    refusals, answer, alike, crowded = await asyncio.gather(
        _refusals(environment, result, choice),
        environment.nomad.plan(job),
        mistakable(environment, result.topology),
        instance_warnings(environment, result.topology),
    )
    compared = Comparison(result, choice, now, base)
    plan = await asyncio.to_thread(_plan, environment, compared, answer, refusals)
    graph = declared_around(around, result.topology)
    plan = replace(plan, warnings=(*plan.warnings, *alike, *contradictions(graph, name), *crowded))
    return Prepared(_tried_again(plan, retry) if retry else plan, result, choice, job, now, base)


async def _refusals(environment: Environment, result: Rendered, choice: Chosen) -> tuple[str, ...]:
    """Nothing of a sidecar that stays: its Envoy has read it already."""
    if result.bootstrap is None or choice.is_kept:
        return ()
    return await environment.envoy.validate(result.bootstrap)


def _plan(environment: Environment, compared: Comparison, answer: Json, refusals: tuple[str, ...]) -> Plan:
    result, choice, now, base = compared.rendered, compared.chosen, compared.running, compared.base
    changes = changes_of(compared)
    drifted = drift.places(answer.get("Diff"))
    return Plan(
        service=result.service.service,
        environment=environment.name,
        has_changes=bool(changes) or bool(drifted) or not now.is_live,
        check_index=now.index,
        version_hash=choice.hash,
        service_part=choice.service,
        sidecar_part=choice.sidecar,
        older=choice.older,
        running_version=base.number if base else None,
        changes=changes,
        allocations=drift.updates(answer),
        warnings=_warnings(compared, answer, drifted if not changes else ()),
        without_effect=effects_not_yet(result.topology),
        failures=placement.failures(answer),
        refusals=refusals,
        restarts_nothing=now.is_live and drift.is_none(answer.get("Diff")),
        is_foreign=now.is_foreign,
    )


def _tried_again(plan: Plan, retry: str) -> Plan:
    return replace(plan, has_changes=True, restarts_nothing=False, retry=retry)


def _warnings(compared: Comparison, answer: Json, drifted: tuple[str, ...]) -> tuple[str, ...]:
    now, base, name = compared.running, compared.base, compared.rendered.service.service
    found: list[str] = []
    if now.is_foreign:
        found.append(f"the job {name} in Nomad was not deployed by Outrider: a deployment would replace it")
    elif now.is_live and base is None:
        found.append(f"this portal does not know the version of {name} that runs ({now.hash}): no comparison")
    if drifted and now.is_live and not compared.is_renewed:
        found.append(f"{why_drifted(compared)}: {', '.join(drifted)}")
    if compared.rendered.count == 0:
        found.append(f"0 allocations: nothing of {name} will run until `outrider scale {name} 1 -e ENVIRONMENT`")
    found += remarks(compared.rendered.topology)
    if answer.get("Warnings"):
        found.append(f"Nomad: {answer['Warnings']}".strip())
    return tuple(found)
