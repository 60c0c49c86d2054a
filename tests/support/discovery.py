"""A tiny discovery in place of the agent: it answers Envoy's polls with what a test has named."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass
class Discovery:
    """Answers Envoy's polls for endpoints; ``endpoints`` maps services to ports on loopback."""

    endpoints: dict[str, list[int]] = field(default_factory=dict[str, list[int]])

    def names(self, service: str, *ports: int) -> None:
        self.endpoints[service] = list(ports)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(re.findall(r"content-length: (\d+)", head)[0]) if "content-length" in head else 0
                asked = json.loads(await reader.readexactly(length) or b"{}")
                text = json.dumps(self._answer(asked)).encode() if asked else b"{}"
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(text) + text)
                await writer.drain()

    def _answer(self, asked: Json) -> Json:
        service = asked["resource_names"][0]
        ports = self.endpoints.get(service, [])
        kind = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
        endpoints = [self._endpoint(port) for port in ports]
        resource = {"@type": kind, "cluster_name": service, "endpoints": [{"lb_endpoints": endpoints}]}
        return {"version_info": str(endpoints), "type_url": kind, "resources": [resource]}

    def _endpoint(self, port: int) -> Json:
        place = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
        return {"endpoint": {"address": place}}
