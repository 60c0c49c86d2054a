"""Which storage an address means: a folder by its path, a bucket by s3://; nothing is opened but that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from outrider_ground.errors import UsageError

from outrider.server_settings import S3Settings
from outrider.store.storage.bucket import Bucket
from outrider.store.storage.folder import Folder

if TYPE_CHECKING:
    from outrider.store.storage.storage import Storage

KNOWN = "Use a folder, or s3://BUCKET/PREFIX?endpoint=https://SERVER&region=NAME."


def storage_at(address: str, s3: S3Settings | None = None) -> Storage:
    """The storage at ``/a/folder``, ``file:///a/folder`` or ``s3://bucket/prefix?endpoint=…&region=…``; UsageError for others."""
    if "://" not in address:
        return Folder(Path(address).absolute())
    parts = urlsplit(address)
    if parts.scheme == "file":
        return Folder(Path(parts.path))
    if parts.scheme != "s3" or not parts.netloc:
        raise UsageError(f"{address} is no address of a storage of artifacts", next_step=KNOWN)
    if "@" in parts.netloc:
        raise UsageError(
            "credentials stand in the address of the storage of artifacts, where others could read them",
            next_step="Leave them out, and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    return Bucket(parts.netloc, parts.path.strip("/"), _asked(s3 or S3Settings(), parts.query))


def _asked(s3: S3Settings, query: str) -> S3Settings:
    given = dict(parse_qsl(query, keep_blank_values=True))
    unknown = sorted(given.keys() - {"endpoint", "region"})
    if unknown:
        raise UsageError(f"the address of a storage of artifacts has no {', '.join(unknown)}", next_step=KNOWN)
    return replace(s3, endpoint=given.get("endpoint") or s3.endpoint, region=given.get("region") or s3.region)
