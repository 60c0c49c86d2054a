"""The archive's own ``__main__``: compiles the package, then starts the interpreter anew with nothing but the result.

What the compiler, zipimport and runpy leave in the heap would stay there: 1.5 MB of a budget of 5. After an exec it is
gone, and the process is still the same one to whoever started it. Where an exec with a file in memory is not possible
(it is Linux' own), the package is imported from the archive in the ordinary way.
"""

from __future__ import annotations

import contextlib
import importlib
import marshal
import os
import sys
from zipimport import zipimporter

PACKAGE = "outrider_agent"
STARTER = f"{PACKAGE}.compiled"  # runs first in the new interpreter, and imports the rest from ``codes``
LISTING = "modules"  # the archive's list of its modules, one name a line
START = "import marshal; codes = marshal.loads(open({}, 'rb').read()); exec(codes.pop({!r}))"


def compiled(archive: str) -> bytes:
    """The code of every module by its name, marshalled."""
    root, inside = zipimporter(archive), zipimporter(os.path.join(archive, PACKAGE))
    names = root.get_data(LISTING).decode().split()
    codes = {f"{PACKAGE}.{name}": inside.get_code(name) for name in names}
    return marshal.dumps({PACKAGE: root.get_code(PACKAGE), **codes})


def start_anew(archive: str) -> None:
    """Does not return, unless it raises OSError or AttributeError where the system has no files in memory."""
    descriptor = os.memfd_create(PACKAGE, 0)  # 0: not closed by the exec
    with open(descriptor, "wb", closefd=False) as file:
        file.write(compiled(archive))
    os.lseek(descriptor, 0, os.SEEK_SET)
    start = START.format(descriptor, STARTER)
    os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", start, archive, *sys.argv[1:]])  # noqa: S606


def main() -> int:
    with contextlib.suppress(OSError, AttributeError):
        start_anew(sys.path[0])
    return importlib.import_module(f"{PACKAGE}.__main__").main()


if __name__ == "__main__":
    sys.exit(main())
