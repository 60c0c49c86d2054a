"""Drivers' configurations: how a program is started, and where a task finds its files."""

from __future__ import annotations

from collections.abc import Sequence

from outrider.documents import Json
from outrider.nomad.write.literal import hcl_literal
from outrider.spec.sidecar import Image
from outrider.topology.ports import Mode

# The working directory of a command is where its files and its artifact are; "$@" keeps every argument as it is.
IN_LOCAL = ("/bin/sh", "-c", 'cd "$NOMAD_TASK_DIR" && exec "$@"', "sh")


def command(program: str, arguments: Sequence[str]) -> Json:
    """exec, raw_exec: a program on the node, or in the task's directory."""
    return {"command": program, "args": list(arguments)}


def container(image: str, arguments: Sequence[str], mode: Mode, program: str | None = None) -> Json:
    """docker, podman: without ``network_mode`` docker would take its own bridge instead of the host's network."""
    return {
        "image": image,
        **({"command": program} if program else {}),
        **({"args": list(arguments)} if arguments else {}),
        **({"network_mode": "host"} if mode == "host" else {}),
    }


def app_command(driver: str, words: Sequence[str]) -> Json:
    """A developer's command, started in local/. For java the first word is the path of the jar."""
    escaped = [hcl_literal(word) for word in words]
    if driver == "java":
        return {"jar_path": f"local/{escaped[0]}", "args": escaped[1:]}
    return command(IN_LOCAL[0], [*IN_LOCAL[1:], *escaped])


def app_container(image: str, words: Sequence[str], mode: Mode) -> Json:
    """A developer's image, with a command of theirs or its own."""
    program, *rest = [hcl_literal(word) for word in words] or [None]
    return container(hcl_literal(image), [word for word in rest if word is not None], mode, program)


def program(source: Image | str, arguments: Sequence[str], mode: Mode) -> Json:
    """A sidecar's program: an image whose entry point takes the arguments, or a path."""
    return container(source.image, arguments, mode) if isinstance(source, Image) else command(source, arguments)


def in_task(driver: str, path: str) -> str:
    """A path of a task's own: containers and chroots have it at the root, raw_exec runs where it is."""
    return path if driver == "raw_exec" else f"/{path}"
