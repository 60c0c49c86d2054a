"""What a deployment would do, without doing it: compared with what runs, validated by Envoy, placed by Nomad."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from outrider.envoy.clashes import clashes
from outrider.nomad.read import placement
from outrider.nomad.read import plan as drift
from outrider.nomad.read.job import running
from outrider.operations.answers.plan import Change, Plan, Raw
from outrider.operations.change.around import around
from outrider.operations.change.attempts import attempted, shortfall
from outrider.operations.change.basis import basis
from outrider.operations.change.bootstraps import documents, in_places, in_words, without_bootstraps
from outrider.operations.change.comparison import Comparison, changes_of, comparison, why_drifted
from outrider.operations.change.documents import Chosen, RenderContext, Rendered, Source
from outrider.operations.change.instance_memory import instance_warnings
from outrider.operations.change.neighbours import declared_around
from outrider.operations.change.noticed import Turn, notices
from outrider.operations.change.parts import chosen
from outrider.operations.change.plans import Prepared
from outrider.operations.change.platform_part import platform_beside, platform_part
from outrider.operations.change.render import documents_of, read, rendered_file
from outrider.operations.change.rollout import Start, rollout
from outrider.operations.change.structure import structural
from outrider.operations.change.values_ahead import value_warnings
from outrider.operations.change.volume_places import volume_remarks
from outrider.operations.drift import with_count
from outrider.operations.explain.service import contradictions
from outrider.operations.lookalikes import mistakable
from outrider.operations.lookups import last_count, running_version
from outrider.operations.outside import outside_warnings
from outrider.operations.redaction import told
from outrider.operations.registered import registered
from outrider.topology.remarks import effects_not_yet, remarks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outrider.documents import Json
    from outrider.operations.answers.rollout import Around
    from outrider.operations.environment import Environment
    from outrider.operations.registered import Registered
    from outrider.spec.references import Reference
    from outrider.spec.service import Service
    from outrider.topology.topology import Topology


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is asked for beside what runs; ``job`` is what would be registered, ``retry`` why the same version would be again."""

    compared: Comparison
    job: Json
    retry: str


@dataclass(frozen=True, slots=True)
class _Said:
    """What others have to say: Nomad's plan, what Envoy refuses, warnings that stand beside the plan's own, the platform file."""

    answer: Json
    refusals: tuple[str, ...]
    beside: tuple[str, ...]
    platform: Json


async def prepared(
    environment: Environment,
    source: Source,
    *,
    renews: bool = False,
    known: Registered | None = None,
    is_shown: bool = False,
) -> Prepared:
    """Render the spec, look at what runs, ask Envoy and Nomad. SpecError, UsageError or RemoteError; nothing changes.

    With ``renews`` today's sidecar is taken, and the count is the one that runs. With ``is_shown`` the plan also says what
    becomes of the neighbours, and has each place of both documents: what a person looks at, and a deployment needs not.
    ``known`` is what is registered, for whoever has asked already. What takes long for a large spec runs in a thread.
    """
    known = known or await registered(environment)
    wanted = await _wanted(environment, source, known, renews=renews)
    compared = wanted.compared
    if is_shown:
        plan, neighbours = await asyncio.gather(
            _planned(environment, source, known, wanted), _around(environment, known, compared.rendered)
        )
        plan = await _shown(environment, plan, wanted, neighbours)
    else:
        plan = await _planned(environment, source, known, wanted)
    return Prepared(source, plan, compared.rendered, compared.chosen, wanted.job, compared.running, compared.base)


async def _wanted(environment: Environment, source: Source, known: Registered, *, renews: bool) -> _Wanted:
    spoken = {**known.protocols, **source.protocols}
    context = RenderContext(environment.platform, environment.name, spoken, environment.agent)
    written = await asyncio.to_thread(read, source, context)
    name = written.service.service
    document = await environment.nomad.job(name)
    now = running(document)
    last = await last_count(environment, name, now)
    result = await asyncio.to_thread(rendered_file, written, source, context, last, keeps_count=renews)
    base = await running_version(environment, name, now)
    retry = await shortfall(environment, name, now, base) if result.is_same_service(now) else ""
    choice = chosen(result, now, (document, base), is_replaced=renews or bool(retry))
    job = attempted(choice.job, now, is_again=bool(retry))
    return _Wanted(await asyncio.to_thread(comparison, result, choice, now, base), job, retry)


async def _planned(environment: Environment, source: Source, known: Registered, wanted: _Wanted) -> Plan:
    said = await _said(environment, known, wanted, source.makes)
    return await asyncio.to_thread(_plan, environment, source, wanted, said)


async def _said(environment: Environment, known: Registered, wanted: _Wanted, makes: frozenset[Reference]) -> _Said:
    result = wanted.compared.rendered
    refusals, answer, beside, platform = await asyncio.gather(
        _refusals(environment, result, wanted.compared.chosen),
        environment.nomad.plan(wanted.job),
        _beside(environment, known, result.topology, makes),
        platform_part(environment),
    )
    # After Nomad's plan: a cluster of one machine makes what a job asks for.
    placed = await volume_remarks(environment, result.topology)
    return _Said(answer, refusals, (*placed, *beside), platform)


