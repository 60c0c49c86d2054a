"""The agent as one file, ``outrider-agent.pyz``, made from the installed package: what a node runs with any Python ≥ 3.9.

Two entries: a start that unpacks, and every source packed together, without what only a reader of the sources needs. A
verb's own archive holds the modules that this verb imports: jobs carry one for each of their two tasks.
"""

from __future__ import annotations

import ast
import hashlib
import io
import marshal
import zipfile
import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from importlib import resources

from outrider.clients.bare_source import bare
from outrider.topology.sidecar import CarriedAgent

FILENAME = "outrider-agent.pyz"
PACKAGE = "outrider_agent"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip can hold: the same sources make the same bytes
READABLE = 0o644 << 16
START = "archive_start.py"  # becomes the archive's __main__.py
SOURCES = "sources"
# What every verb needs, and the verb's own module, which ``__main__`` imports by its name.
ALWAYS = ("__init__.py", "__main__.py", "compiled.py")
GATE = "gate.py"
FORMAT = 2  # of marshal: the last without references, whose bytes would tell who else holds a string


def agent_archive() -> bytes:
    """A zip application for every verb, run as ``python3 -I -S outrider-agent.pyz [serve|gate]``."""
    return _archive(_package())


def carried_agent() -> CarriedAgent:
    """What a job carries. Its hash is of the sources: another build of zlib packs them into other bytes."""
    package = _package()
    gate = _needed(package, (*ALWAYS, GATE))
    return CarriedAgent(
        serve=b64encode(_archive(package)).decode(),
        gate=b64encode(_archive({START: package[START], **{name: package[name] for name in gate}})).decode(),
        sha256=hashlib.sha256(marshal.dumps(package, FORMAT)).hexdigest(),
    )


def _package() -> dict[str, str]:
    """Every source by its file's name, sorted."""
    files = sorted(resources.files(PACKAGE).iterdir(), key=lambda file: file.name)
    return {file.name: bare(file.read_text(encoding="utf-8")) for file in files if file.name.endswith(".py")}


def _archive(package: Mapping[str, str]) -> bytes:
    sources = {name: text for name, text in sorted(package.items()) if name != START}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_entry("__main__.py"), package[START])
        archive.writestr(_entry(SOURCES), zlib.compress(marshal.dumps(sources, FORMAT), 9))
    return content.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.create_system = 3  # Unix, wherever it is made
    entry.external_attr = READABLE
    return entry


def _needed(package: Mapping[str, str], roots: tuple[str, ...]) -> set[str]:
    """The roots and all that they import, directly or not."""
    found: set[str] = set()
    left = list(roots)
    while left:
        name = left.pop()
        if name in package and name not in found:
            found.add(name)
            left += _imported(package[name])
    return found


def _imported(source: str) -> Iterator[str]:
    """The package's files that a source imports; the whole tree is read, since an import may stand anywhere."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
            yield from (f"{alias.name}.py" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{PACKAGE}."):
            yield node.module.removeprefix(f"{PACKAGE}.") + ".py"
