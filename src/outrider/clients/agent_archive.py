"""The agent as one file, ``outrider-agent.pyz``, made from the installed package: what a node runs with any Python ≥ 3.9."""

from __future__ import annotations

import io
import zipfile
from importlib import resources
from importlib.resources.abc import Traversable

FILENAME = "outrider-agent.pyz"
PACKAGE = "outrider_agent"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip can hold: the same sources make the same bytes
READABLE = 0o644 << 16
START = "archive_start.py"  # becomes the archive's __main__.py
LISTING = "modules"


def agent_archive() -> bytes:
    """A deterministic zip application, run as ``python3 -I -S outrider-agent.pyz [serve|gate]``."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:  # stored: unpacking would load zlib
        for name, source in sorted(_sources().items()):
            archive.writestr(_entry(name), source)
    return content.getvalue()


def _sources() -> dict[str, str]:
    found = {
        path.name: path.read_text(encoding="utf-8") for path in resources.files(PACKAGE).iterdir() if _is_source(path)
    }
    start = found.pop(START)
    names = "".join(f"{name.removesuffix('.py')}\n" for name in sorted(found) if name != "__init__.py")
    return {"__main__.py": start, LISTING: names, **{f"{PACKAGE}/{name}": source for name, source in found.items()}}


def _is_source(path: Traversable) -> bool:
    return path.name.endswith(".py")


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.create_system = 3  # Unix, wherever it is made
    entry.external_attr = READABLE
    return entry
