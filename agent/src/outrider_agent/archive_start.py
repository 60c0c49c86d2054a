"""The archive's own ``__main__``: unpacks and compiles the package, then starts the interpreter anew with the result.

What zlib, the compiler, zipimport and runpy leave in the heap would stay there: 1.5 MB of a budget of 5. After an exec it
is gone, and the process is still the same one to whoever started it. Where an exec with a file in memory is not possible
(it is Linux' own), the package is imported here and now.
"""

from __future__ import annotations

import contextlib
import importlib
import marshal
import os
import sys
from types import CodeType
from zipimport import zipimporter

PACKAGE = "outrider_agent"
STARTER = f"{PACKAGE}.compiled"  # runs first in the new interpreter, and imports the rest from ``codes``
SOURCES = "sources"  # the archive's other entry: every source by its file's name, marshalled and packed by zlib
START = "import marshal; codes = marshal.loads(open({}, 'rb').read()); exec(codes.pop({!r}))"
NO_ZLIB = (
    "outrider-agent: this Python has no zlib, which unpacks the agent; use one that has (every distribution's has)"
)


def sources(archive: str) -> dict[str, str]:
    """The text of every module by its file's name. ImportError where this Python has no zlib."""
    zlib = importlib.import_module("zlib")
    return marshal.loads(zlib.decompress(zipimporter(archive).get_data(SOURCES)))  # noqa: S302  its code runs anyway


def codes(archive: str) -> dict[str, CodeType]:
    """The code of every module by its name."""
    return {_module(name): _compiled(text, f"{archive}/{name}") for name, text in sources(archive).items()}


def _module(file: str) -> str:
    name = file[: -len(".py")]
    return PACKAGE if name == "__init__" else f"{PACKAGE}.{name}"


def _compiled(text: str, path: str) -> CodeType:
    return compile(text, path, "exec", dont_inherit=True)


def start_anew(archive: str, compiled: dict[str, CodeType]) -> None:
    """Does not return, unless it raises OSError or AttributeError where the system has no files in memory."""
    descriptor = os.memfd_create(PACKAGE, 0)  # 0: not closed by the exec
    with open(descriptor, "wb", closefd=False) as file:
        file.write(marshal.dumps(compiled))
    os.lseek(descriptor, 0, os.SEEK_SET)
    start = START.format(descriptor, STARTER)
    os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", start, archive, *sys.argv[1:]])  # noqa: S606


def main() -> None:
    archive = sys.path[0]
    try:
        compiled = codes(archive)
    except ImportError:
        sys.exit(NO_ZLIB)
    with contextlib.suppress(OSError, AttributeError):
        start_anew(archive, compiled)
    sys.argv.insert(0, "-c")
    exec(compiled.pop(STARTER), {"__name__": "__main__", "codes": compiled})  # noqa: S102  as START does


if __name__ == "__main__":
    main()
