"""What services speak, and which of it is HTTP."""

from __future__ import annotations

from typing import Literal

Protocol = Literal["http", "http2", "grpc", "tcp", "redis"]
HTTP_PROTOCOLS = frozenset({"http", "http2", "grpc"})
