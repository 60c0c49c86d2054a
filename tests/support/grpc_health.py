"""A gRPC server that answers grpc.health.v1.Health/Check for every service alike."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


class _Alike(health_pb2_grpc.HealthServicer):
    def __init__(self, state: int, known: str | None) -> None:
        self._state = state
        self._known = known
        self.asked: list[str] = []

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802  the name of the call
        self.asked.append(request.service)
        if self._known is not None and request.service != self._known:
            await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return health_pb2.HealthCheckResponse(status=self._state)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def grpc_health(state: int, known: str | None = None) -> AsyncGenerator[str]:
    """``state`` is that of HealthCheckResponse (1 is SERVING); with ``known`` of that service alone. Yields ``host:port``."""
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(_Alike(state, known), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)
