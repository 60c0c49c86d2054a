"""Consul's checks of an instance: through the proxy, so that they see what callers see."""

from __future__ import annotations

from typing import assert_never

from outrider.documents import Json
from outrider.nomad.write.driver import script_words
from outrider.nomad.write.literal import literal, nanoseconds
from outrider.spec.check import Check, GrpcCheck, HttpCheck, ScriptCheck, TcpCheck, usual_name
from outrider.topology import names
from outrider.topology.topology import Topology

INTERVAL_MS, TIMEOUT_MS = 5_000, 2_000


def checks(topology: Topology) -> list[Json]:
    """All checks of the service's registration, in the order of the spec."""
    written = [_check(topology, check) for check in topology.spec.checks]
    if topology.sidecar is None:
        return written or ([_tcp(topology, None)] if topology.ports.app else [])
    through_proxy = any(not isinstance(check, ScriptCheck) for check in topology.spec.checks)
    return written if through_proxy else [*written, _health(topology, None)]


def _check(topology: Topology, check: Check) -> Json:
    match check:
        case HttpCheck():
            return _http(topology, check)
        case GrpcCheck():
            return _grpc(topology, check)
        case ScriptCheck():
            return _script(topology, check)
        case TcpCheck():
            return _health(topology, check) if topology.sidecar else _tcp(topology, check)
        case _:
            assert_never(check)


def _http(topology: Topology, check: HttpCheck) -> Json:
    """Marked for the ingress, which lets it pass to the app and counts it nowhere."""
    mark = {names.CHECK_HEADER: ["1"]} if topology.sidecar else {}
    headers = {literal(name): [literal(value)] for name, value in check.headers.items()} | mark
    return {
        **_timed(topology, check),
        "Type": "http",
        "Path": literal(check.http),
        "Method": check.method,
        **({"Header": headers} if headers else {}),
    }


def _grpc(topology: Topology, check: GrpcCheck) -> Json:
    service = {} if check.grpc is True else {"GRPCService": literal(check.grpc)}
    return {**_timed(topology, check), "Type": "grpc", **service}


def _script(topology: Topology, check: ScriptCheck) -> Json:
    # Nomad replaces variables here twice: in the service, and again when it makes the check's program.
    program, *arguments = script_words(topology.platform.driver, [literal(literal(word)) for word in check.script])
    return {
        **_timed(topology, check),
        "Type": "script",
        "TaskName": names.APP_TASK,
        "Command": program,
        "Args": arguments,
    }


def _tcp(topology: Topology, check: TcpCheck | None) -> Json:
    return {**_timed(topology, check), "Type": "tcp"}


def _health(topology: Topology, check: TcpCheck | None) -> Json:
    """A connection to ingress would prove Envoy only; its ``/health`` covers the app's port too."""
    return {
        **_timed(topology, check),
        "Type": "http",
        "Path": names.HEALTH_PATH,
        "Method": "GET",
        "PortLabel": names.METRICS,
    }


def _timed(topology: Topology, check: Check | None) -> Json:
    return {
        "Name": literal(_name(topology, check)),
        "Interval": nanoseconds(check.interval if check else INTERVAL_MS),
        "Timeout": nanoseconds(check.timeout if check else TIMEOUT_MS),
    }


def _name(topology: Topology, check: Check | None) -> str:
    if check is None and topology.sidecar and not topology.sidecar.app:
        return f"{topology.service} sidecar"
    check = check or TcpCheck(tcp=True)
    return check.name or usual_name(topology.service, check, has_sidecar=topology.sidecar is not None)
