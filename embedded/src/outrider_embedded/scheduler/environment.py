"""What a task is told: NOMAD_* variables, and ``${…}`` in its fields replaced as Nomad does (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from outrider_embedded.scheduler.allocation import alloc_index, group_of
from outrider_embedded.scheduler.documents import Document, fields, rows

_REFERENCE = re.compile(r"\$\{([a-zA-Z0-9_\-.]+)\}")
_ESCAPED = re.compile(r"\$\$\{|%%\{|\$\{([a-zA-Z0-9_\-.]+)\}")
_UNSAFE = re.compile(r"[^a-zA-Z0-9_]")


@dataclass(frozen=True, slots=True)
class Directories:
    """Where an allocation's tasks live: ``root`` holds ``alloc`` (shared) and one directory per task."""

    root: Path

    @property
    def shared(self) -> Path:
        return self.root / "alloc"

    @property
    def logs(self) -> Path:
        return self.shared / "logs"

    def task(self, name: str) -> Path:
        return self.root / name

    def local(self, name: str) -> Path:
        return self.root / name / "local"

    def secrets(self, name: str) -> Path:
        return self.root / name / "secrets"


def task_environment(
    allocation: Document, task: Document, node: Document, directories: Directories, host: Mapping[str, str]
) -> dict[str, str]:
    """The whole environment of a task's process: the host's, the job's and Nomad's own variables."""
    nomad = nomad_environment(allocation, task, node, directories)
    own = {name: interpolated(str(value), nomad, node) for name, value in fields(task["Env"]).items()}
    return {**host, **nomad, **own}


def nomad_environment(
    allocation: Document, task: Document | None, node: Document, directories: Directories
) -> dict[str, str]:
    """The NOMAD_* variables of a task, or of the group where there is no task."""
    job = allocation["Job"]
    variables = {
        "NOMAD_ALLOC_DIR": str(directories.shared),
        "NOMAD_ALLOC_ID": allocation["ID"],
        "NOMAD_SHORT_ALLOC_ID": allocation["ID"][:8],
        "NOMAD_ALLOC_INDEX": str(alloc_index(allocation)),
        "NOMAD_ALLOC_NAME": allocation["Name"],
        "NOMAD_DC": node["Datacenter"],
        "NOMAD_GROUP_NAME": allocation["TaskGroup"],
        "NOMAD_JOB_ID": job["ID"],
        "NOMAD_JOB_NAME": job["Name"],
        "NOMAD_NAMESPACE": job["Namespace"],
        "NOMAD_REGION": job["Region"],
    }
    variables |= port_variables(allocation) | _meta_variables(allocation, task)
    return variables | (_task_variables(task, directories) if task else {})


def port_variables(allocation: Document) -> dict[str, str]:
    """Address and number of each booked port, under its label with odd characters as ``_``."""
    variables: dict[str, str] = {}
    for port in rows(allocation["AllocatedResources"]["Shared"]["Ports"]):
        label, address, host_port = _UNSAFE.sub("_", port["Label"]), port["HostIP"], str(port["Value"])
        inner = str(port.get("To") or port["Value"])
        variables |= {
            f"NOMAD_IP_{label}": address,
            f"NOMAD_PORT_{label}": inner,
            f"NOMAD_ADDR_{label}": f"{address}:{host_port}",
            f"NOMAD_HOST_IP_{label}": address,
            f"NOMAD_HOST_PORT_{label}": host_port,
            f"NOMAD_HOST_ADDR_{label}": f"{address}:{host_port}",
            f"NOMAD_ALLOC_PORT_{label}": inner,
        }
    return variables


def interpolated(text: str, environment: Mapping[str, str], node: Document) -> str:
    """``${NAME}``, ``${attr.…}``, ``${meta.…}`` and ``${node.…}`` replaced; what is unknown stays as it is."""

    def value(found: re.Match[str]) -> str:
        known = _known(found[1], environment, node)
        return found[0] if known is None else known

    return _REFERENCE.sub(value, text)


def interpolated_document(value: Any, environment: Mapping[str, str], node: Document) -> Any:
    """The same for every text in a document, keys included."""
    if isinstance(value, str):
        return interpolated(value, environment, node)
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [interpolated_document(item, environment, node) for item in items]
    if isinstance(value, dict):
        entries = cast("Document", value)
        return {
            interpolated(key, environment, node): interpolated_document(one, environment, node)
            for key, one in entries.items()
        }
    return value


class UnknownVariableError(ValueError):
    """A driver's configuration refers to something that nobody sets; drivers refuse to start then."""


def driver_config(value: Any, environment: Mapping[str, str], node: Document) -> Any:
    """A driver's configuration with ``${…}`` replaced and ``$${`` unescaped. Raises UnknownVariableError."""
    if isinstance(value, str):
        return _ESCAPED.sub(lambda found: _config_text(found, environment, node), value)
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [driver_config(item, environment, node) for item in items]
    if isinstance(value, dict):
        entries = cast("Document", value)
        return {key: driver_config(one, environment, node) for key, one in entries.items()}
    return value


def _config_text(found: re.Match[str], environment: Mapping[str, str], node: Document) -> str:
    if found[1] is None:
        return found[0][1:]
    known = _known(found[1], environment, node)
    if known is None:
        raise UnknownVariableError(f'failed to parse config: unknown variable; there is no variable named "{found[1]}"')
    return known


def _known(name: str, environment: Mapping[str, str], node: Document) -> str | None:
    if name in environment:
        return environment[name]
    kind, _, rest = name.partition(".")
    if kind == "attr":
        return node["Attributes"].get(rest)
    if kind == "meta":
        return node["Meta"].get(rest)
    if kind == "env":
        return environment.get(rest)
    fields = {"node.datacenter": "Datacenter", "node.unique.id": "ID", "node.unique.name": "Name"}
    return node.get(fields.get(name, ""))


def _task_variables(task: Document, directories: Directories) -> dict[str, str]:
    name: str = task["Name"]
    variables = {
        "NOMAD_CPU_LIMIT": str(task["Resources"]["CPU"]),
        "NOMAD_MEMORY_LIMIT": str(task["Resources"]["MemoryMB"]),
        "NOMAD_SECRETS_DIR": str(directories.secrets(name)),
        "NOMAD_TASK_DIR": str(directories.local(name)),
        "NOMAD_TASK_NAME": name,
    }
    if task["Resources"]["MemoryMaxMB"]:
        variables["NOMAD_MEMORY_MAX_LIMIT"] = str(task["Resources"]["MemoryMaxMB"])
    return variables


def _meta_variables(allocation: Document, task: Document | None) -> dict[str, str]:
    variables: dict[str, str] = {}
    for owner in (allocation["Job"], group_of(allocation), task or {}):
        for key, value in fields(owner.get("Meta")).items():
            safe = _UNSAFE.sub("_", key)
            variables |= {f"NOMAD_META_{safe}": value, f"NOMAD_META_{safe.upper()}": value}
    return variables
