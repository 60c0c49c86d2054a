"""The agent as one file, ``outrider-agent.pyz``, made from the installed package: what a node runs with any Python ≥ 3.9."""

from __future__ import annotations

import io
import zipfile
from importlib import resources

FILENAME = "outrider-agent.pyz"
PACKAGE = "outrider_agent"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip can hold: the same sources make the same bytes
READABLE = 0o644 << 16
START = "import sys\n\nfrom outrider_agent.__main__ import main\n\nsys.exit(main())\n"


def agent_archive() -> bytes:
    """A deterministic zip application, run as ``python3 -I -S outrider-agent.pyz [serve|gate]``."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:  # stored: unpacking would load zlib
        for name, source in sorted(_sources().items()):
            archive.writestr(_entry(name), source)
    return content.getvalue()


def _sources() -> dict[str, str]:
    modules = (path for path in resources.files(PACKAGE).iterdir() if path.name.endswith(".py"))
    package = {f"{PACKAGE}/{module.name}": module.read_text(encoding="utf-8") for module in modules}
    return {"__main__.py": START, **package}


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.create_system = 3  # Unix, wherever it is made
    entry.external_attr = READABLE
    return entry
