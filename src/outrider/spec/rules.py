"""Rules over several keys of one service spec: combinations that cannot work, and settings without any effect."""

from __future__ import annotations

from collections.abc import Iterator

from outrider.spec.change_rules import signals_without_effect
from outrider.spec.check import ScriptCheck
from outrider.spec.check_rules import checks_at_odds, checks_twice, scripts_without_program
from outrider.spec.knobs import listed, without_effect
from outrider.spec.mistakes import Kind, Mistake, Rule
from outrider.spec.protocol import HTTP_PROTOCOLS
from outrider.spec.redis_rules import redis_shards
from outrider.spec.run import CommandRun
from outrider.spec.service import Service
from outrider.spec.values import duration
from outrider.spec.variables import FREE_VARIABLES, TOOL_VARIABLES
from outrider.spec.volume import variable_of
from outrider.spec.volume_rules import volumes_at_odds

RESERVED_META = frozenset({"canary", "external-source"})
RESERVED_META_PREFIXES = ("outrider", "consul-")
OWN_TAGS = frozenset({"outrider", "canary"})
SERVERS = frozenset({"consul", "nomad", "nomad-client"})
OWN_VARIABLE_PREFIXES = ("OUTRIDER_", "NOMAD_")
# Consul takes 64 pairs of an instance (measured on 1.8.7), and Outrider and Nomad set seven of them.
MOST_META = 64 - 7


def servers_name(service: Service) -> Iterator[Mistake]:
    if service.service in SERVERS:
        message = (
            "is what the servers register themselves as in Consul: callers would reach them too; choose another name"
        )
        yield Mistake(("service",), message)


def upstreams_without_mesh(service: Service) -> Iterator[Mistake]:
    if service.upstreams and not service.mesh:
        message = "a service with mesh: false has no sidecar that could call them; remove them, or mesh: false"
        yield Mistake(("upstreams",), message)


def upstreams_at_odds(service: Service) -> Iterator[Mistake]:
    for name, upstream in service.upstreams.items():
        protocol = upstream.protocol or ("http" if upstream.address else None)
        if protocol:
            yield from without_effect(name, upstream, protocol)
        if upstream.stream and upstream.timeout is not None and protocol in {None, *HTTP_PROTOCOLS}:
            message = "has no effect: stream: true means that there is no total timeout; remove one of them"
            yield Mistake(("upstreams", name, "timeout"), message, of_key=True)
        if upstream.tls and upstream.address is None:
            message = "is for services outside Consul only: write their address too"
            yield Mistake(("upstreams", name, "tls"), message, of_key=True)


def run_at_odds(service: Service) -> Iterator[Mistake]:
    run = service.run
    if run.command and not run.command[0]:
        yield Mistake(("run", "command"), "must begin with a program")
    if not isinstance(run, CommandRun):
        return
    if run.artifact and run.directory:
        yield Mistake(("run", "directory"), "does not go with artifact: use one of them", of_key=True)
    if run.checksum and not run.artifact:
        yield Mistake(("run", "checksum"), "has no effect without artifact", of_key=True)
    if run.directory and run.directory.startswith("/"):
        yield Mistake(("run", "directory"), "must be relative to this file")


def worker_with_ingress(service: Service) -> Iterator[Mistake]:
    """A worker listens nowhere, so nothing can be said about how it is reached."""
    if service.port != "none":
        return
    if "protocol" in service.model_fields_set:
        yield Mistake(("protocol",), "has no effect: port: none means that the service listens nowhere", of_key=True)
    for key in sorted(service.ingress.model_fields_set):
        yield Mistake(("ingress", key), "has no effect: port: none means that the service listens nowhere", of_key=True)
    for index, check in enumerate(service.checks):
        if not isinstance(check, ScriptCheck):
            yield Mistake(("checks", index), "cannot pass: port: none leaves nothing to connect to; use script")
        elif not service.mesh:
            message = (
                "has no effect: with mesh: false and port: none nothing is registered in Consul that it could speak of"
            )
            yield Mistake(("checks", index), message)


def ingress_without_effect(service: Service) -> Iterator[Mistake]:
    if service.port == "none":
        return
    given = service.ingress.model_fields_set
    for key in sorted(given - {"static"} if not service.mesh else ()):
        yield Mistake(("ingress", key), "has no effect with mesh: false: it is the sidecar's work", of_key=True)
    for key in sorted(given - {"static"} if service.mesh and service.protocol not in HTTP_PROTOCOLS else ()):
        message = f"has no effect: the service speaks {service.protocol}; it is for {listed(HTTP_PROTOCOLS)}"
        yield Mistake(("ingress", key), message, of_key=True)


def variables_taken(service: Service) -> Iterator[Mistake]:
    own: set[str] = set() if service.port == "none" else {"HOST", "PORT"}
    upstreams = {name: name.replace("-", "_").upper() for name in service.upstreams}
    of_upstream = {f"{word}_{end}": name for name, word in upstreams.items() for end in ("URL", "ADDR")}
    of_upstream = {variable: name for variable, name in of_upstream.items() if variable not in TOOL_VARIABLES}
    found = {variable: f"upstream {name}" for variable, name in of_upstream.items()}
    found |= {variable_of(volume.host): f"volume {volume.host}" for volume in service.volumes}
    for name in service.env:
        if name in found:
            message = f"is set by Outrider: it is where the app finds its {found[name]}; remove it"
            yield Mistake(("env", name), message, of_key=True)
        elif name in own or (name.startswith(OWN_VARIABLE_PREFIXES) and name not in FREE_VARIABLES):
            setter = "Nomad" if name.startswith("NOMAD_") else "Outrider"
            yield Mistake(("env", name), f"is set by {setter}: choose another name, or remove it", of_key=True)


