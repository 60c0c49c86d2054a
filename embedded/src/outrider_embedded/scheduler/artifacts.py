"""Artifacts of a task: fetched over HTTP, checked, unpacked where the task expects them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

import httpx2

from outrider_embedded.scheduler import unpacking
from outrider_embedded.scheduler.documents import Document, fields

_TIMEOUT_S = 60
_CHUNK = 1 << 16
_OWN_QUERY = ("checksum", "archive", "filename")


class ArtifactError(Exception):
    """An artifact that cannot be had, or is not what its checksum says."""


async def fetch(artifact: Document, directory: Path) -> None:
    """Bring one artifact into the task's directory; ``artifact`` is interpolated. Raises ArtifactError."""
    source: str = artifact["GetterSource"]
    options = _options(artifact)
    if urlsplit(source).scheme not in {"http", "https"}:
        raise ArtifactError(f'download not supported for scheme "{urlsplit(source).scheme or "file"}"')
    target = (directory / artifact["RelativeDest"]).resolve()
    if not target.is_relative_to(directory.parent.resolve()):
        raise ArtifactError("artifact destination path escapes the alloc directory")
    with tempfile.TemporaryDirectory(dir=directory) as draft:
        file = Path(draft) / "artifact"
        await _download(_bare(source), fields(artifact["GetterHeaders"]), file)
        await asyncio.to_thread(_place, file, target, _name(source), options, artifact["GetterMode"])


def _options(artifact: Document) -> dict[str, str]:
    source: str = artifact["GetterSource"]
    query = parse_qs(urlsplit(source).query)
    in_url = {key: values[0] for key, values in query.items() if key in _OWN_QUERY}
    return in_url | fields(artifact["GetterOptions"])


def _bare(source: str) -> str:
    parts = urlsplit(source)
    kept = [pair for pair in parts.query.split("&") if pair and pair.split("=")[0] not in _OWN_QUERY]
    return urlunsplit(parts._replace(query="&".join(kept)))


def _name(source: str) -> str:
    return urlsplit(source).path.rstrip("/").rsplit("/", 1)[-1] or "artifact"


async def _download(url: str, headers: dict[str, str], file: Path) -> None:
    try:
        async with (
            httpx2.AsyncClient(timeout=_TIMEOUT_S, follow_redirects=True, trust_env=False) as client,
            client.stream("GET", url, headers={"Accept-Encoding": "identity", **headers}) as answer,
        ):
            if not answer.is_success:
                raise ArtifactError(f"bad response code: {answer.status_code}")
            with file.open("wb") as sink:
                async for chunk in answer.aiter_raw(_CHUNK):
                    sink.write(chunk)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise ArtifactError(f'Get "{url}": {_reason(error)}') from error


def _reason(error: BaseException) -> str:
    """The first cause: what the operating system said."""
    cause = error.__cause__ or error.__context__
    if cause is not None:
        return _reason(cause)
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__


def _place(file: Path, target: Path, name: str, options: dict[str, str], mode: str) -> None:
    _check(file, options.get("checksum", ""))
    if mode == "file":
        _move(file, target)
    elif options.get("archive") != "false" and _unpacked(file, options.get("archive") or name, target):
        return
    else:
        _move(file, target / _inner(options.get("filename") or name))


def _unpacked(file: Path, name: str, target: Path) -> bool:
    try:
        return unpacking.unpacked(file, name, target)
    except unpacking.UnpackingError as error:
        raise ArtifactError(f"cannot unpack {name}: {error}") from error


def _inner(name: str) -> str:
    """A file's name, and no way to another place."""
    if name in {"", ".", ".."} or "/" in name or "\0" in name:
        raise ArtifactError(f"the file name {name[:100]!r} of an artifact would be outside of its destination")
    return name


def _check(file: Path, checksum: str) -> None:
    """Compare with ``sha256:…``, ``md5:…`` and the like; an empty checksum is none."""
    if not checksum:
        return
    kind, _, wanted = checksum.rpartition(":")
    kind = kind or {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}.get(len(wanted), "")
    if kind not in hashlib.algorithms_available:
        raise ArtifactError(f"unsupported checksum type: {kind}")
    with file.open("rb") as content:
        found = hashlib.file_digest(content, kind).hexdigest()
    if found != wanted.lower():
        raise ArtifactError(f"Checksums did not match. Expected: {wanted} Got: {found} {kind}")


def _move(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    file.chmod(0o644)
    file.replace(target)
