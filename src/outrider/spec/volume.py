"""Directories of a node that outlive allocations: Nomad's host volumes, as a service asks for them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from outrider.spec.values import Matching, Written

VolumeName = Annotated[
    str,
    Matching(r"^[A-Za-z0-9]([A-Za-z0-9_-]{0,126}[A-Za-z0-9])?$", "a name of letters, digits, - and _"),
    Field(examples=["sessions-data"]),
]
MountPath = Annotated[
    str,
    Matching(
        r"^(?!(?:.*/)?\.{1,2}(?:/|$))(?!/(?:alloc|local|secrets|proc|sys|dev|tmp)(?:/|$))(?:/[A-Za-z0-9_.@+-]+)+$",
        "an absolute path of letters, digits and _.@+-, without .., and none of Nomad's own (/alloc, /local, /secrets)",
    ),
    Field(examples=["/data"]),
]


class Volume(Written):
    """A host volume: a directory that the operators have set aside on some nodes. Allocations run on those only."""

    host: VolumeName
    """Its name in the configuration of Nomad's clients (``host_volume``), or as ``nomad volume create`` made it."""
    path: MountPath
    """Where the app finds it. With ``raw_exec``, which mounts nothing, it is the directory of the node itself; the variable
    ``<NAME>_DIR`` tells in either case."""
    read_only: bool = False
    """Whether the app may only read it. One that is written by the app has one writer at a time: the old allocation stops
    before the new one starts."""


def variable_of(volume: str) -> str:
    """Where the app finds a volume: ``SESSIONS_DATA_DIR``."""
    return f"{volume.replace('-', '_').upper()}_DIR"
