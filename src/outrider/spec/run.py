"""What is started: a container image, or a command with what it needs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Tag

from outrider.spec.shapes import by_key
from outrider.spec.values import Items, Line, Matching, WebAddress, Written

Argument = Annotated[str, Field(max_length=32_768)]


class ImageRun(Written):
    """A container image, for the drivers docker and podman."""

    image: Annotated[Line, Field(examples=["registry.example/checkout:1.4.2"])]
    """Reference of the image; a digest (``name@sha256:…``) never changes under you."""
    command: Items[Argument] = ()
    """Program and arguments instead of those of the image."""


class CommandRun(Written):
    """A command, for the drivers exec, raw_exec and java. Without artifact and directory it is on the node already."""

    command: Items[Argument] = Field(min_length=1, examples=[["python", "app.py"]])
    """Program and arguments; no shell reads them."""
    artifact: WebAddress | None = Field(default=None, examples=["https://artifacts.example/checkout-1.4.2.tar.gz"])
    """Archive that Nomad fetches and unpacks into the working directory of the command."""
    checksum: (
        Annotated[str, Matching("^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$", "sha256: and 64 hexadecimal digits")]
        | None
    ) = None
    """Checksum of the artifact."""
    directory: Annotated[Line, Field(examples=["."])] | None = None
    """Directory, relative to this file, that Outrider packs, stores and serves to the nodes."""


Run = Annotated[
    Annotated[ImageRun, Tag("ImageRun")] | Annotated[CommandRun, Tag("CommandRun")],
    by_key(
        {"image": "ImageRun", "command": "CommandRun", "artifact": "CommandRun", "directory": "CommandRun"},
        "{image: NAME} or {command: [PROGRAM, ARGUMENT], artifact: URL or directory: PATH}",
    ),
]
