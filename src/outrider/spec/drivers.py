"""Nomad's drivers: which there are for apps and for what runs beside them, and in what they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Driver = Literal["docker", "podman", "exec", "raw_exec", "java"]
SidecarDriver = Literal["docker", "podman", "exec", "raw_exec"]
Starts = Literal["image", "command", "jar"]
NOBODY = "65534"


@dataclass(frozen=True, slots=True)
class Traits:
    """How tasks of one driver live.

    ``user`` is the user that Nomad chooses where none is named, None for its client's own. ``sidecar`` is the driver of
    the tasks beside an app of this one. ``remedy`` says what to do where no node has it.
    """

    starts: Starts
    sidecar: SidecarDriver
    remedy: str
    user: str | None = NOBODY
    mounts: bool = True
    """Whether it mounts volumes (Nomad: the driver's capability MountConfigs)."""
    has_own_root: bool = True
    """Whether the task's directory is its root; without, it runs where the directory lies, and has no ``/alloc``."""

    @property
    def is_container(self) -> bool:
        return self.starts == "image"


DRIVERS: dict[Driver, Traits] = {
    "docker": Traits(
        "image", "docker", "Start Docker on the nodes, and let Nomad's client reach /var/run/docker.sock."
    ),
    "podman": Traits(
        "image", "podman", "Install the plugin nomad-driver-podman on the nodes and give it a plugin block."
    ),
    "exec": Traits("command", "exec", "Run Nomad's clients as root with cgroups, or choose another driver."),
    "raw_exec": Traits(
        "command",
        "raw_exec",
        'In each client\'s configuration: plugin "raw_exec" { config { enabled = true } }',
        user=None,
        mounts=False,
        has_own_root=False,
    ),
    "java": Traits("jar", "exec", "Install java on the nodes."),
}


def written_driver(name: object) -> Traits | None:
    """The traits of a driver as somebody wrote it; None for what is none."""
    return next((traits for driver, traits in DRIVERS.items() if driver == name), None)


def is_container(name: object) -> bool:
    """Whether a driver as somebody wrote it runs images."""
    traits = written_driver(name)
    return traits is not None and traits.is_container
