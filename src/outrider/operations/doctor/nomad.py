"""What an environment's Nomad lacks: reachable, new enough, rights to deploy, and nodes that can run what we render."""

from __future__ import annotations

import asyncio
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from outrider_ground.errors import OutriderError

from outrider.documents import nested
from outrider.nomad.read import placement
from outrider.operations.doctor.findings import Finding, bad, good, numbers, version_finding, warning
from outrider.operations.doctor.nodes import node_findings
from outrider.operations.doctor.rights import FORBIDDEN, lacking, portal_at_nomad

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outrider.documents import Json
    from outrider.operations.nomad_port import Nomad
    from outrider.spec.consul_access import Consul
    from outrider.spec.platform import Environment

LEAST_VERSION = "1.6"
IDENTITY_VERSION = "1.7"
# How many nodes are looked at in detail; a cluster of a thousand is asked for its first ones.
MOST_NODES = 20
DEFAULT_ATTEMPTS = 12
FOR_ALL_JOBS = (
    "nomad/jobs"  # what a workload identity may read by itself (nomad, acl.go): this, and below it its own job
)


async def nomad_findings(name: str, environment: Environment, nomad: Nomad) -> list[Finding]:
    """The findings on one Nomad; the first failure of reaching it is the only one."""
    about = f"{name}: Nomad"
    try:
        leader = await nomad.leader()
        regions = await nomad.regions()
    except OutriderError as error:
        return [bad(about, error.message, "Nothing can be deployed.", error.next_step or "")]
    if environment.nomad.region not in regions:
        step = f"Its regions are {', '.join(regions)}: set nomad.region to one of them."
        return [bad(about, f"it knows no region {environment.nomad.region}", "Nothing can be deployed.", step)]
    return [
        good(about, f"reachable at {environment.nomad.address}, leader {leader or 'none'}"),
        *await _of_agent(about, environment, nomad),
        *await _of_nodes(about, environment, nomad),
        *await portal_at_nomad(about, environment, nomad),
        await _may_deploy(about, environment, nomad),
    ]


async def _of_agent(about: str, environment: Environment, nomad: Nomad) -> list[Finding]:
    try:
        config = (await nomad.agent_self())["config"]
    except OutriderError as error:
        step = 'Give NOMAD_TOKEN a policy with agent { policy = "read" }, or check version and consul_retry by hand.'
        return [warning(about, f"its configuration cannot be read: {error.message}", "It cannot be checked.", step)]
    version = str(nested(config, "Version").get("Version", ""))
    why = "Outrider is tested with 1.6.5 and 2.0.5; older ones may stop sidecars before their app."
    return [
        version_finding(about, version, LEAST_VERSION, why),
        *_identity(about, environment, version),
        *_variables(about, environment),
        *_consul_retry(about, config),
        *_token_of_templates(about, environment, config),
    ]


def _identity(about: str, environment: Environment, version: str) -> list[Finding]:
    if environment.consul.token == "workload_identity" and numbers(version) < numbers(IDENTITY_VERSION):  # noqa: S105
        step = f"Bring Nomad to {IDENTITY_VERSION} or newer, or set consul.token to {{nomad_variable: PATH}}."
        return [bad(about, f"version {version} has no workload identity for Consul", "Tasks would get no token.", step)]
    return []


def _variables(about: str, environment: Environment) -> list[Finding]:
    """Every job reads the token and the certificates of its agent: Nomad opens ``nomad/jobs`` alone to all of them."""
    held = [part for part in _held(environment.consul) if part[1] != FOR_ALL_JOBS]
    return [_variable(about, environment.nomad.namespace, key, path) for key, path in held]


def _held(consul: Consul) -> Iterator[tuple[str, str]]:
    """The keys of the platform whose value a Nomad variable holds, and its path."""
    tls = consul.tls
    files = {"tls.ca": tls.ca, "tls.certificate": tls.certificate, "tls.key": tls.key} if tls else {}
    for key, value in {"token": consul.token, **files}.items():
        if value is not None and not isinstance(value, str):
            yield f"consul.{key}", value.nomad_variable.partition("#")[0]


def _variable(about: str, namespace: str, key: str, path: str) -> Finding:
    own = path.removeprefix(f"{FOR_ALL_JOBS}/").partition("/")[0]
    if path.startswith(f"{FOR_ALL_JOBS}/"):
        what = f"{key} is the variable {path}, which Nomad opens to the job {own} alone"
        why = "Every other service of the mesh would wait for it, and never start."
        return bad(about, what, why, f"Keep it in {FOR_ALL_JOBS}, which every job may read.")
    what = f"{key} is the variable {path}, which no job may read by itself where Nomad has ACLs"
    why = "A task whose variable cannot be read waits for it, and never starts; whether a policy allows it is not seen here."
    policy = f'variables {{ path "{path}" {{ capabilities = ["read"] }} }}'
    step = (
        f"Keep it in {FOR_ALL_JOBS}, which every job may read, or give each job a policy with "
        f'namespace "{namespace}" {{ {policy} }}: nomad acl policy apply -namespace {namespace} -job SERVICE NAME FILE.'
    )
    return warning(about, what, why, step)


