"""What a plan stands on, as hashes and names, and what of it has moved since a plan was made: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError

from outrider.operations.answers.plan import Basis
from outrider.operations.change.bootstraps import with_templates
from outrider.operations.own_version import own_version
from outrider.operations.platform_change import cluster
from outrider.topology import names
from outrider.topology.parts import content_hash

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from outrider.documents import Json
    from outrider.operations.change.documents import Rendered, Source
    from outrider.operations.environment import Environment

AGAIN = "Plan again, look at it, then decide: `outrider plan --save FILE`."


def basis(environment: Environment, source: Source, made: Rendered, job: Json, running: str | None) -> Basis:
    """That of a plan: ``job`` is what would be registered, ``running`` the version that runs."""
    here = environment.platform.environments[environment.name]
    patches = made.topology.sidecar.patches if made.topology.sidecar else ()
    return Basis(
        documents=content_hash(with_templates(job, _without_agent)),
        running=running,
        cluster=content_hash([environment.name, *cluster(here)]),
        platform=content_hash(here.model_dump(mode="json")),
        outrider=own_version(),
        agent=environment.agent.sha256[:12] if environment.agent else None,
        artifact=source.directory.sha256 if source.directory else None,
        patches={each.name: content_hash(each.patch.model_dump(mode="json")) for each in patches},
        protocols={one.name: one.protocol for one in made.topology.upstreams if one.outside is None},
    )


def _without_agent(template: Json) -> Json:
    """Another build of zlib packs the same sources into other bytes: the agent is known by the hash of its sources."""
    return {**template, "EmbeddedTmpl": ""} if template.get("DestPath") == names.AGENT_FILE else template


def check_basis(service: str, planned: Basis | None, indexes: tuple[int | None, int], now: Basis) -> None:
    """ConflictError with everything that is another than when the plan was made; ``indexes`` are the job's then and now.

    What has moved without any effect on what is registered stops nobody.
    """
    if planned is None:
        return
    then, current = indexes
    if planned.cluster != now.cluster:
        raise ConflictError(
            f"this plan of {service} was made for another portal: its Nomad or its Consul is another one",
            next_step=AGAIN,
        )
    is_same = (planned.documents, planned.agent) == (now.documents, now.agent)
    if is_same and then == current:
        return
    moved = "; ".join(_moved(planned, now, indexes)) or "what would be registered is another job"
    raise ConflictError(f"{service} would not be deployed as it was planned: {moved}", next_step=AGAIN)


def _moved(then: Basis, now: Basis, indexes: tuple[int | None, int]) -> Iterator[str]:
    if indexes[0] != indexes[1]:
        yield f"its job in Nomad is at index {indexes[1]} now, not at {indexes[0]}"
    if then.running != now.running:
        yield f"version {now.running or 'none'} runs, not {then.running or 'none'}"
    if then.platform != now.platform:
        yield "the platform file says something else for this environment"
    yield from _entries("patch", then.patches, now.patches)
    yield from _protocols(then.protocols, now.protocols)
    if then.outrider != now.outrider:
        yield f"the portal is Outrider {now.outrider}, and the plan was made by {then.outrider}"
    if then.agent != now.agent:
        yield "the agent that a job carries is another one"
    if then.artifact != now.artifact:
        yield "the packed directory has other content"


def _entries(word: str, then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    changed = [name for name in sorted({*then, *now}) if then.get(name) != now.get(name)]
    if changed:
        yield f"the {word} {', '.join(changed)} is another one"


def _protocols(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*then, *now}):
        if then.get(name) != now.get(name):
            yield f"{name} speaks {now.get(name) or 'nothing'} now, not {then.get(name) or 'nothing'}"
