"""The app's task: what the developer starts, and the environment that it finds."""

from __future__ import annotations

from collections.abc import Iterator

from outrider.documents import Json
from outrider.nomad.write.artifact import archive, packed
from outrider.nomad.write.driver import app_command, app_container
from outrider.nomad.write.restart import a_few_times
from outrider.nomad.write.task import Needs, Start, task, vault_access
from outrider.nomad.write.template import ASKS_VAULT, NOOP, change_mode, environment_template, file_template, variables
from outrider.spec.run import CommandRun, ImageRun
from outrider.spec.variables import TOOL_VARIABLES, ConsulValue, VaultValue
from outrider.topology import names
from outrider.topology.ports import text
from outrider.topology.sidecar import Upstream
from outrider.topology.topology import Topology

SCHEMES = {"redis": "redis", "tcp": "tcp"}
LOG_FILES, LOG_MB = 10, 10


def app_task(topology: Topology) -> Json:
    """The task of the developer's program."""
    spec = topology.spec
    start = Start(
        driver=topology.platform.driver,
        config=_config(topology),
        env=_own_variables(topology) | _plain_variables(topology),
        artifacts=_artifacts(topology),
        templates=(
            *_variables_templates(topology),
            *_file_templates(topology),
        ),
    )
    needs = Needs(spec.resources.cpu, spec.resources.memory, LOG_FILES, LOG_MB)
    made = task(names.APP_TASK, start, needs, spec.stop.signal, spec.stop.timeout)
    return made | {"RestartPolicy": a_few_times()} | _identities(topology)


def _config(topology: Topology) -> Json:
    run, mode = topology.spec.run, topology.ports.mode
    if isinstance(run, ImageRun):
        return app_container(run.image, run.command, mode)
    return app_command(topology.platform.driver, run.command, has_dots=any("." in name for name in topology.spec.env))


def _artifacts(topology: Topology) -> tuple[Json, ...]:
    run = topology.spec.run
    if isinstance(run, CommandRun) and run.artifact:
        return (archive(run.artifact, run.checksum),)
    return (packed(topology.directory),) if topology.directory else ()


def _own_variables(topology: Topology) -> dict[str, str]:
    app = topology.ports.app
    listening = {names.HOST_VARIABLE: text(app.host), names.PORT_VARIABLE: text(app.port)} if app else {}
    found = {
        names.SERVICE_VARIABLE: topology.service,
        names.ENVIRONMENT_VARIABLE: topology.environment,
        names.VERSION_VARIABLE: names.VERSION_SLOT,
    }
    for upstream in topology.upstreams:
        found |= _upstream_variables(upstream)
    return found | listening


def _upstream_variables(upstream: Upstream) -> dict[str, str]:
    scheme = SCHEMES.get(upstream.protocol, "http")
    url, address = names.upstream_variables(upstream.name)
    found = {url: f"{scheme}://{upstream.listen}", address: str(upstream.listen)}
    return {name: value for name, value in found.items() if name not in TOOL_VARIABLES}


def _plain_variables(topology: Topology) -> dict[str, str]:
    """The developer's texts in which Nomad would find nothing to replace."""
    return {name: value for name, value in topology.spec.env.items() if isinstance(value, str) and "${" not in value}


def _variables_templates(topology: Topology) -> Iterator[Json]:
    """Everything else, a file for each thing that Nomad does when they change.

    That is values that it reads elsewhere, and texts that only a template leaves alone.
    """
    plain = _plain_variables(topology)
    rest = [(name, value) for name, value in sorted(topology.spec.env.items()) if name not in plain]
    modes = {name: NOOP if isinstance(value, str) else change_mode(topology.on_change(value)) for name, value in rest}
    for mode in sorted(set(modes.values())):
        text = variables((name, value) for name, value in rest if modes[name] == mode)
        yield environment_template(names.variables_file("" if mode == NOOP else mode.lower()), text, mode)


def _file_templates(topology: Topology) -> Iterator[Json]:
    for file in topology.spec.files:
        yield file_template(file, topology.platform.driver, change_mode(topology.on_change(file), file.signal))


def _identities(topology: Topology) -> Json:
    """What the task may ask of Vault and, where tokens come by workload identity, of Consul."""
    spec = topology.spec
    asks_vault = any(isinstance(value, VaultValue) for value in spec.env.values())
    asks_vault = asks_vault or any(ASKS_VAULT.search(file.template) for file in spec.files)
    consul = spec.files or any(isinstance(value, ConsulValue) for value in spec.env.values())
    identity = topology.platform.consul.token == "workload_identity"  # noqa: S105 - a word, not a password
    return (vault_access(topology.service) if asks_vault else {}) | ({"Consul": {}} if consul and identity else {})
