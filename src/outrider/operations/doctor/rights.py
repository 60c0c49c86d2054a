"""Which rights lack at servers with ACLs, one by one: the portal's at Nomad and Consul, and an allocation's at Consul."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError, RemoteError

from outrider.documents import listed, nested
from outrider.operations.doctor.findings import Finding, bad, good, warning
from outrider.operations.lookalikes import lookalikes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from outrider.documents import Json
    from outrider.operations.nomad_port import Nomad
    from outrider.operations.ports import Consul
    from outrider.spec.platform import Environment

# Consul's rules by the resource that they open (developer.hashicorp.com/consul/docs/security/acl/acl-rules).
CONSUL_RULES = {
    "service": 'service_prefix "" { policy = "read" }',
    "node": 'node_prefix "" { policy = "read" }',
}
BOTH_RULES = " ".join(CONSUL_RULES.values())
SHOWS = {"service": "no service", "node": "no node, and so no instance of any service"}
# What the portal does with its token in its namespace of Nomad; `policy = "write"` holds all of it and more.
CAPABILITIES = {
    "list-jobs": "Services that Nomad runs cannot be listed.",
    "read-job": "Nothing can be planned, deployed, followed or shown.",
    "submit-job": "Nothing can be deployed, scaled, promoted or stopped.",
    "read-logs": "`logs` shows nothing, and a verdict comes without the last words of the task that failed.",
    "alloc-lifecycle": "`restart` of one allocation or task is refused; of a whole service it is not.",
}
# What only a running allocation could be asked for, and what else opens the same.
UNTRIED = {"read-logs": frozenset({"read-logs", "read-fs"}), "alloc-lifecycle": frozenset({"alloc-lifecycle"})}
# What `outrider exec` needs, and an operator may well not want: the second where tasks see the whole node.
EXEC, NODE_EXEC = "alloc-exec", "alloc-node-exec"
UNISOLATED = "raw_exec"
PROBE = "outrider-doctor"  # the ID of a job that does not exist
FORBIDDEN = 403


async def portal_at_consul(about: str, consul: Consul) -> list[Finding]:
    """Without rights Consul answers 200 with less, so what is always there must be seen: itself, and a node."""
    try:
        missing = await _unseen(consul)
        services = await consul.services()
    except OutriderError as error:
        return [bad(about, f"its catalog cannot be read: {error.message}", "Status needs it.", error.next_step or "")]
    alike = [_alike(about, group) for group in lookalikes(services)]
    if not missing:
        return [good(about, f"{len(services)} services and their nodes are readable"), *alike]
    whats = {
        "service": "the service `consul` itself is not among those that can be read",
        "node": "no node can be read, and so no instance of any service",
    }
    why = "`status` and `endpoints` would show healthy services as missing."
    return [
        bad(about, whats[resource], why, f"Give CONSUL_HTTP_TOKEN a policy with {CONSUL_RULES[resource]}.")
        for resource in missing
    ] + alike


def _alike(about: str, group: tuple[str, ...]) -> Finding:
    return warning(
        about,
        f"the services {' and '.join(group)} differ in case only, which Consul ignores",
        "It lists the instances of both under either name. Our agents leave the other's out; whoever else looks services "
        "up in Consul, by HTTP or by DNS, gets both, and no spec can name one with capital letters.",
        "Rename one of them.",
    )


async def allocations_at_consul(
    about: str, environment: Environment, anybody: Consul | None, configuration: Json | None
) -> list[Finding]:
    """What agents without a token may see, as Consul answers without one; its ``configuration`` where that is unclear."""
    if environment.consul.token != "none":  # noqa: S105  a word of the platform file
        return []
    missing = await _hidden(anybody)
    if missing == ():
        return [good(about, "allocations, which have no token, may read services and nodes")]
    is_closed = _denies(configuration) if configuration is not None else None
    if missing is None and is_closed is False:
        return []
    if missing is None and is_closed is None:
        what = "cannot tell whether ACLs deny what an allocation must see, and consul.token is none"
        return [_blind(about, what, 'Or give the portal\'s token agent_prefix "" { policy = "read" }, and ask again.')]
    shown = " and ".join(SHOWS[resource] for resource in missing or ())
    unknown = f"consul.token is none, and without a token Consul shows {shown}"
    return [_blind(about, "ACLs deny by default, and consul.token is none" if is_closed else unknown)]


def _blind(about: str, what: str, more: str = "") -> Finding:
    step = (
        "Set consul.token to workload_identity (Nomad 1.7 and newer) or {nomad_variable: PATH}, or give the anonymous "
        f"token or each agent's acl.tokens.default a policy; in any case with {BOTH_RULES}. {more}"
    )
    why = "The agents beside the apps would see no instance of any upstream: gates stay closed, with `denied`."
    return bad(about, what, why, step.strip())


def _denies(configuration: Json) -> bool:
    return bool(configuration.get("ACLsEnabled")) and configuration.get("ACLDefaultPolicy") == "deny"


async def _hidden(anybody: Consul | None) -> tuple[str, ...] | None:
    """What a caller without a token may not read; None where that cannot be told."""
    if anybody is None:
        return None
    try:
        may = await anybody.may_read(*CONSUL_RULES)
    except OutriderError:
        return await _seen_hidden(anybody)
    return tuple(resource for resource in CONSUL_RULES if not may[resource])


async def _seen_hidden(anybody: Consul) -> tuple[str, ...] | None:
    """The same from what it is shown: what it sees proves nothing for the services to come."""
    try:
        return await _unseen(anybody) or None
    except OutriderError:
        return None


async def _unseen(consul: Consul) -> tuple[str, ...]:
    """Of what is always there, what this client is not shown."""
    services, nodes = await _or_nothing(consul.services), await _or_nothing(consul.nodes)
    return tuple(name for name, seen in (("service", "consul" in services), ("node", bool(nodes))) if not seen)


async def _or_nothing(ask: Callable[[], Awaitable[Collection[object]]]) -> Collection[object]:
    """The answer; nothing where it was refused for want of a right."""
    try:
        return await ask()
    except RemoteError as error:
        if error.status == FORBIDDEN:
            return ()
        raise


async def portal_at_nomad(about: str, environment: Environment, nomad: Nomad) -> list[Finding]:
    """The rights in the namespace but for submit-job, which a dry run tries."""
    namespace = environment.nomad.namespace
    questions: dict[str, Awaitable[object]] = {"list-jobs": nomad.jobs(PROBE), "read-job": nomad.job(PROBE)}
    found = [await _tried(about, namespace, capability, asked) for capability, asked in questions.items()]
    return [*(one for one in found if one), *await _untried(about, environment, nomad)]


def lacking(about: str, namespace: str, capability: str) -> Finding:
    """One capability that the portal's token does not have."""
    all_of_them = ", ".join(f'"{one}"' for one in CAPABILITIES)
    return bad(
        about,
        f"the portal's token lacks {capability} in namespace {namespace}",
        CAPABILITIES[capability],
        f'Give NOMAD_TOKEN a policy with namespace "{namespace}" {{ capabilities = [{all_of_them}] }}.',
    )


