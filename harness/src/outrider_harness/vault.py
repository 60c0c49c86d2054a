"""A stand-in for Vault's HTTP API, as far as the portal and templates ask it: no real Vault can be had here.

A version 2 store at ``secret/`` with metadata, a version 1 store at ``kv/``, secrets that are lent below ``database/creds/``,
tokens and what each may read, and a seal. Shapes are those of https://developer.hashicorp.com/vault/api-docs.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
ROOT = "root"
Answer = tuple[int, Json | None]


@dataclass
class VaultStandIn:
    """What it keeps; tests change it while it serves. ``asked`` has every call, ``leases`` what is lent now."""

    address: str = ""
    is_sealed: bool = False
    versions: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])
    plain: dict[str, Json] = field(default_factory=dict[str, Json])
    lent: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    leases: dict[str, int] = field(default_factory=dict[str, int])
    rights: dict[str, tuple[str, ...]] = field(default_factory=lambda: {ROOT: ("",)})
    asked: list[str] = field(default_factory=list[str])

    def put(self, path: str, **data: str) -> None:
        """A new version of a secret of the version 2 store."""
        made = {"data": data, "created_time": datetime.now(UTC).isoformat().replace("+00:00", "Z"), "deletion_time": ""}
        self.versions.setdefault(path, []).append(made | {"destroyed": False})

    def answer(self, method: str, path: str, token: str, body: Json) -> Answer:
        """What Vault says."""
        self.asked.append(f"{method} {path}")
        if path == "sys/health":
            return (503 if self.is_sealed else 200), {"initialized": True, "sealed": self.is_sealed, "standby": False}
        if self.is_sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if not any(path.startswith(one) for one in self.rights.get(token, ())):
            return 403, {"errors": ["permission denied"]}
        if method != "GET" and path.startswith("secret/"):
            return self._written(method, path, body)
        return self._kind(path)(path, body)

    def _written(self, method: str, path: str, body: Json) -> Answer:
        """A new version of a secret, or its end with all versions."""
        kind, _, name = path.removeprefix("secret/").partition("/")
        if method == "DELETE" and kind == "metadata":
            self.versions.pop(name, None)
            return 204, None
        if method != "PUT" or kind != "data":
            return 404, {"errors": []}
        wanted = (body.get("options") or {}).get("cas")
        if wanted is not None and wanted != len(self.versions.get(name, ())):
            return 400, {"errors": ["check-and-set parameter did not match the current version"]}
        self.put(name, **body["data"])
        return 200, _secret({"version": len(self.versions[name])})

    def _kind(self, path: str) -> Callable[[str, Json], Answer]:
        kinds: dict[str, Callable[[str, Json], Answer]] = {
            "secret/data/": self._data,
            "secret/metadata/": self._metadata,
            "kv/": self._plain,
            "database/creds/": self._lend,
            "sys/leases/renew": self._renew,
            "sys/leases/revoke": self._revoke,
        }
        return next((answer for prefix, answer in kinds.items() if path.startswith(prefix)), self._nothing)

    def _nothing(self, _path: str, _body: Json) -> Answer:
        return 404, {"errors": []}

    def _data(self, path: str, _body: Json) -> Answer:
        kept = self.versions.get(path.removeprefix("secret/data/"))
        if not kept or kept[-1]["destroyed"] or kept[-1]["deletion_time"]:
            return 404, {"errors": []}
        meta = {key: value for key, value in kept[-1].items() if key != "data"} | {"version": len(kept)}
        return 200, _secret({"data": kept[-1]["data"], "metadata": meta})

    def _metadata(self, path: str, _body: Json) -> Answer:
        kept = self.versions.get(path.removeprefix("secret/metadata/"))
        if not kept:
            return 404, {"errors": []}
        versions = {str(number): {k: v for k, v in one.items() if k != "data"} for number, one in enumerate(kept, 1)}
        return 200, _secret({"current_version": len(kept), "versions": versions})

    def _plain(self, path: str, _body: Json) -> Answer:
        found = self.plain.get(path)
        return (404, {"errors": []}) if found is None else (200, _secret(found) | {"lease_duration": 2_764_800})

    def _lend(self, path: str, _body: Json) -> Answer:
        if path not in self.lent:
            return 400, {"errors": ["unknown role"]}
        usual, longest = self.lent[path]
        lease = f"{path}/{uuid.uuid4()}"
        self.leases[lease] = longest
        made = {"username": f"v-{lease[-8:]}", "password": uuid.uuid4().hex}
        return 200, _secret(made) | {"lease_id": lease, "lease_duration": usual, "renewable": longest > usual}

    def _renew(self, _path: str, body: Json) -> Answer:
        lease = str(body.get("lease_id"))
        if lease not in self.leases:
            return 400, {"errors": ["lease not found"]}
        seconds = min(int(body.get("increment") or 0), self.leases[lease])
        return 200, {"lease_id": lease, "lease_duration": seconds, "renewable": True}

    def _revoke(self, _path: str, body: Json) -> Answer:
        self.leases.pop(str(body.get("lease_id")), None)
        return 204, None


def _secret(data: Json) -> Json:
    return {"request_id": str(uuid.uuid4()), "lease_id": "", "renewable": False, "lease_duration": 0, "data": data}


@contextmanager
def serving_vault() -> Generator[VaultStandIn]:
    """One on a free port of loopback while the block runs."""
    vault = VaultStandIn()

    class Asked(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_DELETE(self) -> None:
            self._answer({})

        def do_PUT(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}"))

        def _answer(self, body: Json) -> None:
            path = self.path.partition("?")[0].removeprefix("/v1/")
            status, said = vault.answer(self.command, path, self.headers.get("X-Vault-Token", ""), body)
            content = b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name that is overridden
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Asked)
    vault.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield vault
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