def _consul_retry(about: str, config: Json) -> list[Finding]:
    """Attempts 0 is for ever; unset is 12, which lasts about five minutes (Nomad, client.template.consul_retry)."""
    client = nested(config, "Client")
    why = (
        "After 12 tries, about five minutes without Consul, Nomad kills every task with a template that reads Consul's "
        "KV (env: {consul: …}, files), although the mesh itself goes on without Consul."
    )
    step = "In each client's configuration: client { template { consul_retry { attempts = 0 } } }"
    if not client.get("Enabled"):
        what = "the agent that answered is no client, so the clients' template.consul_retry cannot be seen from here"
        return [warning(about, what, why, f"Check it on the clients. {step}")]
    attempts = nested(nested(client, "TemplateConfig"), "ConsulRetry").get("Attempts")
    attempts = DEFAULT_ATTEMPTS if attempts is None else attempts
    if attempts == 0:
        return [good(about, "templates wait for Consul for ever (consul_retry attempts = 0)")]
    return [warning(about, f"template.consul_retry.attempts is {attempts}", why, step)]


def _token_of_templates(about: str, environment: Environment, config: Json) -> list[Finding]:
    """Nomad from 1.10 on asks Consul for keys with its client's token only where it is told to, or by workload identity."""
    client = nested(config, "Client")
    is_told = nested(client, "TemplateConfig").get("UseClientConsulToken")
    if not client.get("Enabled") or is_told is not False or isinstance(environment.consul.token, str):
        return []
    what = "template.use_client_consul_token is false, and consul.token is no workload identity"
    why = (
        "Nomad then reads Consul's keys for env: {consul: …} and files with a token that Consul does not know: where it "
        "has ACLs, an app that reads a key waits for it for ever."
    )
    step = (
        "In each client's configuration: client { template { use_client_consul_token = true } }, with key_prefix rules "
        "for Nomad's own Consul token; or set consul.token to workload_identity."
    )
    return [warning(about, what, why, step)]


async def _of_nodes(about: str, environment: Environment, nomad: Nomad) -> list[Finding]:
    try:
        listed = await nomad.nodes()
        usable = [node for node in listed if _is_usable(node, environment.nomad.datacenters)]
        details = await asyncio.gather(*(nomad.node(node["ID"]) for node in usable[:MOST_NODES]))
    except OutriderError as error:
        step = 'Give NOMAD_TOKEN a policy with node { policy = "read" }.'
        return [bad(about, f"its nodes cannot be read: {error.message}", "Whether anything fits is unknown.", step)]
    others = ", ".join(_state(node) for node in listed if node not in usable)
    if not usable:
        step = f"Start a client in {', '.join(environment.nomad.datacenters)}, or change nomad.datacenters."
        seen = f" Nodes: {others or 'none'}."
        return [
            bad(about, "it has no ready, eligible node in these datacenters", "Nothing can be placed.", step + seen)
        ]
    some = [good(about, f"{len(usable)} of its {len(listed)} nodes take allocations; not {others}")] if others else []
    return [*some, *node_findings(about, environment, details, len(usable))]


def _state(node: Json) -> str:
    """A node as the list of nodes has it, with what keeps allocations away."""
    state = str(node.get("Status"))
    if state == "ready" and node.get("SchedulingEligibility", "eligible") != "eligible":
        state = "draining" if node.get("Drain") else "ineligible"
    return f"{node.get('Name')} ({node.get('Datacenter')}, {state})"


def _is_usable(node: Json, datacenters: tuple[str, ...]) -> bool:
    is_ready = node.get("Status") == "ready" and node.get("SchedulingEligibility", "eligible") == "eligible"
    return is_ready and any(fnmatchcase(str(node.get("Datacenter", "")), pattern) for pattern in datacenters)


async def _may_deploy(about: str, environment: Environment, nomad: Nomad) -> Finding:
    """A dry run of a tiny job: it needs the rights, the namespace and a node with the driver, and changes nothing."""
    try:
        answer = await nomad.plan(_probe(environment))
    except OutriderError as error:
        if getattr(error, "status", None) == FORBIDDEN:
            return lacking(about, environment.nomad.namespace, "submit-job")
        step = f"Check that the namespace {environment.nomad.namespace} exists."
        return bad(about, f"a dry run of a job was refused: {error.message}", "Nothing can be deployed.", step)
    failures = placement.failures(answer, _probe(environment))
    if failures:
        step = "Look at the nodes with `nomad node status`."
        return bad(about, f"a dry run found no node: {'; '.join(failures)}", "Nothing can be placed.", step)
    return good(
        about, f"a dry run of a {environment.driver} job in namespace {environment.nomad.namespace} found its node"
    )


def _probe(environment: Environment) -> dict[str, Any]:
    drivers = sorted({environment.driver, environment.sidecar.driver})
    return {
        "ID": "outrider-doctor",
        "Name": "outrider-doctor",
        "Type": "service",
        "Region": environment.nomad.region,
        "Namespace": environment.nomad.namespace,
        "Datacenters": list(environment.nomad.datacenters),
        "TaskGroups": [
            {
                "Name": "probe",
                "Count": 1,
                "Networks": [{"Mode": environment.network.mode}],
                "Tasks": [
                    {"Name": driver, "Driver": driver, "Config": {}, "Resources": {"CPU": 20, "MemoryMB": 16}}
                    for driver in drivers
                ],
            }
        ],
    }
