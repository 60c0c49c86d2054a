"""Credentials for registries of images as `docker login` keeps them; programs that keep them elsewhere are not asked."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, cast

from outrider_ground.errors import UsageError

from outrider.spec.image import DOCKER_HUB

if TYPE_CHECKING:
    from pathlib import Path

HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", DOCKER_HUB)


def credentials_for(file: Path | None, registry: str) -> str | None:
    """What stands behind ``Basic`` for this registry, read now; None where the file has none.

    UsageError, which tells nothing of its content, where the file is there and cannot be read.
    """
    if file is None or not file.is_file():
        return None
    try:
        document = json.loads(file.read_bytes())
        entries = cast("dict[str, Any]", document.get("auths") or {})
        keys = HUB_KEYS if registry == DOCKER_HUB else (registry, f"https://{registry}")
        found = next((entries[key] for key in keys if key in entries), None)
        return _basic(found) if found else None
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise UsageError(
            f"{file} is no file of credentials as docker writes it", next_step="Write it with `docker login`."
        ) from error


def _basic(entry: dict[str, Any]) -> str | None:
    if entry.get("auth"):
        base64.b64decode(entry["auth"], validate=True)
        return str(entry["auth"])
    if entry.get("username"):
        return base64.b64encode(f"{entry['username']}:{entry.get('password', '')}".encode()).decode()
    return None
