"""What a registration says of a check: its kind, how often it runs, and what it asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from outrider_embedded.registry.check import STATUSES
from outrider_embedded.registry.decoding import ANY, DURATION, LISTS_MAP, TEXT, TEXTS, TRUTH, WHOLE, Fields
from outrider_embedded.registry.refusal import bad_request

DEFINITION_FIELDS: Fields = {
    "CheckID": TEXT,
    "Name": TEXT,
    "Notes": TEXT,
    "Status": TEXT,
    "ServiceID": TEXT,
    "Args": TEXTS,
    "ScriptArgs": TEXTS,
    "HTTP": TEXT,
    "Header": LISTS_MAP,
    "Method": TEXT,
    "Body": TEXT,
    "TCP": TEXT,
    "GRPC": TEXT,
    "GRPCUseTLS": TRUTH,
    "TLSSkipVerify": TRUTH,
    "Interval": DURATION,
    "Timeout": DURATION,
    "TTL": DURATION,
    "DeregisterCriticalServiceAfter": DURATION,
    "SuccessBeforePassing": WHOLE,
    "FailuresBeforeCritical": WHOLE,
    "AliasNode": TEXT,
    "AliasService": TEXT,
    "DockerContainerID": TEXT,
    "Shell": TEXT,
    "OutputMaxSize": WHOLE,
    "ProxyHTTP": TEXT,
    "ProxyGRPC": TEXT,
    "EnterpriseMeta": ANY,
}
GO_TYPE = "structs.CheckType"
_KINDS = (("Args", "script"), ("ScriptArgs", "script"), ("HTTP", "http"), ("TCP", "tcp"), ("GRPC", "grpc"))
_SHORTEST_REAP_S = 60.0
_SHORTEST_INTERVAL_S = 1.0
_TIMEOUT_S = 10.0
_SCRIPT_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Definition:
    """One check to run; times in seconds, ``ttl`` 0 unless it is a TTL check, ``reap`` 0 for never."""

    kind: str
    id: str = ""
    name: str = ""
    notes: str = ""
    status: str = ""
    service_id: str = ""
    target: str = ""
    args: tuple[str, ...] = ()
    method: str = "GET"
    header: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    body: str = ""
    use_tls: bool = False
    skip_verify: bool = False
    interval: float = 0.0
    timeout: float = _TIMEOUT_S
    ttl: float = 0.0
    reap: float = 0.0
    passes_needed: int = 0
    failures_needed: int = 0


def definition(found: dict[str, Any]) -> Definition:
    """The definition in a decoded body; raises Refused with Consul's words for what cannot run."""
    kind = _kind(found)
    interval, ttl = found.get("Interval", 0.0), found.get("TTL", 0.0)
    _require_runnable(kind, interval, ttl)
    target = str(found.get({"http": "HTTP", "tcp": "TCP", "grpc": "GRPC"}.get(kind, ""), ""))
    reap = found.get("DeregisterCriticalServiceAfter", 0.0)
    return Definition(
        kind=kind,
        id=found.get("CheckID", ""),
        name=found.get("Name", ""),
        notes=found.get("Notes", ""),
        status=found.get("Status", ""),
        service_id=found.get("ServiceID", ""),
        target=target,
        args=tuple(found.get("Args") or found.get("ScriptArgs") or ()),
        method=found.get("Method") or "GET",
        header=found.get("Header", {}),
        body=found.get("Body", ""),
        use_tls=found.get("GRPCUseTLS", False),
        skip_verify=found.get("TLSSkipVerify", False),
        interval=max(interval, _SHORTEST_INTERVAL_S),
        timeout=found.get("Timeout") or (_SCRIPT_TIMEOUT_S if kind == "script" else _TIMEOUT_S),
        ttl=ttl,
        reap=max(reap, _SHORTEST_REAP_S) if reap > 0 else 0.0,
        passes_needed=found.get("SuccessBeforePassing", 0),
        failures_needed=found.get("FailuresBeforeCritical", 0),
    )


def require_status(status: str, text: str) -> None:
    """Refuse a status that is none, in the words of the call."""
    if status and status not in STATUSES:
        raise bad_request(text)


def _kind(found: dict[str, Any]) -> str:
    if found.get("AliasNode") or found.get("AliasService"):
        raise bad_request("Invalid check: alias checks are not run by the one-machine cluster")
    if found.get("DockerContainerID"):
        raise bad_request("Invalid check: Docker checks are not run by the one-machine cluster")
    return next((kind for name, kind in _KINDS if found.get(name)), "ttl")


def _require_runnable(kind: str, interval: float, ttl: float) -> None:
    if interval > 0 and ttl > 0:
        raise bad_request("Invalid check: Interval and TTL cannot both be specified")
    if kind == "ttl" and ttl <= 0:
        raise bad_request("Invalid check: TTL must be > 0 for TTL checks")
    if kind != "ttl" and interval <= 0:
        raise bad_request("Invalid check: Interval must be > 0 for Script, HTTP, or TCP checks")
