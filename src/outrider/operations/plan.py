"""What a deployment would do, without doing it: compared with what runs, validated by Envoy, placed by Nomad."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from outrider.operations import drift, placement
from outrider.operations.attempts import attempted, shortfall
from outrider.operations.differences import Change, differences
from outrider.operations.documents import nested
from outrider.operations.explain import contradictions
from outrider.operations.instance_memory import instance_warnings
from outrider.operations.neighbours import declared_around
from outrider.operations.render import Rendered, Source, Surroundings, read, rendered
from outrider.operations.running import Running, running
from outrider.topology.remarks import effects_not_yet, remarks

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.operations.ports import Json
    from outrider.operations.records import Version


CONTENT = "run.directory"


@dataclass(frozen=True, slots=True)
class Plan:
    """What ``run`` would change; ``check_index`` makes it do just that or nothing.

    ``allocations`` has Nomad's numbers by group (place, destructive, in_place, stop, ignore, canary). ``failures``
    says where no node was found, ``refusals`` what Envoy has against the bootstrap: with refusals nothing is deployed.
    ``restarts_nothing`` tells that the job in Nomad stays as it is, to the letter. ``retry`` says why the version that
    is registered already is deployed again, and is empty where nothing asks for it.
    """

    service: str
    environment: str
    has_changes: bool
    check_index: int
    version_hash: str
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

    ``job`` is what is registered: the rendered one with the attempt that it is.
    """

    plan: Plan
    rendered: Rendered
    job: Json
    running: Running
    base: Version | None


async def prepared(environment: Environment, source: Source) -> Prepared:
    """Render the spec, look at what runs, ask Envoy and Nomad. SpecError, UsageError or RemoteError; nothing changes."""
    protocols = await environment.store.protocols(environment.name)
    surroundings = Surroundings(environment.platform, environment.name, protocols, environment.agent)
    name = read(source, surroundings).service.service
    now = running(await environment.nomad.job(name))
    result = rendered(source, surroundings, now.count)
    base = await running_version(environment, name, now)
    retry = await shortfall(environment, name, now, base) if now.hash == result.topology.version_hash else ""
    job = attempted(result.job, now, is_again=bool(retry))
    refusals, answer, around, crowded = await asyncio.gather(
        _refusals(environment, result),
        environment.nomad.plan(job),
        declared_around(environment, result.topology),
        instance_warnings(environment, result.topology),
    )
    plan = _plan(environment, result, now, base, answer, refusals)
    plan = replace(plan, warnings=(*plan.warnings, *contradictions(around, name), *crowded))
    return Prepared(_tried_again(plan, retry) if retry else plan, result, job, now, base)


async def running_version(environment: Environment, service: str, now: Running) -> Version | None:
    """The stored version that runs: the one deployed last of those with the job's hash."""
    if now.hash is None:
        return None
    versions = [one for one in await environment.store.versions(environment.name, service) if one.hash == now.hash]
    numbers = {one.number for one in versions}
    for deployment in await environment.store.deployments(environment.name, service):
        if deployment.version in numbers and deployment.modify_index is not None:
            return next(one for one in versions if one.number == deployment.version)
    return versions[0] if versions else None


async def _refusals(environment: Environment, result: Rendered) -> tuple[str, ...]:
    return await environment.envoy.validate(result.bootstrap) if result.bootstrap is not None else ()


def _plan(
    environment: Environment,
    result: Rendered,
    now: Running,
    base: Version | None,
    answer: Json,
    refusals: tuple[str, ...],
) -> Plan:
    changes = _changes(result, now, base)
    drifted = drift.places(answer.get("Diff"))
    return Plan(
        service=result.service.service,
        environment=environment.name,
        has_changes=bool(changes) or bool(drifted) or not now.is_live,
        check_index=now.index,
        version_hash=result.topology.version_hash,
        running_version=base.number if base else None,
        changes=changes,
        allocations=drift.updates(answer),
        warnings=_warnings(result, now, base, answer, drifted if not changes else ()),
        without_effect=effects_not_yet(result.topology),
        failures=placement.failures(answer),
        refusals=refusals,
        restarts_nothing=now.is_live and drift.is_none(answer.get("Diff")),
        is_foreign=now.is_foreign,
    )


def _tried_again(plan: Plan, retry: str) -> Plan:
    return replace(plan, has_changes=True, restarts_nothing=False, retry=retry)


def _changes(result: Rendered, now: Running, base: Version | None) -> tuple[Change, ...]:
    """The fields that differ, of a new service those that its file states; the count is compared with what runs."""
    if not now.is_live:
        return differences({}, result.stated | {"count": result.count})
    before = (base.merged if base else {}) | {"count": now.count}
    after = result.merged if base else result.stated
    return (*differences(before, after | {"count": result.count}), *_content(result, base))


def _content(result: Rendered, base: Version | None) -> tuple[Change, ...]:
    """That a directory has other content than in the version that runs: no field of the spec tells it."""
    directory = result.topology.directory
    if directory is None or base is None or directory.sha256 in base.artifacts:
        return ()
    if not nested(base.merged, "run").get("directory"):
        return ()
    before, after = f"content of version {base.number}", f"content {directory.sha256[:12]}"
    return (Change("~", CONTENT, before, after, note="replaces allocations"),)


def _why_drifted(result: Rendered, now: Running, base: Version | None) -> str:
    """Why the job differs though the spec does not: here something else has changed, or somebody has in Nomad."""
    if base and now.hash != result.topology.version_hash:
        around = "the platform file, a protocol of an upstream, or Outrider itself"
        return f"the spec is that of version {base.number}, but what surrounds it has changed ({around})"
    return "the job in Nomad is not the one that Outrider made of this spec"


def _warnings(
    result: Rendered, now: Running, base: Version | None, answer: Json, drifted: tuple[str, ...]
) -> tuple[str, ...]:
    name = result.service.service
    found: list[str] = []
    if now.is_foreign:
        found.append(f"the job {name} in Nomad was not deployed by Outrider: a deployment would replace it")
    elif now.is_live and base is None:
        found.append(f"this portal does not know the version of {name} that runs ({now.hash}): no comparison")
    if drifted and now.is_live:
        found.append(f"{_why_drifted(result, now, base)}: {', '.join(drifted)}")
    found += remarks(result.topology)
    if answer.get("Warnings"):
        found.append(f"Nomad: {answer['Warnings']}".strip())
    return tuple(found)