async def _beside(
    environment: Environment, known: Registered, topology: Topology, makes: frozenset[Reference]
) -> tuple[str, ...]:
    """What Consul, the neighbours, the values and what others did to the job give cause to say."""
    name = topology.service
    alike, crowded, values, others = await asyncio.gather(
        mistakable(environment, topology),
        instance_warnings(environment, topology),
        value_warnings(environment, topology.spec, makes),
        outside_warnings(environment, name),
    )
    contradicted = contradictions(declared_around(known, topology), name)
    return (*alike, *contradicted, *crowded, *values, *known.problems, *others)


async def _around(environment: Environment, known: Registered, made: Rendered) -> Around:
    def documents(service: Service, protocols: Mapping[str, str]) -> Rendered:
        return documents_of(service, environment.platform, environment.name, protocols)

    return await around(environment, known, made, documents)


async def _shown(environment: Environment, plan: Plan, wanted: _Wanted, neighbours: Around) -> Plan:
    """The plan with all that only a person wants to know."""
    compared = wanted.compared
    way = rollout(_start(environment, compared, plan, wanted.job))
    before = compared.stored.service if compared.stored and compared.running.is_live else None
    noticed = notices(Turn(before, compared.rendered.service, way)) if before else ()
    sidecar, raw = await asyncio.to_thread(_sidecar, plan, compared, wanted.job)
    found = replace(neighbours, notices=noticed)
    return replace(plan, rollout=way, sidecar=sidecar, places=len(raw.bootstrap), raw=raw, around=found)


def _sidecar(plan: Plan, compared: Comparison, job: Json) -> tuple[tuple[Change, ...], Raw]:
    """What changes in the bootstrap in the words of the mesh, and every place of both documents; none where its Envoy stays."""
    base = compared.base if compared.running.is_live else None
    before = base.bootstrap if base else None
    after = before if compared.chosen.is_kept else compared.rendered.template
    runs = without_bootstraps(with_count(base.job, compared.running.count)) if base else None
    old, new = documents(before, after)
    return in_words(old, new, plan.changes), Raw(in_places(old, new), structural(runs, without_bootstraps(job)))


def _start(environment: Environment, compared: Comparison, plan: Plan, job: Json) -> Start:
    return Start(
        environment=environment.name,
        job=job,
        numbers=plan.allocations,
        is_live=compared.running.is_live,
        is_unchanged=plan.restarts_nothing,
        has_fixed_port=compared.rendered.topology.has_fixed_port,
        # What is tried again never came up: there is nothing good to bring back.
        previous=compared.base.number if compared.base and not plan.retry else None,
    )


async def named(environment: Environment, source: Source) -> str:
    """The service that the spec is of. SpecError for one that cannot be read."""
    context = RenderContext(environment.platform, environment.name, {})
    return (await asyncio.to_thread(read, source, context)).service.service


async def _refusals(environment: Environment, result: Rendered, choice: Chosen) -> tuple[str, ...]:
    """Nothing of a sidecar that stays: its Envoy has read it already."""
    if result.bootstrap is None or choice.is_kept:
        return ()
    return (*clashes(result.bootstrap), *await environment.envoy.validate(result.bootstrap))


def _plan(environment: Environment, source: Source, wanted: _Wanted, said: _Said) -> Plan:
    compared, retry = wanted.compared, wanted.retry
    result, choice, now, base = compared.rendered, compared.chosen, compared.running, compared.base
    changes, drifted = changes_of(compared), drift.places(said.answer.get("Diff"))
    warnings = (*_warnings(compared, said.answer, drifted if not changes else ()), *said.beside)
    return Plan(
        service=result.service.service,
        environment=environment.name,
        has_changes=bool(changes or drifted or retry) or not now.is_live,
        check_index=now.index,
        version_hash=choice.hash,
        service_part=choice.service,
        sidecar_part=choice.sidecar,
        older=choice.older,
        running_version=base.number if base else None,
        changes=changes,
        allocations=drift.updates(said.answer),
        warnings=tuple(map(told, warnings)),
        without_effect=effects_not_yet(result.topology),
        failures=tuple(map(told, placement.failures(said.answer, result.job))),
        refusals=tuple(map(told, said.refusals)),
        restarts_nothing=now.is_live and drift.is_none(said.answer.get("Diff")) and not retry,
        is_foreign=now.is_foreign,
        retry=retry,
        basis=basis(environment, source, result, wanted.job, now.hash),
        platform=platform_beside(compared, said.platform, environment),
    )


def _warnings(compared: Comparison, answer: Json, drifted: tuple[str, ...]) -> tuple[str, ...]:
    now, base, name = compared.running, compared.base, compared.rendered.service.service
    found: list[str] = []
    if now.is_foreign:
        found.append(f"the job {name} in Nomad was not deployed by Outrider: a deployment would replace it")
    elif compared.unread:
        found.append(f"{compared.unread}: no comparison")
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
