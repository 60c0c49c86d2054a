"""A job as HCL text: what ``nomad job run`` takes, equal to the job that the API would get."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from outrider.documents import Json
from outrider.nomad.write.literal import NANOSECONDS

INDENT = "  "
# Blocks by the API's name: HCL's name, and the field that becomes the block's label.
BLOCKS: Mapping[str, tuple[str, str | None]] = {
    "TaskGroups": ("group", "Name"),
    "Tasks": ("task", "Name"),
    "Networks": ("network", None),
    "DynamicPorts": ("port", "Label"),
    "ReservedPorts": ("port", "Label"),
    "Services": ("service", None),
    "Checks": ("check", None),
    "Update": ("update", None),
    "Migrate": ("migrate", None),
    "RestartPolicy": ("restart", None),
    "ReschedulePolicy": ("reschedule", None),
    "Config": ("config", None),
    "Artifacts": ("artifact", None),
    "Templates": ("template", None),
    "Resources": ("resources", None),
    "LogConfig": ("logs", None),
    "Lifecycle": ("lifecycle", None),
    "Vault": ("vault", None),
    "Consul": ("consul", None),
    "Meta": ("meta", None),
    "CanaryMeta": ("canary_meta", None),
    "Header": ("header", None),
    "GetterOptions": ("options", None),
    "Volumes": ("volume", "Name"),
    "VolumeMounts": ("volume_mount", None),
}
# Fields that hold several blocks by their label.
BY_NAME = frozenset({"Volumes"})
# Blocks whose keys are the job's own words.
MAPS = frozenset({"config", "meta", "canary_meta", "header", "options"})
NAMES: Mapping[str, str] = {
    "CPU": "cpu",
    "DestPath": "destination",
    "EmbeddedTmpl": "data",
    "Envvars": "env",
    "GRPCService": "grpc_service",
    "GetterMode": "mode",
    "GetterSource": "source",
    "MaxFileSizeMB": "max_file_size",
    "MemoryMB": "memory",
    "PortLabel": "port",
    "RelativeDest": "destination",
    "TaskName": "task",
    "Value": "static",
}
DURATIONS = frozenset(
    [
        "Delay",
        "HealthyDeadline",
        "Interval",
        "KillTimeout",
        "MaxDelay",
        "MinHealthyTime",
        "ProgressDeadline",
        "ShutdownDelay",
        "Timeout",
    ]
)
# What HCL's quoted strings escape (hashicorp/hcl, spec: Template Expressions).
ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t", '"': r"\"", "\\": r"\\"}
UNSAFE = re.compile(r'[\x00-\x1f"\\\x7f]')


def hcl(job: Json) -> str:
    """The text. ``${`` stays what it is in the job: HCL's own interpolation is escaped everywhere."""
    fields = {key: value for key, value in job.items() if key != "ID"}
    return "\n".join(_block("job", job["ID"], fields, "")) + "\n"


def _block(name: str, label: str | None, fields: Json, indent: str) -> Iterator[str]:
    head = f"{indent}{name} {_quoted(label)}" if label is not None else f"{indent}{name}"
    if not fields:
        yield head + " {}"
        return
    yield head + " {"
    for key, value in fields.items():
        yield from _field(key, value, indent + INDENT, is_map=name in MAPS)
    yield indent + "}"


def _field(key: str, value: Any, indent: str, *, is_map: bool) -> Iterator[str]:
    if is_map or key not in BLOCKS:
        yield f"{indent}{key if is_map else _name(key)} = {_value(key, value, indent)}"
        return
    name, label = BLOCKS[key]
    inner = list(value.values()) if key in BY_NAME else value
    for item in cast("list[Json]", inner if isinstance(inner, list) else [inner]):
        fields = {inner: inside for inner, inside in item.items() if inner != label}
        yield from _block(name, item[label] if label else None, fields, indent)


def _name(key: str) -> str:
    return NAMES.get(key) or re.sub(r"(?<!^)([A-Z])", r"_\1", key).lower()


def _value(key: str, value: Any, indent: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f'"{value // NANOSECONDS}ms"' if key in DURATIONS else str(value)
    if isinstance(value, dict):
        inner = indent + INDENT
        items = cast("Json", value).items()
        lines = [f"{inner}{_quoted(name)} = {_value(name, item, inner)}" for name, item in items]
        return "\n".join(["{", *lines, indent + "}"])
    if isinstance(value, list):
        return "[" + ", ".join(_value("", item, indent) for item in cast("list[Any]", value)) + "]"
    return _quoted(value)


def _quoted(text: str) -> str:
    escaped = UNSAFE.sub(lambda sign: ESCAPES.get(sign[0]) or f"\\u{ord(sign[0]):04x}", text)
    return '"' + escaped.replace("${", "$${").replace("%{", "%%{") + '"'