async def _tried(about: str, namespace: str, capability: str, asked: Awaitable[object]) -> Finding | None:
    """What is said where the question, which needs that capability, is refused or gets no answer."""
    try:
        await asked
    except RemoteError as error:
        if error.status == FORBIDDEN:
            return lacking(about, namespace, capability)
        step = f"Check by hand that its policies hold {capability} in namespace {namespace}."
        what = f"cannot tell whether the token has {capability}: {error.message}"
        return warning(about, what, CAPABILITIES[capability], step)
    return None


async def _untried(about: str, environment: Environment, nomad: Nomad) -> list[Finding]:
    """Nothing may run on which these could be tried, so they are read from the token's own policies."""
    namespace = environment.nomad.namespace
    try:
        policies = await nomad.own_policies()
    except OutriderError as error:
        step = f"Check by hand that its policies hold them in namespace {namespace}."
        what = f"cannot tell whether the token has {' and '.join(UNTRIED)}: {error.message}"
        return [warning(about, what, " ".join(CAPABILITIES[one] for one in UNTRIED), step)]
    if policies is None:
        return []
    held = capabilities(policies, namespace)
    found = [lacking(about, namespace, one) for one, opened_by in UNTRIED.items() if not opened_by & held]
    return [*found, *_exec(about, environment, held)]


def _exec(about: str, environment: Environment, held: frozenset[str]) -> list[Finding]:
    """Commands that nobody may run are a choice, so it is only said."""
    needed = [EXEC, NODE_EXEC] if UNISOLATED in {environment.driver, environment.sidecar.driver} else [EXEC]
    missing = [one for one in needed if one not in held]
    said = f"`outrider exec` is not allowed: the portal's token has no {' and no '.join(missing)}"
    return [good(about, said)] if missing else []


def capabilities(policies: list[Json], namespace: str) -> frozenset[str]:
    """What these policies allow in the namespace: of the rule that names it best, as Nomad takes it."""
    rules: dict[str, set[str]] = {}
    for rule in (one for policy in policies for one in listed(nested(policy, "RulesJSON"), "Namespaces")):
        rules.setdefault(str(rule.get("Name")), set()).update(map(str, rule.get("Capabilities") or ()))
    fitting = [name for name in rules if fnmatchcase(namespace, name)]
    best = min(fitting, key=lambda name: (name != namespace, len(namespace) - len(name.replace("*", ""))), default=None)
    allowed = rules[best] if best is not None else set[str]()
    return frozenset() if "deny" in allowed else frozenset(allowed)
