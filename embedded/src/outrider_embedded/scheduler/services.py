"""Services of an allocation as Consul is told of them: identifiers, tags, meta and checks (pure)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from outrider_embedded.scheduler.allocation import is_canary
from outrider_embedded.scheduler.documents import Document, rows, words
from outrider_embedded.scheduler.environment import interpolated_document
from outrider_embedded.scheduler.times import duration_text

PREFIX = "_nomad-task-"
"""How every service that Nomad registers begins; what bears it and is not known is a leftover."""

_TTL_SLACK = 31_000_000_000
"""A script check may come this much late before Consul calls it critical; Nomad's own figure."""


class UnknownPortError(ValueError):
    """A service or check on a port that its group does not have."""

    def __init__(self, label: str) -> None:
        super().__init__(f'invalid port "{label}": port label not found')


@dataclass(frozen=True, slots=True)
class ScriptCheck:
    """A check whose command runs beside a task; times in nanoseconds."""

    identifier: str
    task: str
    command: str
    arguments: tuple[str, ...]
    interval: int
    timeout: int


@dataclass(frozen=True, slots=True)
class Registration:
    """One service: what Consul is sent, the script checks that the scheduler runs, and how checks count for health."""

    document: Document
    scripts: tuple[ScriptCheck, ...]
    on_update: tuple[tuple[str, str], ...]

    @property
    def identifier(self) -> str:
        return self.document["ID"]


def registration(
    allocation: Document, service: Document, task: str, environment: Mapping[str, str], node: Document
) -> Registration:
    """The registration of a group's service (``task`` is "") or a task's. Raises UnknownPortError."""
    said = interpolated_document(service, environment, node)
    address, port = _address(said["PortLabel"], said["Address"], allocation, said["AddressMode"])
    owner = task or f"group-{allocation['TaskGroup']}"
    identifier = f"{PREFIX}{allocation['ID']}-{owner}-{said['Name']}-{said['PortLabel']}"
    canary = is_canary(allocation)
    checks = [(_check_id(identifier, check), check) for check in rows(said["Checks"])]
    document: Document = {
        "ID": identifier,
        "Name": said["Name"],
        "Tags": (said["CanaryTags"] if canary and said["CanaryTags"] else said["Tags"]) or [],
        "EnableTagOverride": said["EnableTagOverride"],
        "Address": address,
        "Port": port,
        "Meta": {"external-source": "nomad"} | _meta(said, canary),
        "Checks": [_check(name, check, said, allocation, (address, port)) for name, check in checks],
    }
    if said["Weights"]:
        document["Weights"] = said["Weights"]
    # Nomad replaces references twice in the commands of script checks, and once everywhere else.
    commands = [(name, interpolated_document(check, environment, node)) for name, check in checks]
    scripts = tuple(_script(name, check, task) for name, check in commands if check["Type"] == "script")
    return Registration(document, scripts, tuple((name, check["OnUpdate"]) for name, check in checks))


def _meta(service: Document, canary: bool) -> Document:  # noqa: FBT001
    """A canary's meta replaces the other whole."""
    return (service["CanaryMeta"] if canary and service["CanaryMeta"] else service["Meta"]) or {}


def _address(label: str, fixed: str, allocation: Document, mode: str) -> tuple[str, int]:
    ports = rows(allocation["AllocatedResources"]["Shared"]["Ports"])
    for port in ports:
        if port["Label"] == label:
            number = port.get("To") or port["Value"] if mode in {"alloc", "driver"} else port["Value"]
            return fixed or port["HostIP"], number
    if label and not label.isdecimal():
        raise UnknownPortError(label)
    address = fixed or (ports[0]["HostIP"] if ports else "127.0.0.1")
    return address, int(label) if label.isdecimal() else 0


def _check_id(service: str, check: Document) -> str:
    text = json.dumps([service, check], sort_keys=True)
    return f"_nomad-check-{hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()}"


def _check(
    identifier: str, check: Document, service: Document, allocation: Document, place: tuple[str, int]
) -> Document:
    if check["PortLabel"]:
        place = _address(check["PortLabel"], "", allocation, check["AddressMode"])
    result: Document = {
        "CheckID": identifier,
        "Name": check["Name"] or f'service: "{service["Name"]}" check',
        "Notes": check["Notes"],
        "Status": check["InitialStatus"] or "critical",
        "SuccessBeforePassing": check["SuccessBeforePassing"],
        "FailuresBeforeCritical": check["FailuresBeforeCritical"],
    }
    if check["Type"] == "script":
        return result | {"TTL": duration_text(check["Interval"] + _TTL_SLACK)}
    times = {"Interval": duration_text(check["Interval"]), "Timeout": duration_text(check["Timeout"])}
    return result | times | _probe(check, f"{place[0]}:{place[1]}")


def _probe(check: Document, place: str) -> Document:
    if check["Type"] == "tcp":
        return {"TCP": place}
    if check["Type"] == "grpc":
        target = f"{place}/{check['GRPCService']}" if check["GRPCService"] else place
        return {"GRPC": target, "GRPCUseTLS": check["GRPCUseTLS"], "TLSSkipVerify": check["TLSSkipVerify"]}
    if check["Type"] != "http":
        raise ValueError(f"no such kind of check: {check['Type']}")
    path = check["Path"] or "/"
    probe: Document = {
        "HTTP": f"{check['Protocol'] or 'http'}://{place}{_resolved(path)}",
        "Method": check["Method"] or "GET",
        "TLSSkipVerify": check["TLSSkipVerify"],
    }
    probe |= {"Header": check["Header"]} if check["Header"] else {}
    return probe | ({"Body": check["Body"]} if check["Body"] else {})


def _script(identifier: str, check: Document, task: str) -> ScriptCheck:
    return ScriptCheck(
        identifier,
        check["TaskName"] or task,
        check["Command"],
        tuple(words(check["Args"])),
        check["Interval"],
        check["Timeout"],
    )


def _resolved(path: str) -> str:
    """As Go resolves a reference: without ``.`` and ``..``, and with what cannot stand in a path as ``%XX``."""
    plain, mark, query = path.partition("?")
    plain, hash_mark, fragment = (plain, "", "") if mark else path.partition("#")
    kept: list[str] = []
    segments = plain.removeprefix("/").split("/")
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return quote("/" + "/".join(kept), safe="/%:@!$&'()*+,;=~[]") + mark + query + hash_mark + fragment
