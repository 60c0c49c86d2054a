"""What a deployment would do, without doing it: compared with what runs, validated by Envoy, placed by Nomad."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from outrider.nomad.read import placement
from outrider.nomad.read import plan as drift
from outrider.nomad.read.job import running
from outrider.operations.answers.plan import Plan
from outrider.operations.change.attempts import attempted, shortfall
from outrider.operations.change.comparison import Comparison, changes_of, why_drifted
from outrider.operations.change.documents import Chosen, RenderContext, Rendered, Source
from outrider.operations.change.instance_memory import instance_warnings
from outrider.operations.change.neighbours import declared_around
from outrider.operations.change.parts import chosen
from outrider.operations.change.plans import Prepared
from outrider.operations.change.render import read, rendered
from outrider.operations.change.values_ahead import value_warnings
from outrider.operations.change.volume_places import volume_remarks
from outrider.operations.explain.service import contradictions
from outrider.operations.lookalikes import mistakable
from outrider.operations.lookups import last_count, running_version
from outrider.operations.outside import outside_warnings
from outrider.operations.registered import registered
from outrider.operations.stored_specs import readable_spec
from outrider.topology.remarks import effects_not_yet, remarks

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.operations.environment import Environment
    from outrider.operations.registered import Registered


async def prepared(
    environment: Environment, source: Source, *, renews: bool = False, known: Registered | None = None
) -> Prepared:
    """Render the spec, look at what runs, ask Envoy and Nomad. SpecError, UsageError or RemoteError; nothing changes.

    With ``renews`` today's sidecar is taken, and the count is the one that runs. What takes long for a large spec runs
    in a thread: whoever else is served goes on. ``known`` is what is registered, for whoever has asked already.
    """
    around = known or await registered(environment)
    spoken = {**around.protocols, **source.protocols}
    context = RenderContext(environment.platform, environment.name, spoken, environment.agent)
    name = (await asyncio.to_thread(read, source, context)).service.service
    document = await environment.nomad.job(name)
    now = running(document)
    last = await last_count(environment, name, now)
    result = await asyncio.to_thread(rendered, source, context, last, keeps_count=renews)
    base = await running_version(environment, name, now)
    retry = await shortfall(environment, name, now, base) if result.is_same_service(now) else ""
    choice = chosen(result, now, (document, base), is_replaced=renews or bool(retry))
    job = attempted(choice.job, now, is_again=bool(retry))
    refusals, answer, alike, crowded, values, others = await asyncio.gather(
        _refusals(environment, result, choice),
        environment.nomad.plan(job),
        mistakable(environment, result.topology),
        instance_warnings(environment, result.topology),
        value_warnings(environment, result.service),
        outside_warnings(environment, name),
    )
    # After Nomad's plan: a cluster of one machine makes what a job asks for.
    placed = await volume_remarks(environment, result.topology)
    compared = Comparison(result, choice, now, base)
    plan = await asyncio.to_thread(_plan, environment, compared, answer, refusals)
    graph = declared_around(around, result.topology)
    beside = (*placed, *alike, *contradictions(graph, name), *crowded, *values, *around.problems, *others)
    plan = replace(plan, warnings=(*plan.warnings, *beside))
    return Prepared(source, _tried_again(plan, retry) if retry else plan, result, choice, job, now, base)


async def named(environment: Environment, source: Source) -> str:
    """The service that the spec is of. SpecError for one that cannot be read."""
    context = RenderContext(environment.platform, environment.name, {})
    return (await asyncio.to_thread(read, source, context)).service.service


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
        failures=placement.failures(answer, compared.rendered.job),
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
    elif unread := readable_spec(base)[1]:
        found.append(f"{unread}: no comparison")
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
