"""One spec brought up on a cluster, and all that can be seen of it there in words that any cluster could use."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import re
import socket
import sys
import tempfile
import threading
from collections.abc import AsyncGenerator, Generator, Mapping
from dataclasses import dataclass, field, replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import yaml
from outrider_ground.errors import OutriderError
from outrider_harness.stand import ENVIRONMENT, Stand, stand_before
from support.packed import bytes_of

from outrider.clients.archive import directory_archive
from outrider.operations.request_bodies import DeployBody, StopBody

Json = dict[str, Any]
WITNESS = Path(__file__).parent / "witness_app.py"
PATIENCE_S = 60.0
FREE_PORTS = iter(range(23_000, 24_000))
"""Below those that clusters, and the machine itself, give away."""
UNSEEN_S = 2.0
"""How long nothing must come of what changes nothing; a cluster that is later than that is not found out."""
WRITTEN_S = 10.0
"""Nomad gathers changes for five seconds before it writes a file anew (``template.wait`` of its clients)."""
LONG = re.compile(r"@(.)\*(\d+)@")
"""How a long text of one sign is written in specs and recordings."""


@dataclass(frozen=True, slots=True)
class Case:
    """A spec as a person writes it, and what there is around it.

    ``keys`` and ``variables`` stand in Consul and Nomad before; ``then`` is what is done when it is up (``lines`` are due
    after it; a ``signal`` comes last, for an app that nothing else has made speak); ``names`` are words that the reason has to hold on every cluster.
    """

    name: str
    spec: str
    about: str
    keys: dict[str, str | bytes] = field(default_factory=dict[str, "str | bytes"])
    variables: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    names: tuple[str, ...] = ()
    then: Json = field(default_factory=dict[str, Any])
    directory: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def service(self) -> str:
        return re.findall(r"^service: (.*)$", self.spec, re.MULTILINE)[0]


def case(file: Path) -> Case:
    """The case in a file: what is around the spec, a line ``---``, the spec."""
    text = LONG.sub(lambda found: found[1] * int(found[2]), file.read_text(encoding="utf-8"))
    around, _, spec = text.partition("\n---\n")
    said = yaml.safe_load(around)
    return Case(file.stem, spec, **said | {"names": tuple(said.get("names", ()))})


@dataclass(frozen=True, slots=True)
class Clusters:
    """What a case is brought up on."""

    nomad: httpx2.AsyncClient
    consul: httpx2.AsyncClient
    stand: Stand
    places: dict[str, str]
    """What stands in specs as ``@NAME@``."""


@contextlib.asynccontextmanager
async def clusters(nomad: str, consul: str, directory: Path) -> AsyncGenerator[Clusters]:
    """A portal before those servers, a server of artifacts, and a port that somebody else holds."""
    with _artifacts(directory) as artifacts, _held_ports() as ports:
        places = {"WITNESS": f"{sys.executable}, {WITNESS}", "PYTHON": sys.executable, "ARTIFACTS": artifacts}
        places |= ports | {"SCRIPTS": str(directory / "scripts")}
        async with (
            httpx2.AsyncClient(base_url=nomad, timeout=60) as first,
            httpx2.AsyncClient(base_url=consul, timeout=60) as second,
            stand_before(nomad, consul, directory) as stand,
        ):
            yield Clusters(first, second, stand, places)


async def outcome(case: Case, on: Clusters) -> Json:
    """Bring it up, do what comes then, and tell what was seen; nothing of it is left."""
    on = replace(on, places=on.places | {"FREE": str(next(FREE_PORTS))})
    await _prepare(case, on)
    try:
        found = await _verdict(case, on)
        allocation = await _allocation(case, on)
        if case.then and found["verdict"] == "successful":
            found["then"] = await _then(case, on, allocation)
        seen = await _seen(allocation, on) if allocation else {}
        whole = found | seen
        if found["verdict"] == "successful" and "stop" not in case.then:
            whole["consul"] = await _registered(case, on)
        return _general(whole, _replacements(allocation, on, case), case)
    finally:
        with contextlib.suppress(OutriderError):
            await on.stand.act(case.service, "stop", StopBody(purge=True))


async def _prepare(case: Case, on: Clusters) -> None:
    await _write(case.keys, case.variables, on)


async def _write(keys: Mapping[str, str | bytes], variables: Mapping[str, Mapping[str, str]], on: Clusters) -> None:
    for key, value in keys.items():
        content = value if isinstance(value, bytes) else value.encode()
        (await on.consul.put(f"/v1/kv/{quote(key)}", content=content)).raise_for_status()
    for path, items in variables.items():
        body = {"Path": path, "Namespace": "default", "Items": items}
        (await on.nomad.put(f"/v1/var/{path}", json=body)).raise_for_status()


async def _verdict(case: Case, on: Clusters) -> Json:
    text = case.spec
    for name, value in on.places.items():
        text = text.replace(f"@{name}@", value)
    try:
        packed = await asyncio.to_thread(_packed, case) if case.directory else None
        artifact = (await on.stand.portal.upload(packed)).sha256 if packed is not None else None
        body = DeployBody(spec=text, file=f"{case.name}.yaml", artifact=artifact)
        begun = await on.stand.portal.deploy(ENVIRONMENT, body, os.urandom(8).hex())
        deployment = await on.stand.ended(begun)
    except OutriderError as error:
        problems = [str(problem) for problem in getattr(error, "problems", ())]
        return {"verdict": "refused", "reason": "\n".join([str(error), *problems])}
    return {"verdict": deployment.state, "reason": deployment.reason}


def _packed(case: Case) -> bytes:
    with tempfile.TemporaryDirectory() as made:
        for name, text in case.directory.items():
            path = Path(made) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755 if text.startswith("#!") else 0o640)
        return bytes_of(directory_archive(Path(made)))


async def _allocation(case: Case, on: Clusters) -> Json:
    """The first allocation, or the last that failed, whole; empty where none was made."""
    found = (await on.nomad.get(f"/v1/job/{case.service}/allocations")).json() or []
    if not found:
        return {}
    failed = [one for one in found if one["ClientStatus"] == "failed"]
    first = max(failed, key=_age) if failed else min(found, key=_age)
    return (await on.nomad.get(f"/v1/allocation/{first['ID']}")).json()


def _age(allocation: Json) -> int:
    """A cluster forgets the files of old ones that have failed, where there are many."""
    return allocation["CreateIndex"]


async def _then(case: Case, on: Clusters, allocation: Json) -> Json:
    before = len(await _told(allocation, on))
    due = before + case.then.get("lines", 1)
    for key in case.then.get("removed", ()):
        await on.consul.delete(f"/v1/kv/{quote(key)}")
        await asyncio.sleep(UNSEEN_S)
    await _write(case.then.get("keys", {}), case.then.get("variables", {}), on)
    if "stop" in case.then:
        await on.stand.act(case.service, "stop", StopBody())
    if "signal" in case.then:
        await asyncio.sleep(WRITTEN_S)
        body = {"Task": "app", "Signal": case.then["signal"]}
        (await on.nomad.put(f"/v1/client/allocation/{allocation['ID']}/signal", json=body)).raise_for_status()
    async with asyncio.timeout(PATIENCE_S):
        while len(await _told(allocation, on)) < due:  # noqa: ASYNC110  another process has no event to wait for
            await asyncio.sleep(0.2)
    told = (await _told(allocation, on))[before:due]
    return {"told": [_without_host(one) for one in told]}


async def _seen(allocation: Json, on: Clusters) -> Json:
    """What the app said first, and how its task went."""
    told = await _told(allocation, on)
    state = allocation["TaskStates"] or {}
    app = state.get("app", {})
    return {
        "app": _without_host(told[0]) if told else None,
        "stderr": (await _log(allocation, on, "stderr"))[-400:],
        "failed": app.get("Failed"),
        "events": list(dict.fromkeys(event["Type"] for event in app.get("Events") or [])),
        "says": list(dict.fromkeys(event["DisplayMessage"] for event in app.get("Events") or [])),
    }


async def _told(allocation: Json, on: Clusters) -> list[Json]:
    found: list[Any] = []
    for line in (await _log(allocation, on, "stdout")).splitlines():
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return [one for one in found if isinstance(one, dict)]


async def _log(allocation: Json, on: Clusters, kind: str) -> str:
    answer = await on.nomad.get(
        f"/v1/client/fs/logs/{allocation['ID']}", params={"task": "app", "type": kind, "plain": "true"}
    )
    return answer.text if answer.is_success else ""


def _without_host(told: Json) -> Json:
    """What an app said, without the variables that it inherits."""
    own = {
        name: value
        for name, value in told["environment"].items()
        if name not in SHELLS and not name.startswith("PYTEST_") and os.environ.get(name) != value
    }
    return told | {"environment": own}


async def _registered(case: Case, on: Clusters) -> list[Json]:
    found = (await on.consul.get(f"/v1/health/service/{case.service}")).json()
    return [
        {
            "tags": one["Service"]["Tags"],
            "meta": one["Service"]["Meta"],
            "checks": sorted([c["Name"], c["Status"], c["Output"]] for c in one["Checks"] if c["ServiceName"]),
        }
        for one in found
    ]


def _replacements(allocation: Json, on: Clusters, case: Case) -> list[tuple[str, str]]:
    """What differs from run to run, longest first, and the word that stands for it."""
    found = [(value, f"@{name}@") for name, value in on.places.items() if name != "WITNESS"]
    found += [(str(WITNESS), "@APP@"), (str(on.nomad.base_url), "@NOMAD@"), (str(on.consul.base_url), "@CONSUL@")]
    if allocation:
        found += [(allocation["ID"], "@ALLOCATION@"), (allocation["ID"][:8], "@SHORT@")]
        found += [(allocation["NodeName"], "@NODE@")] if len(allocation["NodeName"]) > 3 else []
        ports = allocation["AllocatedResources"]["Shared"]["Ports"] or []
        found += [(str(port["Value"]), f"@{port['Label'].upper()}@") for port in ports]
    return sorted(found, key=lambda pair: -len(pair[0]))


SHELLS = frozenset({"PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"})
"""What shells and Python set for themselves."""
VARYING = [
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "@ALLOCATION@"),
    (re.compile(r"allocation [0-9a-f@A-Z]{7,8} on [^\s\"\\:]+"), "allocation @SHORT@ on @NODE@"),
    (re.compile(r"restarting in [0-9.]+s"), "restarting in @TIME@"),
    (re.compile(r"getter\d+"), "getter@NUMBER@"),
    (re.compile(r"restarted \d+ times"), "restarted @NUMBER@ times"),
    (re.compile(r"\[\d{4}-\d\d-\d\d [\d:.]+\]\[\d+\]"), "[@TIME@][@NUMBER@]"),
    (re.compile(r"(?<![0-9a-f])[0-9a-f]{12}(?![0-9a-f])"), "@PART@"),
]
SAME = re.compile(r"([^\W\d_])\1{999,}")
DIRECTORY = re.compile(r"/[^\s\"':]*/@ALLOCATION@")


def _general(whole: Json, replacements: list[tuple[str, str]], case: Case) -> Json:
    text = json.dumps(whole)
    for value, word in replacements:
        text = text.replace(json.dumps(value)[1:-1], word)
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    text = SAME.sub(lambda found: f"@{found[1]}*{len(found[0])}@", DIRECTORY.sub("@ROOT@", text))
    found = json.loads(text)
    lines = [line for line in found["reason"].splitlines() if not line.startswith("  stdout: ")]
    return found | {"names": [name for name in case.names if name in found["reason"]], "reason": "\n".join(lines)}


@contextlib.contextmanager
def _artifacts(directory: Path) -> Generator[str]:
    """A server of an archive, ``/app.tar.gz``, whose content is the same each time, a broken one, and a file that is none."""
    place = directory / "artifacts"
    place.mkdir()
    scripts = directory / "scripts"
    scripts.mkdir()
    (scripts / "well").write_text("#!/bin/sh\necho well\n", encoding="utf-8")
    (scripts / "well").chmod(0o755)
    (place / "app.tar.gz").write_bytes(bytes_of(directory_archive(scripts)))
    (place / "broken.tar.gz").write_bytes(b"no archive")
    (place / "note.txt").write_text("a note\n", encoding="utf-8")
    handler = functools.partial(_Quiet, directory=str(place))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Tests' output stays theirs."""


@contextlib.contextmanager
def _held_ports() -> Generator[dict[str, str]]:
    """Two ports on which another program listens, and one that is held so that nobody can."""
    with contextlib.ExitStack() as stack:
        held = {name: stack.enter_context(socket.socket()) for name in ("BUSY", "TAKEN", "CLOSED")}
        for one in held.values():
            one.bind(("0.0.0.0", 0))
        held["BUSY"].listen()
        held["TAKEN"].listen()
        yield {name: str(one.getsockname()[1]) for name, one in held.items()}
