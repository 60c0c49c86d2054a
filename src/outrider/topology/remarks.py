"""What a plan tells beside its changes: consequences of a spec, and fields that have no effect yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from outrider.spec.check import ScriptCheck
from outrider.spec.readings import BY_NOMAD, readings
from outrider.spec.values import duration
from outrider.spec.variables import TOOL_VARIABLES
from outrider.spec.volume import variable_of
from outrider.topology import names
from outrider.topology.memory import at_rest_mb, envoy_mb, heap_mb, is_full_at_rest
from outrider.topology.topology import Topology

KEYS = {names.APP: "port", names.INGRESS: "ingress.static"}
# max_kill_timeout of a client, where nobody has set it (Nomad: client configuration).
NOMADS_LONGEST_STOP_MS = 30_000
# Whether a topology uses a field whose behaviour is not built, and what to say then. Today every field has its effect.
NOT_YET: tuple[tuple[Callable[[Topology], bool], str], ...] = ()


def remarks(topology: Topology) -> tuple[str, ...]:
    """One line for each consequence that whoever deploys may not expect."""
    return tuple(line for tell in TELLERS for line in tell(topology))


def _full_memory(topology: Topology) -> Iterator[str]:
    """The operators have written a number, and this service has more upstreams than it is good for."""
    sidecar = topology.sidecar
    if sidecar is None or not is_full_at_rest(sidecar.memory_mb, sidecar.protocols):
        return
    needed = envoy_mb(None, sidecar.protocols)
    yield (
        f"sidecar.memory.envoy is {sidecar.memory_mb} MB, {heap_mb(sidecar.memory_mb)} of it for Envoy's heap, and with "
        f"{len(sidecar.upstreams)} upstreams that holds {at_rest_mb(sidecar.protocols):.0f} MB before the first request: "
        f"Envoy would refuse requests; leave it out of the platform file (then it is {needed} here), or write {needed}"
    )


def _turns(topology: Topology) -> Iterator[str]:
    sidecar, most = topology.sidecar, topology.platform.consul.connections
    watched = len(sidecar.discovered) if sidecar else 0
    if watched > most:
        yield (
            f"{watched} upstreams take turns on {most} connections to Consul (consul.connections): each is asked "
            f"about every {max(1, round(watched / 150))} s, and a change takes up to that long"
        )


def _fixed_ports(topology: Topology) -> Iterator[str]:
    for booking in topology.ports.bookings:
        if booking.reserved:
            yield (
                f"{KEYS[booking.label]} is the node's port {booking.reserved}: one allocation per node, and a node's old "
                "one stops before its new one starts"
            )


def _fixed_canaries(topology: Topology) -> Iterator[str]:
    fixed = [str(booking.reserved) for booking in topology.ports.bookings if booking.reserved]
    if fixed and topology.spec.update.canary:
        yield f"update.canary: each canary needs a node whose port {' and '.join(fixed)} is free"


def _single_redis(topology: Topology) -> Iterator[str]:
    if topology.protocol == "redis" and not topology.spec.shard:
        yield "redis: the old instance stops before the new one starts, since two would share the keys between them"


def _single_writer(topology: Topology) -> Iterator[str]:
    written = [one.host for one in topology.spec.volumes if not one.read_only]
    if not written:
        return
    whose = " and ".join(written)
    yield (
        f"volumes: {whose} is written by one allocation at a time: the old one stops before the new one starts, and nothing "
        "answers in between"
    )
    if topology.spec.update.canary:
        yield f"update.canary: a canary starts beside the old allocation, and both write {whose}"
    if (topology.count or 1) > 1:
        yield f"count: {topology.count} allocations write {whose}, each that of its node; two on one node write the same"


def _unmounted(topology: Topology) -> Iterator[str]:
    if topology.has_mounts:
        return
    for number, volume in enumerate(topology.spec.volumes):
        free = "; nothing keeps the app from writing there" if volume.read_only else ""
        yield (
            f"volumes.{number}.path: {topology.platform.driver} mounts nothing: the app finds {volume.host} not at "
            f"{volume.path}, but where ${variable_of(volume.host)} says, {topology.directory_of(volume)}{free}"
        )


def _lonely_consul(topology: Topology) -> Iterator[str]:
    address = topology.platform.consul.agent_address
    is_own = urlsplit(address).hostname in {"127.0.0.1", "localhost", "::1"}
    if is_own and topology.sidecar and topology.ports.mode == "bridge":
        yield f"consul.agent_address {address} is, in bridge mode, the allocation itself and not its node"


def _cut_at_stop(topology: Topology) -> Iterator[str]:
    """What is under way when an allocation ends has ``stop.delay`` and ``stop.timeout`` to end too."""
    stop = topology.spec.stop
    left = stop.delay + stop.timeout
    for upstream in topology.upstreams if topology.protocol != names.PROTOCOL_NONE else ():
        if upstream.timeout_ms and upstream.timeout_ms > left:
            yield (
                f"upstreams.{upstream.name}.timeout is {duration(upstream.timeout_ms)}, but an app that stops ends after "
                f"{duration(left)} (stop.delay and stop.timeout): a request that waits longer then is cut"
            )


def _capped_stop(topology: Topology) -> Iterator[str]:
    """Nomad's client sets the limit without a word (``max_kill_timeout``)."""
    if topology.spec.stop.timeout > NOMADS_LONGEST_STOP_MS:
        yield (
            f"stop.timeout is {duration(topology.spec.stop.timeout)}: a Nomad client cuts it to its max_kill_timeout, "
            f"{duration(NOMADS_LONGEST_STOP_MS)} unless raised"
        )


