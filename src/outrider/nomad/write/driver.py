"""Drivers' configurations: how a program is started, and where a task finds its files."""

from __future__ import annotations

from collections.abc import Sequence

from outrider.documents import Json
from outrider.nomad.write.literal import hcl_literal
from outrider.spec.drivers import DRIVERS, Driver
from outrider.spec.sidecar import Image
from outrider.topology.ports import Mode

# The working directory of a command is where its files and its artifact are; "$@" keeps every argument as it is.
# A shell such as dash drops variables whose names it could not set, as those with dots; GNU env (coreutils 8.28) keeps all.
IN_LOCAL_WITH_DOTS = ("/usr/bin/env", "-C", "${NOMAD_TASK_DIR}")
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


def app_command(driver: Driver, words: Sequence[str], *, has_dots: bool = False) -> Json:
    """A developer's command, started in local/; ``has_dots`` says that a name in its environment has one.

    For a jar the first word is its path.
    """
    escaped = [hcl_literal(word) for word in words]
    if DRIVERS[driver].starts == "jar":
        return {"jar_path": f"local/{escaped[0]}", "args": escaped[1:]}
    program, *before = IN_LOCAL_WITH_DOTS if has_dots else IN_LOCAL
    return command(program, [*before, *escaped])


def script_words(driver: Driver, words: Sequence[str]) -> list[str]:
    """A check's program and arguments, started where the app was; an image has a working directory of its own."""
    return list(words) if DRIVERS[driver].is_container else [*IN_LOCAL, *words]


def app_container(image: str, words: Sequence[str], mode: Mode) -> Json:
    """A developer's image, with a command of theirs or its own."""
    program, *rest = [hcl_literal(word) for word in words] or [None]
    return container(hcl_literal(image), [word for word in rest if word is not None], mode, program)


def program(source: Image | str, arguments: Sequence[str], mode: Mode) -> Json:
    """A sidecar's program: an image whose entry point takes the arguments, or a path."""
    return container(source.image, arguments, mode) if isinstance(source, Image) else command(source, arguments)


def in_task(driver: Driver, path: str) -> str:
    """A path of a task's own: at the root where the task has one, else from where it runs."""
    return f"/{path}" if DRIVERS[driver].has_own_root else path
