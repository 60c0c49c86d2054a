"""What the nodes of an environment lack to run what we render: drivers, Consul beside them, networks; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from outrider.documents import nested
from outrider.operations.doctor.findings import Finding, bad, good, unknown, warning
from outrider.spec.drivers import DRIVERS
from outrider.spec.sidecar import ArchiveFile, Image, Path

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.spec.drivers import Driver
    from outrider.spec.platform import Environment
    from outrider.spec.sidecar import Sidecar

CNI_BRIDGE = "plugins.cni.version.bridge"
MOST_NAMED = 5


def node_findings(about: str, environment: Environment, nodes: Sequence[Json], total: int) -> list[Finding]:
    """The findings on these nodes together: what some lack is a warning, what all lack a failure.

    ``total`` is the number of nodes that could be used, of which these were looked at.
    """
    drivers: list[Driver] = sorted({environment.driver, environment.sidecar.driver})
    return [
        *_others(about, len(nodes), total),
        *_programs(about, environment),
        *(_driver(about, driver, nodes) for driver in drivers),
        _consul(about, nodes),
        *_network(about, environment, nodes),
        *_apart(about, nodes),
    ]


def _others(about: str, seen: int, total: int) -> list[Finding]:
    """What is said of nodes below holds for those that were looked at."""
    if seen == total:
        return []
    what = f"looked at {seen} of its {total} nodes: what is said of them here was not seen of the other {total - seen}"
    why = "A node that lacks something is not found among those; Nomad places nothing there."
    return [unknown(about, what, why, "Compare the nodes with `nomad node status`.")]


def _programs(about: str, environment: Environment) -> list[Finding]:
    """What a sidecar is made of is on a node, or can be fetched by it, or not: Nomad does not say."""
    wanted = [text for verb, names in _wanted(environment.sidecar).items() if (text := _joined(verb, names))]
    what = f"whether each node {', and '.join(wanted)} cannot be seen from here"
    why = "Where one is missing, the sidecar does not start, and the gate fails after 60 s."
    step = "Try it on each node. Envoy can also be fetched by Nomad: sidecar.envoy {artifact: URL, sha256: …}."
    return [unknown(about, what, why, step)]


def _wanted(sidecar: Sidecar) -> dict[str, list[str]]:
    """What each program needs of a node, by how it comes there."""
    found: dict[str, list[str]] = {"has": [], "can pull": [], "can fetch": []}
    for one in (sidecar.envoy, sidecar.agent, sidecar.agent.archive):
        if isinstance(one, Image):
            found["can pull"].append(one.image)
        elif isinstance(one, (Path, ArchiveFile)):
            found["has"].append(one.path)
        elif one is not None:
            found["can fetch"].append(one.artifact)
    return found


def _joined(verb: str, names: Sequence[str]) -> str:
    return f"{verb} {' and '.join(dict.fromkeys(names))}" if names else ""


def _driver(about: str, driver: Driver, nodes: Sequence[Json]) -> Finding:
    said = {str(_driver_of(node, driver).get("HealthDescription") or "not enabled") for node in nodes}
    return _share(
        about,
        nodes,
        lambda node: bool(_driver_of(node, driver).get("Healthy")),
        f"driver {driver}",
        (
            "Allocations can be placed only where it is healthy; Nomad says: " + "; ".join(sorted(said)),
            DRIVERS[driver].remedy,
        ),
    )


def _consul(about: str, nodes: Sequence[Json]) -> Finding:
    why = "Nomad registers services with the Consul agent of the node, and places mesh services only where one is."
    step = (
        "Run a Consul agent on each node; where it is not at 127.0.0.1:8500, say so in a consul block of Nomad's client. "
        "Nomad looks for it every 15 seconds."
    )
    return _share(
        about, nodes, lambda node: bool(_attribute(node, "consul.version")), "a Consul agent beside it", (why, step)
    )


def _network(about: str, environment: Environment, nodes: Sequence[Json]) -> list[Finding]:
    if environment.network.mode == "bridge":
        why = "Bridge networks are made by the CNI plugins."
        step = "Install the CNI plugins on each node (developer.hashicorp.com/nomad/docs/networking/cni), or use network.mode host."
        return [_share(about, nodes, lambda node: bool(_attribute(node, CNI_BRIDGE)), "CNI bridge plugin", (why, step))]
    wanted = environment.network.host_network
    if wanted:
        step = f'In each client\'s configuration: host_network "{wanted}" {{ cidr = "…" }}, or another network.host_network.'
        advice = ("Ports are booked on it.", step)
        return [
            _share(about, nodes, lambda node: wanted in nested(node, "HostNetworks"), f"host_network {wanted}", advice)
        ]
    return []


def _apart(about: str, nodes: Sequence[Json]) -> list[Finding]:
    """Several nodes that all advertise loopback addresses cannot reach each other's services."""
    addresses = [_attribute(node, "unique.network.ip-address") for node in nodes]
    lonely = [address for address in addresses if address.startswith("127.")]
    if len(nodes) > 1 and lonely:
        step = "Set network_interface in each client's configuration to one that the others reach."
        return [
            bad(
                about,
                f"{len(lonely)} nodes have the address {lonely[0]}",
                "No other node reaches what runs there.",
                step,
            )
        ]
    if lonely:
        step = "Fine for a trial on one machine; set the client's network_interface before there is a second node."
        return [
            warning(about, f"its node has the address {lonely[0]}", "Only this machine reaches what runs there.", step)
        ]
    return []


def _share(
    about: str, nodes: Sequence[Json], has: Callable[[Json], bool], what: str, advice: tuple[str, str]
) -> Finding:
    """How many of the nodes have it; `advice` is why it matters and what to do."""
    without = [str(node.get("Name")) for node in nodes if not has(node)]
    if not without:
        return good(about, f"{what} on {'each of ' if len(nodes) > 1 else 'its '}{_nodes(len(nodes))}")
    named = ", ".join(without[:MOST_NAMED]) + (" and more" if len(without) > MOST_NAMED else "")
    if len(without) == len(nodes):
        return bad(about, f"no node has {what} ({named})", *advice)
    return warning(about, f"{len(without)} of {_nodes(len(nodes))} lack {what} ({named})", *advice)


def _nodes(number: int) -> str:
    return f"{number} nodes" if number != 1 else "1 node"


def _driver_of(node: Json, driver: str) -> Json:
    return nested(nested(node, "Drivers"), driver)


def _attribute(node: Json, name: str) -> str:
    return str(nested(node, "Attributes").get(name) or "")
