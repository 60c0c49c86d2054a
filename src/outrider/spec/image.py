"""References of container images as people write them, and one of them put in the place of another in a spec's text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml
from outrider_ground.errors import UsageError

DOCKER_HUB = "docker.io"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}", re.ASCII)
REPOSITORY = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*", re.ASCII)
HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?", re.ASCII)
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ImageReference:
    """Where an image lies: ``registry`` is a host with its port, ``name`` the reference as written, without tag and digest.

    https://github.com/distribution/reference: without a host it is Docker Hub's, and there `nginx` is `library/nginx`.
    """

    name: str
    registry: str
    repository: str
    tag: str | None
    digest: str | None

    @property
    def version(self) -> str:
        """What a registry is asked for: the digest, else the tag, else ``latest``."""
        return self.digest or self.tag or "latest"

    def pinned(self, digest: str) -> str:
        """The reference that never changes: the name with the digest, without the tag."""
        return f"{self.name}@{digest}"


def image_reference(text: str) -> ImageReference:
    """The parts of a reference; UsageError for one that no registry could have."""
    rest, _, digest = text.partition("@")
    name, tag = _tagged(rest)
    registry, repository = _placed(name)
    is_sound = HOST.fullmatch(registry) and REPOSITORY.fullmatch(repository) and (tag is None or TAG.fullmatch(tag))
    if not is_sound or ("@" in text and not DIGEST.fullmatch(digest)):
        raise UsageError(f"{text!r} is no reference of an image", next_step="Write it as HOST/NAME:TAG.")
    return ImageReference(name, registry, repository, tag, digest or None)


def _tagged(text: str) -> tuple[str, str | None]:
    """A colon after the last slash begins the tag; one before it is that of a port."""
    head, colon, tag = text.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (text, None)


def _placed(name: str) -> tuple[str, str]:
    """The first part is a host where it could be one: with a dot or a port, or localhost."""
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        if first in {DOCKER_HUB, "index.docker.io"}:
            return DOCKER_HUB, rest if "/" in rest else f"library/{rest}"
        return first, rest
    return DOCKER_HUB, name if slash else f"library/{name}"


def with_image(text: str, environment: str, image: str, other: str) -> str:
    """The spec's text with ``other`` where its common part, or its part of the environment, runs ``image``.

    Everything else stays as it is written, comments too. The text is one that was read as a spec before; where it cannot be
    done, it comes back as it is.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:  # an anchor that stands twice, which the reader of specs takes
        return text
    overlay = _at(_at(root, "environments"), environment)
    found = [_at(_at(part, "run"), "image") for part in (root, overlay)]
    places = {(one.start_mark.index, one.end_mark.index) for one in found if _is_scalar(one) and one.value == image}
    for start, after in sorted(places, reverse=True):
        end = start + len(text[start:after].rstrip())  # a block of text ends with its line
        text = f'{text[:start]}"{other}"{text[end:]}'
    return text


def _at(node: Any, key: str) -> Any:
    """The node under the key of a map; None where there is none."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for name, value in pairs if name.value == key), None)


def _is_scalar(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode)
