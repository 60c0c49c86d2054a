"""What the registry answers where it does not do what was asked: a status and Consul's own words."""

from __future__ import annotations

from outrider_ground.errors import OutriderError


class Refused(OutriderError):  # noqa: N818  # named as DeployFailed is: what happened
    """A call that Consul answers with an error; ``query`` calls carry the index headers even then."""

    def __init__(self, status: int, text: str, *, query: bool = False) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.query = query


def bad_request(text: str) -> Refused:
    return Refused(400, text)


def failed(text: str) -> Refused:
    return Refused(500, text)
