"""The tasks beside the app: the discovery agent, Envoy, and the gate that lets the app start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from outrider_agent import settings as variables

from outrider.documents import Json
from outrider.nomad.write.access import of_sidecar
from outrider.nomad.write.artifact import file
from outrider.nomad.write.driver import command, container, in_task, program
from outrider.nomad.write.restart import for_ever, once
from outrider.nomad.write.task import Needs, Start, prestart, task, vault_access
from outrider.nomad.write.template import NOOP, bytes_of, kept, template
from outrider.spec.consul_access import NomadVariableFile, NomadVariableToken
from outrider.spec.sidecar import ArchiveFile, Download, Image
from outrider.spec.sidecar import Path as OnNode
from outrider.spec.variables import NomadValue, VaultValue
from outrider.topology import names
from outrider.topology.memory import AGENT_MB
from outrider.topology.ports import Address, Pipe
from outrider.topology.sidecar import Artifact, CarriedAgent, Sidecar
from outrider.topology.topology import Topology

AGENT_CPU, ENVOY_CPU = 20, 50
WORKLOAD_IDENTITY = "workload_identity"
ENVOY_ARGUMENTS = (
    *("--concurrency", "1"),
    "--disable-hot-restart",
    *("--log-level", "warning"),
    # Failed polls of an agent that restarts are counted (update_failure); as log lines they come five times a second.
    *("--component-log-level", "config:error"),
    # The log of failures, a second later at most; Envoy's default is ten.
    *("--file-flush-interval-msec", "1000"),
    *("--drain-time-s", "5"),
    *("--drain-strategy", "immediate"),
)


def agent_task(topology: Topology, sidecar: Sidecar) -> Json:
    """The discovery agent. It keeps its snapshot in local/, which outlives restarts of the task."""
    platform = topology.platform
    env = {
        **_shared(sidecar),
        **_unguarded(sidecar),
        variables.SNAPSHOT: in_task(platform.sidecar.driver, names.SNAPSHOT_FILE),
        variables.CONSUL_ADDRESS: platform.consul.agent_address,
        **_bounds(platform.consul.connections, sidecar.agent_memory_mb),
        **_own_instance(topology),
    }
    held, env_of_held = _held(topology)
    made = _zipapp(topology, names.AGENT_TASK, "serve", env | env_of_held, held)
    identity: Json = {"Consul": {}} if platform.consul.token == WORKLOAD_IDENTITY else {}
    return prestart(made, for_ever(), is_sidecar=True) | identity


def _bounds(connections: int, memory_mb: int) -> dict[str, str]:
    """What an agent may hold, where that is not what it takes by itself."""
    said = {
        variables.CONNECTIONS: (connections, variables.DEFAULT_CONNECTIONS),
        variables.MEMORY: (memory_mb, variables.DEFAULT_MEMORY),
    }
    return {name: str(value) for name, (value, usual) in said.items() if value != usual}


def gate_task(topology: Topology, sidecar: Sidecar) -> Json:
    """Ends well when Envoy is live and the agent has an answer for every upstream; only then the app starts."""
    return prestart(_zipapp(topology, names.GATE_TASK, "gate", _shared(sidecar)), once(), is_sidecar=False)


def _shared(sidecar: Sidecar) -> dict[str, str]:
    return {
        variables.LISTEN: _place(sidecar.agent),
        variables.ENVOY_ADMIN: _place(sidecar.admin),
        variables.UPSTREAMS: ",".join(sidecar.discovered),
    }


def _unguarded(sidecar: Sidecar) -> dict[str, str]:
    return {variables.UNGUARDED: ",".join(sidecar.unguarded)} if sidecar.unguarded else {}


def _place(place: Address | Pipe) -> str:
    return f"unix:{place.path}" if isinstance(place, Pipe) else str(place)


def _own_instance(topology: Topology) -> dict[str, str]:
    label = topology.serves_on
    return {variables.SERVICE_ID: names.own_instance(topology.service, label)} if label else {}


def _held(topology: Topology) -> tuple[tuple[Json, ...], dict[str, str]]:
    """The token and the files of certificates that Nomad variables hold, as templates; and where the agent finds all.

    The agent looks at each file again by itself, so a changed one restarts nothing.
    """
    sidecar, tls = topology.platform.sidecar, topology.platform.consul.tls
    kept_files = {path: given.nomad_variable for _, path, given in _files(topology) if not isinstance(given, str)}
    found = {
        variable: given if isinstance(given, str) else in_task(sidecar.driver, path)
        for variable, path, given in _files(topology)
    }
    named = {variables.CONSUL_SERVER_NAME: tls.server_name} if tls and tls.server_name else {}
    templates = tuple(template(path, kept(held), of_sidecar(sidecar)) for path, held in kept_files.items())
    return templates, found | named


def _files(topology: Topology) -> Iterator[tuple[str, str, str | NomadVariableToken | NomadVariableFile]]:
    """Per file of the agent: its variable, where it lies if a Nomad variable holds it, and what the platform says."""
    consul = topology.platform.consul
    if isinstance(consul.token, NomadVariableToken):
        yield variables.CONSUL_TOKEN_FILE, names.TOKEN_FILE, consul.token
    if consul.tls is None:
        return
    for variable, path, given in (
        (variables.CONSUL_CACERT, names.CONSUL_CA_FILE, consul.tls.ca),
        (variables.CONSUL_CLIENT_CERT, names.CONSUL_CERTIFICATE_FILE, consul.tls.certificate),
        (variables.CONSUL_CLIENT_KEY, names.CONSUL_KEY_FILE, consul.tls.key),
    ):
        if given is not None:
            yield variable, path, given


def _zipapp(topology: Topology, name: str, verb: str, env: dict[str, str], templates: tuple[Json, ...] = ()) -> Json:
    """A task that runs a verb of the agent's zipapp; -I and -S keep out whatever the node's Python has installed."""
    sidecar = topology.platform.sidecar
    memory = topology.sidecar.agent_memory_mb if topology.sidecar else AGENT_MB
    arguments = ["-I", "-S", _archive(topology), verb]
    start = Start(
        driver=sidecar.driver,
        config=_python(topology, arguments),
        user=sidecar.user,
        env=env,
        artifacts=(file(topology.agent, names.AGENT_FILE),) if isinstance(topology.agent, Artifact) else (),
        templates=(*_carried(topology, verb), *templates),
    )
    return task(name, start, Needs(AGENT_CPU, memory))


def _archive(topology: Topology) -> str:
    sidecar = topology.platform.sidecar
    given = sidecar.agent.archive
    return given.path if isinstance(given, ArchiveFile) else in_task(sidecar.driver, names.AGENT_FILE)


def _carried(topology: Topology, verb: str) -> tuple[Json, ...]:
    """The archive of that verb as a file: Nomad renders it before the first start, and asks nobody for it."""
    if not isinstance(topology.agent, CarriedAgent):
        return ()
    archive = topology.agent.gate if verb == "gate" else topology.agent.serve
    return (template(names.AGENT_FILE, bytes_of(archive), of_sidecar(topology.platform.sidecar)),)


def _python(topology: Topology, arguments: list[str]) -> Json:
    source, mode = topology.platform.sidecar.agent, topology.ports.mode
    if isinstance(source, Image):
        return container(source.image, arguments, mode, "python3")
    return command(source.path, arguments)


def envoy_task(topology: Topology, sidecar: Sidecar, bootstrap: str) -> Json:
    """Envoy with its bootstrap, which Nomad renders before the first start."""
    settings = topology.platform.sidecar
    secrets = [upstream.password for upstream in sidecar.upstreams if upstream.password]
    path = names.SECRET_BOOTSTRAP_FILE if secrets else names.BOOTSTRAP_FILE
    arguments = ["--config-path", in_task(settings.driver, path), *ENVOY_ARGUMENTS]
    downloaded = settings.envoy if isinstance(settings.envoy, Download) else None
    start = Start(
        driver=settings.driver,
        config=program(_envoy(settings.envoy), arguments, topology.ports.mode),
        user=settings.user,
        artifacts=(file(Artifact(downloaded.artifact, downloaded.sha256), names.ENVOY_FILE),) if downloaded else (),
        templates=(template(path, bootstrap, of_sidecar(settings), _restarts(topology, secrets)),),
    )
    made = task(names.ENVOY_TASK, start, Needs(ENVOY_CPU, sidecar.memory_mb))
    vault = vault_access(topology.service) if any(isinstance(secret, VaultValue) for secret in secrets) else {}
    return prestart(made, for_ever(), is_sidecar=True) | vault


def _restarts(topology: Topology, secrets: Iterable[VaultValue | NomadValue]) -> str:
    """Whether Nomad restarts every Envoy when a password changes; there is one bootstrap for all of them."""
    return "restart" if any(topology.on_change(secret) == "restart" for secret in secrets) else NOOP


def _envoy(source: Image | OnNode | Download) -> Image | str:
    if isinstance(source, Download):
        return names.ENVOY_FILE
    return source if isinstance(source, Image) else source.path
