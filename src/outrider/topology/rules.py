"""What only spec and environment together can get wrong, each rule as a generator of problems by key path.

What a spec gets wrong by itself is refused where it is read (spec/rules.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from outrider_ground.errors import Problem

from outrider.spec.drivers import DRIVERS
from outrider.spec.knobs import KNOBS, without_effect
from outrider.spec.platform import Environment
from outrider.spec.run import ImageRun
from outrider.spec.service import Service
from outrider.spec.shapes import near_miss
from outrider.spec.upstream import Upstream
from outrider.topology import names
from outrider.topology.ports import BRIDGE_RANGE


@dataclass(frozen=True, slots=True)
class Case:
    """What the rules look at.

    ``protocols`` maps the services that the store knows to what they speak; ``shards`` are those that share keys out.
    """

    spec: Service
    platform: Environment
    protocols: Mapping[str, str]
    shards: frozenset[str] = frozenset()

    @property
    def is_host(self) -> bool:
        """Whether its ports are the node's."""
        return self.platform.network.mode == "host"


def problems(case: Case) -> tuple[Problem, ...]:
    """Everything wrong, in the order of the rules."""
    return tuple(problem for rule in RULES for problem in rule(case))


def known_protocol(case: Case, name: str, upstream: Upstream) -> str | None:
    """What an upstream speaks: what the spec says, else what the store knows; None where nobody knows."""
    fallback = "http" if upstream.address else case.protocols.get(name)
    return upstream.protocol or fallback


def unknown_upstreams(case: Case) -> Iterator[Problem]:
    for name, upstream in case.spec.upstreams.items():
        if known_protocol(case, name, upstream) is None:
            message = f"no service {name} is known here: deploy it first, or write its protocol (or its address)"
            yield Problem(f"upstreams.{name}", message, near_miss(name, tuple(case.protocols)))


def mismatched_upstreams(case: Case) -> Iterator[Problem]:
    for name, upstream in case.spec.upstreams.items():
        known = None if upstream.address else case.protocols.get(name)
        if known == names.PROTOCOL_NONE:
            yield Problem(f"upstreams.{name}", f"{name} is a worker without a port: nobody can call it")
        elif known and upstream.protocol and known != upstream.protocol:
            yield Problem(f"upstreams.{name}.protocol", f"is {upstream.protocol}, but {name} speaks {known}", known)


def knobs_without_effect(case: Case) -> Iterator[Problem]:
    """Of upstreams whose protocol only the store knows; the others were looked at when the spec was read."""
    for name, upstream in case.spec.upstreams.items():
        known = case.protocols.get(name)
        if known in KNOBS and not upstream.protocol and not upstream.address:
            for finding in without_effect(name, upstream, known):
                yield Problem(".".join(map(str, finding.path)), finding.message)


def unknown_patches(case: Case) -> Iterator[Problem]:
    known = tuple(case.platform.patches)
    for index, name in enumerate(case.spec.patches):
        if name not in known:
            listed = f"it has {', '.join(known)}" if known else "it has none"
            yield Problem(
                f"patches.{index}", f"the platform has no patch {name} here; {listed}", near_miss(name, known)
            )


def run_and_driver(case: Case) -> Iterator[Problem]:
    is_image, driver = isinstance(case.spec.run, ImageRun), case.platform.driver
    takes_images = DRIVERS[driver].is_container
    if is_image and not takes_images:
        yield Problem("run.image", f"the driver here is {driver}, which runs a command and no image")
    if not is_image and takes_images:
        yield Problem("run.command", f"the driver here is {driver}, which runs an image: name one with run.image")


def volumes_without_mounts(case: Case) -> Iterator[Problem]:
    """Nomad would refuse the task when it starts; without a mount an app has to be told where the directory lies."""
    if DRIVERS[case.platform.driver].mounts or case.platform.volumes:
        return
    for index, volume in enumerate(case.spec.volumes):
        yield Problem(
            f"volumes.{index}",
            f"the driver here, {case.platform.driver}, mounts nothing: write volumes.directory in the platform file (where "
            f"{volume.host} lies on the nodes), or choose a driver that mounts",
        )


def ports_in_bridge(case: Case) -> Iterator[Problem]:
    if case.spec.mesh and not case.is_host and case.spec.port in BRIDGE_RANGE:
        span = f"{BRIDGE_RANGE.start} to {BRIDGE_RANGE.stop - 1}"
        yield Problem("port", f"{case.spec.port} lies among the sidecar's own ports, {span}: choose another")


def fixed_ports(case: Case) -> Iterator[Problem]:
    """On the node's network app and ingress cannot have one number, and without a sidecar there is only the app's."""
    spec = case.spec
    if not case.is_host or not isinstance(spec.port, int) or spec.ingress.static is None:
        return
    if spec.mesh and spec.ingress.static == spec.port:
        yield Problem("ingress.static", f"{spec.port} is the app's own port already: choose another")
    if not spec.mesh and spec.ingress.static != spec.port:
        message = (
            f"cannot lead to port {spec.port}: with mesh: false, on the node's own network, nothing listens but the app; "
            "leave one of them out"
        )
        yield Problem("ingress.static", message)


RULES: tuple[Callable[[Case], Iterator[Problem]], ...] = (
    run_and_driver,
    volumes_without_mounts,
    ports_in_bridge,
    unknown_upstreams,
    mismatched_upstreams,
    knobs_without_effect,
    unknown_patches,
    fixed_ports,
)
