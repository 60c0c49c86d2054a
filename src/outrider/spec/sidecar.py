"""The tasks that run beside each app of the mesh: what they are made of, as the operators say it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, Tag

from outrider.spec.drivers import NOBODY, SidecarDriver, is_container
from outrider.spec.shapes import by_key
from outrider.spec.values import Line, Matching, WebAddress, Written

# Names whose number is the same on every Linux of today.
KNOWN_USERS = {"root": "0", "nobody": NOBODY}
# The place of Debian, Ubuntu, Alpine and Envoy's own images.
SYSTEM_ROOTS = "/etc/ssl/certs/ca-certificates.crt"


class Image(Written):
    """A container image."""

    image: Line = Field(examples=["envoyproxy/envoy@sha256:…"])
    """Reference of the image."""


class Path(Written):
    """A program on the node."""

    path: Line = Field(examples=["/usr/local/bin/envoy"])
    """Where the node has it, or a name on its PATH."""


class Download(Written):
    """A program that Nomad fetches."""

    artifact: WebAddress
    """Where it is fetched from, as it is: Nomad unpacks nothing."""
    sha256: Annotated[str, Matching("^[0-9a-f]{64}$", "64 hexadecimal digits")]
    """Its checksum."""


EnvoyProgram = Annotated[
    Annotated[Image, Tag("Image")] | Annotated[Path, Tag("Path")] | Annotated[Download, Tag("Download")],
    by_key(
        {"image": "Image", "path": "Path", "artifact": "Download"},
        "{image: …}, {path: …} or {artifact: URL, sha256: …}",
    ),
]


class ArchiveFile(Written):
    """The agent's archive where its Python runs."""

    path: Annotated[Line, Matching("^/.*[^/]$", "an absolute path of a file")] = Field(
        examples=["/opt/outrider/outrider-agent.pyz"]
    )
    """On the node, or in the image where Python comes from one."""


AgentArchive = Annotated[
    Annotated[ArchiveFile, Tag("ArchiveFile")] | Annotated[Download, Tag("Download")],
    by_key({"path": "ArchiveFile", "artifact": "Download"}, "{path: …} or {artifact: URL, sha256: …}"),
]


class AgentImage(Image):
    """A container image with Python for the agent."""

    archive: AgentArchive | None = None
    """Where the agent itself comes from. Left out: the job carries it, and needs nobody."""


class AgentPath(Path):
    """A Python on the node for the agent."""

    archive: AgentArchive | None = None
    """Where the agent itself comes from. Left out: the job carries it, and needs nobody."""


AgentProgram = Annotated[
    Annotated[AgentImage, Tag("AgentImage")] | Annotated[AgentPath, Tag("AgentPath")],
    by_key(
        {"image": "AgentImage", "path": "AgentPath"},
        "{image: …} or {path: …}, and archive beside it where the job shall not carry the agent",
    ),
]


class SidecarMemory(Written):
    """Memory of the sidecar's tasks."""

    envoy: Annotated[int, Field(ge=32, le=16_384)] | None = None
    """In MB. Left out: 64, and for each upstream beyond twelve 0.7 more (4.2 for one of Redis)."""
    agent: Annotated[int, Field(ge=16, le=16_384)] | None = None
    """In MB. Left out: 24, and for each upstream beyond 120 0.05 more. It bounds how many instances of its upstreams
    an agent takes, about 10,000 in 24 MB."""


def envoy_of(data: dict[str, Any]) -> Image | Path:
    """Envoy where the file names none: an image for container drivers, else a program on the PATH."""
    return Image(image="envoyproxy/envoy:v1.40.0") if is_container(data.get("driver")) else Path(path="envoy")


def python_of(data: dict[str, Any]) -> AgentImage | AgentPath:
    """Python for the agent where the file names none."""
    return AgentImage(image="python:3.13-slim") if is_container(data.get("driver")) else AgentPath(path="python3")


def user_of(data: dict[str, Any]) -> str | None:
    """Nobody in containers; else Nomad's own choice, because a client that is not root can run as nobody else."""
    return NOBODY if is_container(data.get("driver")) else None


class Sidecar(Written):
    """The tasks that run beside each app of the mesh: Envoy, the discovery agent and the gate."""

    driver: SidecarDriver = Field(default_factory=lambda: "docker")
    """One driver for all three. Left out: the environment's own (``exec`` beside ``java``)."""
    envoy: EnvoyProgram = Field(default_factory=envoy_of)
    """Where Envoy comes from; it is 1.39 or newer."""
    agent: AgentProgram = Field(default_factory=python_of)
    """Where the agent's Python (3.9 or newer, with zlib) comes from, and the agent itself unless the job carries it."""
    user: Line | None = Field(default_factory=user_of)
    """One user for all three: they share sockets. Left out: ``65534`` in containers, else Nomad's own choice."""
    uid: Annotated[int, Field(ge=0, le=4_294_967_294)] | None = None
    """The user's number, where ``user`` is a name: Nomad knows users of ``exec`` and ``raw_exec`` by name only,
    and a file is given to a number."""
    private_files: bool = True
    """Bootstrap, tokens and the agent can be read by the sidecar's user alone. ``false``: by everybody on the node, for
    Nomad clients that are not root and for user namespaces (rootless podman, ``userns-remap``), where Nomad cannot give
    a file to that user."""
    transport: Literal["unix", "loopback"] = "unix"
    """How they talk to each other: sockets in the allocation's directory, or ports on 127.0.0.1."""
    memory: SidecarMemory = Field(default_factory=SidecarMemory)
    """Memory of the tasks."""
    ca_roots: Annotated[Line, Matching("^/.*[^/]$", "an absolute path of a file")] = SYSTEM_ROOTS
    """File of CA certificates (PEM) where Envoy runs, against which TLS towards services outside is verified."""