def consul_entry_taken(service: Service) -> Iterator[Mistake]:
    if len(service.consul.meta) > MOST_META:
        message = f"has {len(service.consul.meta)} keys; Consul takes 64, and 7 of them are set by Outrider and Nomad"
        yield Mistake(("consul", "meta"), message)
    for key in service.consul.meta:
        if key in RESERVED_META or key.startswith(RESERVED_META_PREFIXES):
            yield Mistake(
                ("consul", "meta", key), "is set by Outrider, Nomad or Consul: choose another name", of_key=True
            )
    for index, tag in enumerate(service.consul.tags):
        if tag in OWN_TAGS:
            yield Mistake(("consul", "tags", index), "is set by Outrider: remove it")


def patches_at_odds(service: Service) -> Iterator[Mistake]:
    for index, name in enumerate(service.patches):
        if not service.mesh:
            yield Mistake(("patches", index), "has no effect: with mesh: false there is no Envoy to patch")
        elif name in service.patches[:index]:
            yield Mistake(("patches", index), f"{name} stands here twice: a patch is applied once")


def update_at_odds(service: Service) -> Iterator[Mistake]:
    update = service.update
    if service.count is not None and update.canary > service.count:
        yield Mistake(("update", "canary"), f"is more than count, which is {service.count}")
    if update.min_healthy_time >= update.healthy_deadline:
        message = f"must be shorter than healthy_deadline, which is {duration(update.healthy_deadline)}"
        yield Mistake(("update", "min_healthy_time"), message)


def files_twice(service: Service) -> Iterator[Mistake]:
    paths = [file.path for file in service.files]
    for index, path in enumerate(paths):
        if path in paths[:index]:
            yield Mistake(("files", index, "path"), f"is written by files.{paths.index(path)} already")


SERVICE = Kind(
    Service,
    (
        Rule(
            ("service",),
            servers_name,
            "`consul`, `nomad` and `nomad-client` are taken: Consul and Nomad register their own servers under these names.",
        ),
        Rule(
            ("mesh", "upstreams"),
            upstreams_without_mesh,
            "Upstreams need the mesh: with `mesh: false` there is no sidecar that could call them.",
        ),
        Rule(
            ("upstreams",),
            upstreams_at_odds,
            "A setting of an upstream that its protocol does not know is refused, so are `stream: true` beside `timeout`, and `tls` without `address`.",
        ),
        Rule(
            ("run",),
            run_at_odds,
            "`artifact` and `directory` exclude each other; `checksum` belongs to `artifact`; `directory` is relative to the file.",
        ),
        Rule(
            ("port", "protocol", "mesh", "ingress", "checks"),
            worker_with_ingress,
            "With `port: none` there is no `protocol`, no `ingress`, and only `script` checks; with `mesh: false` too, no checks.",
        ),
        Rule(
            ("port", "protocol", "mesh", "ingress"),
            ingress_without_effect,
            "`ingress.rate` and `ingress.keep_alive` are the sidecar's work, and for http, http2 and grpc only.",
        ),
        Rule(
            ("protocol", "count", "shard"),
            redis_shards,
            "Several instances of a redis service need `shard: true`, because they share the keys between them.",
        ),
        Rule(("run", "checks"), scripts_without_program, "A command begins with a program, which is not empty."),
        Rule(
            ("port", "protocol", "checks"),
            checks_at_odds,
            "`http` checks need a service that speaks http, http2 or grpc; `grpc` checks one that speaks grpc or http2.",
        ),
        Rule(
            ("checks",), checks_twice, "No two checks do the same under one name: Consul would know only one of them."
        ),
        Rule(
            ("port", "upstreams", "env", "volumes"),
            variables_taken,
            "`HOST`, `PORT`, `OUTRIDER_*`, `NOMAD_*`, and `<UPSTREAM>_URL` and `<UPSTREAM>_ADDR` of each upstream and `<VOLUME>_DIR` of each volume are set for the app and cannot be set in `env`. "
            "Not set, and so free, are those that the tools of Consul, Nomad, Vault and Outrider read: `VAULT_ADDR` of an upstream `vault`, "
            "`NOMAD_ADDR`, `NOMAD_TOKEN`, `NOMAD_CACERT`, `OUTRIDER_ADDR`, `OUTRIDER_TOKEN` and the like.",
        ),
        Rule(
            ("consul",),
            consul_entry_taken,
            "The tags `outrider` and `canary`, and meta that begins with `outrider` or `consul-`, are not free; meta has at most 57 keys.",
        ),
        Rule(
            ("mesh", "patches"),
            patches_at_odds,
            "`patches` need the mesh, and each of them is named once.",
        ),
        Rule(
            ("update", "count"),
            update_at_odds,
            "`canary` is at most `count`; `min_healthy_time` is shorter than `healthy_deadline`.",
        ),
        Rule(
            ("on_change", "files", "upstreams"),
            signals_without_effect,
            "A file's `signal` belongs to `on_change: signal`, and no `password` of an upstream has that.",
        ),
        Rule(
            ("volumes",),
            volumes_at_odds,
            "No two `volumes` have the same name, and none lies inside another one.",
        ),
        Rule(
            ("files",),
            files_twice,
            "Two `files` cannot have the same path.",
        ),
    ),
    {"service": "a-service", "run": {"image": "an-image"}},
)
