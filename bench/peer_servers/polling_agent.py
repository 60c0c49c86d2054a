"""The simple way: asks Consul once a second for the passing instances of each upstream, and answers polls at once.

``polling_agent.py PORT CONSUL UPSTREAM…``; standard library, as such agents are written.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PAUSE = 1.0
TYPE_URL = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
known: dict[str, list[tuple[str, int]]] = {}


def listed(consul: str, name: str) -> list[tuple[str, int]]:
    with urllib.request.urlopen(f"http://{consul}/v1/health/service/{name}?passing", timeout=5) as answer:
        entries = json.load(answer)
    return sorted((one["Service"]["Address"] or one["Node"]["Address"], one["Service"]["Port"]) for one in entries)


def watch(consul: str, names: list[str]) -> None:
    while True:
        for name in names:
            known[name] = listed(consul, name)
        time.sleep(PAUSE)


def assignment(name: str) -> dict[str, Any]:
    hosts = [
        {"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}}
        for address, port in known.get(name, [])
    ]
    return {"@type": TYPE_URL, "cluster_name": name, "endpoints": [{"lb_endpoints": hosts}]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        resources = [assignment(name) for name in asked["resource_names"]]
        document = {"version_info": str(hash(str(resources))), "resources": resources}
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the parent's name
        """Keep quiet."""


def main() -> None:
    port, consul, *names = sys.argv[1:]
    threading.Thread(target=watch, args=(consul, names), daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main()
