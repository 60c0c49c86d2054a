"""The platform file: what the operators say about environments, servers, drivers and sidecars."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import Field, model_validator

from outrider.spec.consul_access import Consul
from outrider.spec.drivers import Driver, is_container, written_driver
from outrider.spec.patch import Patch
from outrider.spec.sidecar import Sidecar
from outrider.spec.tracing import Tracing
from outrider.spec.values import (
    DnsLabel,
    Duration,
    Items,
    Line,
    Matching,
    WebAddress,
    Written,
)


class Nomad(Written):
    """The Nomad servers of an environment."""

    address: WebAddress = Field(examples=["https://nomad.example:4646"])
    """As the portal reaches them."""
    region: Line = "global"
    """Nomad's region."""
    namespace: Annotated[str, Matching("^[A-Za-z0-9-]{1,128}$", "a name of letters, digits and -")] = "default"
    """Nomad's namespace."""
    datacenters: Items[Line] = Field(default=("*",), min_length=1)
    """Nomad's datacenters in which allocations may be placed."""


class Volumes(Written):
    """Where host volumes lie on the nodes: for ``raw_exec``, which mounts nothing, so that an app is told its directory."""

    directory: Annotated[Line, Matching("^/.*[^/]$", "an absolute path of a directory")] = Field(
        examples=["/srv/nomad/volumes"]
    )
    """The volume ``NAME`` is ``DIRECTORY/NAME`` on each node that has it."""


class Network(Written):
    """How allocations are connected."""

    mode: Literal["bridge", "host"]
    """``bridge``: a network namespace per allocation (CNI plugins on the node). ``host``: the node's own network."""
    host_network: Line | None = None
    """Name of a ``host_network`` of the Nomad clients. Left out: the default one."""


class Prometheus(Written):
    """The Prometheus that scrapes this environment's sidecars."""

    address: WebAddress = Field(examples=["http://prometheus.example:9090"])
    """As the portal reaches it, and people: `doctor` asks whether it answers, and the page of a service links to it."""


class Defaults(Written):
    """Knobs of every upstream that says nothing else."""

    timeout: Annotated[int, Duration("1ms", "1h")] = Field(default=5_000, examples=["5s"])
    """Longest time for a whole request, retries included."""
    retries: Annotated[int, Field(ge=0, le=10)] = 1
    """How often a failed request is tried again."""
    limit: Annotated[int, Field(ge=1, le=100_000)] = 200
    """Most concurrent requests per allocation."""


VAULT_BELOW = r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*/data(/[A-Za-z0-9_.-]+)+$"


class Vault(Written):
    """What Outrider keeps in Vault, whose address is the portal's ``VAULT_ADDR``."""

    addons: Annotated[Line, Matching(VAULT_BELOW, "a path of a version 2 store, as secret/data/default")] = Field(
        examples=["secret/data/default"]
    )
    """Passwords of add-ons: those of the job NAME at ``PATH/NAME/addons``. The jobs need a policy of Vault that lets each read
    its own, and the portal's token one that writes there."""


class Release(Written):
    """What this environment asks of versions that come to it, by ``outrider release`` and by ``outrider run``."""

    after: DnsLabel | None = Field(default=None, examples=["stage"])
    """The environment that versions come from: ``outrider release`` takes them from there only. Left out: from any other."""
    soak: Annotated[int, Duration("1s", "8760h")] | None = Field(default=None, examples=["1h"])
    """How long a version has to have run there, at least."""
    approval: bool = False
    """Whether another person than the one who asks has to have approved (``outrider approve``)."""
    unpinned: Literal["refuse", "warn"] = "refuse"
    """What becomes of an image whose digest nobody can tell: its release is refused, or goes with the tag and a warning."""


def network_of(data: dict[str, Any]) -> Network:
    """Docker and podman get a network namespace per allocation, the others the node's network."""
    return Network(mode="bridge" if is_container(data.get("driver")) else "host")


def with_sidecar_driver(data: Any) -> Any:
    """The written environment, with the driver of its apps as the driver of its sidecars where it names none."""
    if not isinstance(data, dict):
        return data
    written = cast("dict[str, Any]", data)
    driver, sidecar = written.get("driver", "docker"), written.get("sidecar", {})
    traits = written_driver(driver)
    if not isinstance(sidecar, dict) or "driver" in sidecar or traits is None:
        return written
    return {**written, "sidecar": {"driver": traits.sidecar, **cast("dict[str, Any]", sidecar)}}


