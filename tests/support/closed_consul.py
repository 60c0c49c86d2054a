"""A real Consul whose ACLs deny by default, and the tokens that a test makes there."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

from outrider_harness.asking import connection
from outrider_harness.consuls import running_consul
from outrider_harness.waiting import eventually

ROOT = "11111111-1111-1111-1111-111111111111"
DENY = {"acl": {"enabled": True, "default_policy": "deny", "tokens": {"master": ROOT}}}
SERVICES = 'service_prefix "" { policy = "read" }'
NODES = 'node_prefix "" { policy = "read" }'
AGENTS = 'agent_prefix "" { policy = "read" }'


class ClosedConsul:
    """What only the first token may do."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._policies = 0

    def register(self, name: str, service_id: str, port: int) -> None:
        body = {"ID": service_id, "Name": name, "Address": "127.0.0.1", "Port": port}
        self.asked("PUT", "/v1/agent/service/register", body)

    def deregister(self, service_id: str) -> None:
        self.asked("PUT", f"/v1/agent/service/deregister/{service_id}")

    def token(self, *rules: str) -> str:
        """A new token with these rules."""
        policy = self.policy(*rules)
        return str(self.asked("PUT", "/v1/acl/token", {"Policies": [{"ID": policy}]})["SecretID"])

    def policy(self, *rules: str) -> str:
        """A new policy of these rules; its id."""
        self._policies += 1
        made = self.asked("PUT", "/v1/acl/policy", {"Name": f"p{self._policies}", "Rules": "\n".join(rules)})
        return str(made["ID"])

    def change(self, policy: str, *rules: str) -> None:
        """Other rules for a policy, in force for the tokens that have it."""
        name = self.asked("GET", f"/v1/acl/policy/{policy}")["Name"]
        self.asked("PUT", f"/v1/acl/policy/{policy}", {"Name": name, "Rules": "\n".join(rules)})

    def asked(self, method: str, path: str, document: Any = None) -> Any:
        status, body = self.tried(method, path, document)
        assert status == 200, body
        return json.loads(body) if body.strip() else None

    def tried(self, method: str, path: str, document: Any = None) -> tuple[int, bytes]:
        server = connection(self.address)
        try:
            body = None if document is None else json.dumps(document)
            server.request(method, path, body=body, headers={"X-Consul-Token": ROOT})
            answer = server.getresponse()
            return answer.status, answer.read()
        finally:
            server.close()


@contextlib.contextmanager
def closed_consul(binary: str, directory: Path, port: int = 0, **more: Any) -> Generator[ClosedConsul]:
    """Running as soon as its first token works; ``more`` are further keys of its configuration."""
    with running_consul(binary, directory, port, json.dumps({**DENY, **more})) as address:
        closed = ClosedConsul(address)
        eventually(lambda: closed.tried("GET", "/v1/acl/tokens")[0] == 200)
        yield closed