def _late_checks(topology: Topology) -> Iterator[str]:
    """Consul begins each check at a random moment of its interval (agent/checks, RandomStagger); scripts begin at once."""
    update = topology.spec.update
    left = update.healthy_deadline - update.min_healthy_time
    for number, check in enumerate(topology.spec.checks):
        if not isinstance(check, ScriptCheck) and check.interval > left:
            yield (
                f"checks.{number}.interval is {duration(check.interval)}: Consul looks for the first time at any moment of "
                f"it, and an allocation has to be healthy {duration(update.healthy_deadline)} after its start "
                "(update.healthy_deadline): one that works may be given up"
            )


def _patched(topology: Topology) -> Iterator[str]:
    for chosen in topology.sidecar.patches if topology.sidecar else ():
        yield f"the operators' patch {chosen.name} changes Envoy's bootstrap at {', '.join(chosen.patch.places)}"


def _left_to_tools(topology: Topology) -> Iterator[str]:
    for upstream in topology.upstreams:
        url, address = names.upstream_variables(upstream.name)
        for variable in ({url, address} & TOOL_VARIABLES) - topology.spec.env.keys():
            yield (
                f"upstreams.{upstream.name}: {variable} is not set, since tools read it; the app finds the upstream in {url}"
            )


def _from_the_portal(topology: Topology) -> Iterator[str]:
    if topology.directory and topology.directory.is_portals:
        yield (
            "run.directory is fetched from the portal whenever an allocation is placed: while the portal is away, none can "
            "be; `artifacts.url` of the platform names a store of your own"
        )


def _restarted_at_once(topology: Topology) -> Iterator[str]:
    """What Nomad does by itself knows no update rules (hashicorp/nomad#6151)."""
    found = [one for one in readings(topology.spec) if one.word(topology.platform.on_change) in BY_NOMAD]
    for word in ("restart", "signal"):
        places = dict.fromkeys(one.purpose for one in found if one.on_change == word)
        if places:
            yield f"on_change: {word}: a change of what {', '.join(places)} reads reaches all allocations at once"


TELLERS = (
    *(
        _fixed_ports,
        _fixed_canaries,
        _single_redis,
        _single_writer,
        _unmounted,
        _lonely_consul,
        _cut_at_stop,
        _capped_stop,
        _patched,
    ),
    *(_full_memory, _turns, _left_to_tools, _from_the_portal, _late_checks, _restarted_at_once),
)


def effects_not_yet(topology: Topology) -> tuple[str, ...]:
    """One line for each field that is accepted, and means nothing yet."""
    return tuple(line for is_used, line in NOT_YET if is_used(topology))