class Environment(Written):
    """One Nomad region and namespace, one Consul datacenter, one network."""

    nomad: Nomad
    """The Nomad servers."""
    consul: Consul
    """The Consul of the same machines."""
    driver: Driver = "docker"
    """Nomad's driver for the apps."""
    network: Network = Field(default_factory=network_of)
    """How allocations are connected. Left out: ``bridge`` for docker and podman, else ``host``."""
    volumes: Volumes | None = None
    """Where host volumes lie. Only ``raw_exec`` needs it."""
    vault: Vault | None = None
    """What is kept in Vault. Left out: nothing; passwords of add-ons are kept in Nomad's variables."""
    sidecar: Sidecar = Field(default_factory=Sidecar)
    """What runs beside each app."""
    prometheus: Prometheus | None = None
    """Where sidecars' metrics are kept. Rates in graph and pages do not need it: they come from the sidecars themselves."""
    tracing: Tracing | None = None
    """Where spans go. Left out: no tracing."""
    defaults: Defaults = Field(default_factory=Defaults)
    """Knobs of every upstream that says nothing else."""
    on_change: Literal["roll", "ask", "nothing"] = "ask"
    """What is done when a value changes that a service reads, where its spec does not say."""
    patches: dict[DnsLabel, Patch] = Field(default_factory=dict)
    """Changes of Envoy's bootstrap, by name, for the services that name them in their ``patches``."""
    release: Release = Field(default_factory=Release)
    """What is asked of versions that come here."""

    complete = model_validator(mode="before")(with_sidecar_driver)


class Portal(Written):
    """The portal as others reach it."""

    url: WebAddress = Field(examples=["https://outrider.example"])
    """As people reach it, and nodes that fetch packed directories from it."""


class Artifacts(Written):
    """A store of the operators' own for the packed directories of services (``run.directory``)."""

    url: WebAddress = Field(examples=["https://store.example/outrider"])
    """As nodes reach it: a directory lies at ``URL/SHA256/directory.tar.gz``. ``outrider pack`` writes that; nothing uploads it."""


class Registries(Written):
    """Registries of container images, which the portal asks for digests."""

    plain_http: Items[Annotated[Line, Matching(r"^[A-Za-z0-9.\[\]:-]+$", "a host, with its port where it has one")]] = (
        Field(default=(), examples=[["registry.internal:5000"]])
    )
    """Those that are asked without TLS, by host and port as images name them. Those of the portal's machine need no word."""


class Keep(Written):
    """What the portal keeps, and for how long; what runs, ran last or is referred to stays whatever these say."""

    versions: int = Field(default=200, ge=2, le=1_000_000)
    """So many of the newest versions of each service in each environment. Numbers are never given again."""
    days: int = Field(default=400, ge=1, le=100_000)
    """So long deployments are kept, with their events and with the versions that they brought up."""
    upload_mib: int = Field(default=1024, ge=1, le=1_048_576)
    """The most that one upload may have, in MiB: a packed directory, or a file."""


class Platform(Written):
    """All environments that one portal serves."""

    environments: dict[DnsLabel, Environment] = Field(min_length=1)
    """By name, as in ``stage`` and ``production``."""
    portal: Portal | None = None
    """Left out: the address that the portal listens on; on 0.0.0.0 or :: there is none that nodes could be told, and
    services with ``run.directory`` are refused, unless there is ``artifacts``."""
    artifacts: Artifacts | None = None
    """Where nodes fetch packed directories. Left out: from the portal, without which no node can start those services."""
    registries: Registries = Field(default_factory=Registries)
    """Where digests of images are asked for."""
    keep: Keep = Keep()
    """Left out: the defaults of its fields."""
    addons: Annotated[Line, Field(examples=["/etc/outrider/addons"])] | None = None
    """A directory with further add-ons, beside the portal; one with the name of one of ours takes its place."""
    links: dict[Line, WebAddress] = Field(default_factory=dict)
    """Templates of links to other tools, for the pages of services. ``{service}``, ``{environment}``, ``{namespace}`` and
    ``{region}`` (Nomad's), ``{datacenter}`` (Consul's) and ``{dashboard}`` (``outrider-service``) are filled in; a link
    with ``{allocation}`` stands beside each allocation, one with ``{trace}`` where the page is asked with ``?trace=ID``."""
