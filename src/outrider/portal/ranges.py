"""Which part of a file a request asks for (RFC 9110, 13 and 14): pure functions of its headers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ONE_RANGE = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*")


@dataclass(frozen=True, slots=True)
class Part:
    """What is answered: ``status`` 200, 206, 304 or 416, and bytes ``start`` up to ``stop`` of ``size``."""

    status: int
    start: int
    stop: int
    size: int

    @property
    def headers(self) -> dict[str, str]:
        """What says which part it is."""
        if self.status == 304:  # noqa: PLR2004  Not Modified
            return {}
        length = {"Content-Length": str(self.stop - self.start)}
        if self.status == 206:  # noqa: PLR2004  Partial Content
            return {"Content-Range": f"bytes {self.start}-{self.stop - 1}/{self.size}", **length}
        return {"Content-Range": f"bytes */{self.size}"} if self.status == 416 else length  # noqa: PLR2004  not satisfiable


def part_of(size: int, etag: str, headers: Mapping[str, str]) -> Part:
    """The part of a file of that size that the headers (names in small letters) ask for; several ranges count as none."""
    if _names(headers.get("if-none-match", ""), etag):
        return Part(304, 0, 0, size)
    wanted = ONE_RANGE.fullmatch(headers.get("range", ""))
    is_other = "if-range" in headers and headers["if-range"].strip() != etag
    if wanted is None or is_other or wanted[1] == wanted[2] == "":
        return Part(200, 0, size, size)
    start, stop = _bounds(wanted[1], wanted[2], size)
    if wanted[1] and wanted[2] and int(wanted[2]) < int(wanted[1]):
        return Part(200, 0, size, size)
    return Part(206, start, stop, size) if start < stop else Part(416, 0, 0, size)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """From the first byte up to the one after the last; without a first, so many from the end."""
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def _names(listed: str, etag: str) -> bool:
    """Weakly compared, as for a GET."""
    tags = [one.strip().removeprefix("W/") for one in listed.split(",")]
    return "*" in tags or etag in tags
