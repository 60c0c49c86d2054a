"""Whether Consul allows a node the connections that its allocations hold: the limit beside what runs, node by node."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

from outrider_agent.settings import UPSTREAMS
from outrider_ground.errors import OutriderError

from outrider.documents import nested
from outrider.operations.concurrency import in_turns
from outrider.operations.doctor.findings import Finding, bad, good, warning
from outrider.topology import names

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.operations.nomad_port import Nomad
    from outrider.operations.ports import Consul
    from outrider.spec.platform import Environment

# What a node holds beside its agents' watches: Nomad's client (registrations, checks, templates), the portal, people.
OTHERS = 20
OF_OWN_INSTANCE = 1
ENOUGH_CONNECTIONS = 1_000
FULL = 0.8
RUNNING = ("pending", "running")
STEP = (
    "On each Consul agent: limits {{ http_max_conns_per_client = {wanted} }}, or a unix socket (consul.agent_address), or "
    "fewer in consul.connections, with which upstreams take turns."
)


async def connection_findings(name: str, environment: Environment, nomad: Nomad, consul: Consul) -> list[Finding]:
    """One finding; none where Consul does not tell its limit, which another finding says already."""
    about = f"{name}: Consul"
    if environment.consul.agent_address.startswith("unix://"):
        return [
            good(about, "agents reach it by a unix socket, where the limit of connections per address is no matter")
        ]
    try:
        debug: dict[str, Any] = (await consul.agent_self()).get("DebugConfig") or {}
    except OutriderError:
        return []
    most = debug.get("HTTPMaxConnsPerClient")
    if not isinstance(most, int) or most <= 0:
        return [good(about, "no limit of connections per client address is known")]
    try:
        return [_finding(about, environment, most, await held_by_node(nomad, environment.consul.connections))]
    except OutriderError as error:
        what = f"at most {most} connections per client address, and how many a node holds is not known: {error.message}"
        why = "Consul hangs up on whoever comes last, be it Nomad's own registrations."
        return [warning(about, what, why, error.next_step or STEP.format(wanted=4096))]


async def held_by_node(nomad: Nomad, most: int) -> Counter[str]:
    """Connections that the allocations of each node hold, which is at most ``most`` for each and one of its own."""

    async def of_job(job_id: str) -> Counter[str]:
        job, allocations = await asyncio.gather(nomad.job(job_id), nomad.allocations(job_id))
        each = min(watched(job or {}), most) + OF_OWN_INSTANCE
        running = [one for one in allocations if one.get("ClientStatus") in RUNNING]
        return Counter(
            {node: each * times for node, times in Counter(str(one.get("NodeID")) for one in running).items()}
        )

    ours = [str(job["ID"]) for job in await nomad.jobs() if names.JOB_META_VERSION in nested(job, "Meta")]
    return sum(await in_turns(of_job, ours), Counter[str]())


def watched(job: Json) -> int:
    """How many upstreams an allocation of the job watches in Consul."""
    tasks = [task for group in job.get("TaskGroups") or () for task in group.get("Tasks") or ()]
    said = [str(nested(task, "Env").get(UPSTREAMS, "")) for task in tasks if task.get("Name") == names.AGENT_TASK]
    return max((len([label for label in text.split(",") if label]) for text in said), default=0)


def _finding(about: str, environment: Environment, most: int, held: Counter[str]) -> Finding:
    limit = f"at most {most} connections per client address (limits.http_max_conns_per_client)"
    each = environment.consul.connections
    node, now = held.most_common(1)[0] if held else ("", 0)
    needed = now + OTHERS
    why = (
        f"Node {node[:8]} needs {needed}: {now} of its allocations, which hold one for each upstream and one more, and "
        f"{OTHERS} of Nomad's client and others. Consul hangs up on whoever comes last, be it Nomad's own registrations."
    )
    if needed > most:
        return bad(about, f"{limit}, and a node needs {needed}", why, STEP.format(wanted=max(4096, 2 * needed)))
    if now and needed > FULL * most:
        return warning(about, f"{limit}, and a node needs {needed}", why, STEP.format(wanted=max(4096, 2 * needed)))
    if most >= ENOUGH_CONNECTIONS:
        return good(about, f"{most} connections per client address, of which a node needs {needed}")
    return warning(
        about,
        limit,
        f"Each allocation holds one per upstream, {each} at most (consul.connections), and one more: "
        f"{max(0, most - OTHERS) // (min(each, 12) + OF_OWN_INSTANCE)} allocations with {min(each, 12)} upstreams on one node "
        "reach it, and Consul hangs up on whoever comes last, be it Nomad's own registrations.",
        STEP.format(wanted=4096),
    )
