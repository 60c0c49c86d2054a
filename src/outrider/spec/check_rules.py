"""Rules over the checks of one service spec: those that cannot pass, and those that Consul could not tell apart."""

from __future__ import annotations

from collections.abc import Iterator

from outrider.spec.check import Check, GrpcCheck, HttpCheck, ScriptCheck, usual_name
from outrider.spec.mistakes import Mistake
from outrider.spec.protocol import HTTP_PROTOCOLS
from outrider.spec.service import Service


def scripts_without_program(service: Service) -> Iterator[Mistake]:
    for index, check in enumerate(service.checks):
        if isinstance(check, ScriptCheck) and not check.script[0]:
            yield Mistake(("checks", index, "script"), "must begin with a program")


def checks_at_odds(service: Service) -> Iterator[Mistake]:
    if service.port == "none":
        return
    for index, check in enumerate(service.checks):
        kind = "http" if isinstance(check, HttpCheck) else "grpc" if isinstance(check, GrpcCheck) else ""
        fitting = HTTP_PROTOCOLS if kind == "http" else {"grpc", "http2"}
        if kind and service.protocol not in fitting:
            message = f"cannot pass: the service speaks {service.protocol}; use tcp: true or script"
            yield Mistake(("checks", index, kind), message, of_key=True)


def checks_twice(service: Service) -> Iterator[Mistake]:
    """Nomad names a check in Consul by what it does: of two equal ones the second never becomes healthy."""
    seen: dict[tuple[object, ...], int] = {}
    for index, check in enumerate(service.checks):
        first = seen.setdefault(identity(service, check), index)
        if first != index:
            message = f"does the same as checks.{first}, and Consul would know only one of them: remove it, or name one"
            yield Mistake(("checks", index), message)


def identity(service: Service, check: Check) -> tuple[object, ...]:
    """What tells a check from another one, its usual name if it has none; Nomad puts a script's words together."""
    name = check.name or usual_name(service.service, check, has_sidecar=service.mesh)
    parts = check.model_dump() | {"name": name}
    if isinstance(check, ScriptCheck):
        parts["script"] = "".join(check.script)
    elif isinstance(check, HttpCheck):
        parts["headers"] = tuple(sorted(check.headers.items()))
    return (type(check).__name__, *parts.values())
