"""Both clusters and the portal in this process: what `outrider dev` runs and the demonstration stands on."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

from outrider_embedded.addresses import Cluster
from outrider_embedded.cluster import VOLUMES, ClusterPorts, cluster
from outrider_ground.edge.limits import OF_PORTAL
from outrider_ground.edge.serving import serving
from outrider_ground.errors import ConflictError, OutriderError
from outrider_ground.private import private_directory, private_file

from outrider.clients.envoy import envoy_binary
from outrider.clients.portal import portal_client
from outrider.portal.app import portal_app
from outrider.programs.machine import Machine
from outrider.programs.one_machine_platform import ENVIRONMENTS, Addresses, one_machine
from outrider.settings import Settings, Sourced
from outrider.wiring.application import application

HOST = "127.0.0.1"
LOCK = "dev.pid"
# Dynamic ports of the two environments: apart from each other, and below Linux's ephemeral ports.
PORT_RANGES = {"stage": (20000, 22000), "production": (22000, 24000)}


@asynccontextmanager
async def one_machine_portal(settings: Settings, directory: Path, port: int) -> AsyncGenerator[Machine]:
    """Start all of it on this machine, end all of it with the block; port 0 takes free ports throughout.

    The clusters take the four ports after the portal's, so that a restart finds the same addresses. Raises
    OutriderError: no Envoy, a busy port; ConflictError: another one runs in this directory.
    """
    envoy = envoy_binary(settings.envoy)
    async with AsyncExitStack() as stack:
        stack.enter_context(only_one(directory))
        check_ports(port)
        clusters: dict[str, Cluster] = {}
        for number, name in enumerate(ENVIRONMENTS):
            nomad_port, consul_port = (port + 1 + 2 * number, port + 2 + 2 * number) if port else (0, 0)
            ports = ClusterPorts(consul_port, nomad_port, PORT_RANGES[name])
            starting = cluster(name, directory / name, ports)
            clusters[name] = await stack.enter_async_context(starting)
        port = port or _bound(0)
        address = f"http://{HOST}:{port}"
        servers = {
            name: Addresses(one.nomad_address, one.consul_address, str(one.directory / VOLUMES))
            for name, one in clusters.items()
        }
        platform = one_machine(servers, portal=address, envoy=str(envoy.path))
        local = replace(settings, database=f"sqlite:///{directory / 'portal.db'}", address=Sourced(address, "dev"))
        running = await stack.enter_async_context(application(local, platform))
        await stack.enter_async_context(
            serving(portal_app(running, hosts=settings.hosts), HOST, port, limits=OF_PORTAL, has_websockets=True)
        )
        client = portal_client(local)
        stack.push_async_callback(client.close)
        yield Machine(address, client, clusters, directory, platform)


@contextmanager
def only_one(directory: Path) -> Generator[None]:
    """Hold the directory for this process; the lock goes with the process, so a crash leaves none behind."""
    file = private_file(_own_directory(directory) / LOCK)
    with file.open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            held.seek(0)
            pid = held.read().strip() or "unknown"
            step = f"End it (kill {pid}), or choose another --directory and --port."
            raise ConflictError(
                f"`outrider dev` runs already in {directory}, as process {pid}", next_step=step
            ) from error
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        yield
        # What the file says is for people; the lock ends with its descriptor.
        with contextlib.suppress(OSError):
            file.write_text("")


def _own_directory(directory: Path) -> Path:
    """Closed to others where it is ours; a directory with other things in it keeps its rights, and ours below are closed."""
    is_ours = not directory.exists() or (directory / LOCK).exists() or not any(directory.iterdir())
    return private_directory(directory) if is_ours else directory


def check_ports(port: int) -> None:
    """OutriderError for the first of the five ports that is taken; port 0 asks for none in particular."""
    for number in range(port, port + 1 + 2 * len(ENVIRONMENTS)) if port else ():
        try:
            _bound(number)
        except OSError as error:
            what = (
                f"port {number} on {HOST} is taken, and `outrider dev` needs {port} to {port + 2 * len(ENVIRONMENTS)}"
            )
            step = f"Choose others with --port, or end what listens there (`ss -ltnp 'sport = :{number}'` names it)."
            raise OutriderError(f"{what}: {error.strerror}", next_step=step) from error


def _bound(port: int) -> int:
    """The port, or the one that the system gave for 0, after binding and releasing it."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        return int(listener.getsockname()[1])
