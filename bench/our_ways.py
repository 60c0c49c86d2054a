"""The ways through two sidecars of ours: as most run them, with every request traced, and without one feature each."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from pathlib import Path

from features import FEATURES, Shape, without_all
from outrider_harness.scripted_consul import FakeConsul, entry
from outrider_harness.sidecars import Json, resolved, running_sidecar
from outrider_harness.waiting import eventually
from ways import Way, answers

OURS = "two sidecars"
TRACED = "two sidecars, every request traced as protobuf"
TRACED_AS_JSON = "two sidecars, every request traced as JSON"
AGAIN = "two sidecars again (noise)"
BARE = "two sidecars without any of these"
DEAD = "http://127.0.0.1:9"
EVERY_REQUEST = 100.0  # percent


def our_ways(*, prices: bool) -> dict[str, tuple[Json, Shape | None]]:
    """By name what the platform says of tracing, and the change of both bootstraps; with or without the price list."""
    compared: dict[str, tuple[Json, Shape | None]] = {
        OURS: ({}, None),
        TRACED: ({"sampling": EVERY_REQUEST, "encoding": "protobuf"}, None),
        TRACED_AS_JSON: ({"sampling": EVERY_REQUEST}, None),
    }
    listed: dict[str, tuple[Json, Shape | None]] = {name: ({}, shape) for name, shape in variants().items()}
    return compared | ({AGAIN: ({}, None), **listed} if prices else {})


def variants() -> dict[str, Shape]:
    """The price list's ways: the sidecars without one feature each, and without all of them."""
    return {f"without {name}": shape for name, shape in FEATURES.items()} | {BARE: without_all}


@contextlib.contextmanager
def our_way(
    name: str, home: Path, to: int, tracing: Json, shape: Shape | None = None, under: Sequence[str] = ()
) -> Generator[Way]:
    """Caller and callee as a topology has them, the caller's agent beside a Consul that knows the callee.

    Nobody listens at the collector's address.
    """
    environment: Json = {"tracing": {"collector": DEAD, **tracing}}
    callee = resolved({"service": "payments", "checks": [{"http": "/healthz"}]}, environment)
    caller = resolved({"service": "checkout", "port": "none", "upstreams": {"payments": {}}}, environment)
    with contextlib.ExitStack() as stack:
        consul = stack.enter_context(FakeConsul().running())
        behind = stack.enter_context(running_sidecar(home / "callee", callee, consul.address, to, shape, under))
        consul.put("payments", entry("127.0.0.1", behind.ports["ingress"]))
        before = stack.enter_context(running_sidecar(home / "caller", caller, consul.address, None, shape, under))
        way = Way(name, before.egress("payments"), (before, behind))
        eventually(lambda: answers(way))
        yield way
