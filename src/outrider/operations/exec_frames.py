"""What whoever runs a command may send: the command itself, and its frames in Nomad's own form; checked, since it is passed on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote_plus

from outrider_ground.errors import UsageError
from pydantic import Field, ValidationError

from outrider.documents import Json
from outrider.operations.request_bodies import Body

MOST_COMMAND = 6_000  # bytes as Nomad gets it; the address of a WebSocket has 8 KiB
MOST_INPUT = 65_536
MOST_SIZE = 10_000
BASE64 = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"


class InputBody(Body):
    """Bytes for the command's standard input as base64, or its end."""

    data: Annotated[str | None, Field(pattern=BASE64, max_length=MOST_INPUT)] = None
    close: bool = False


class SizeBody(Body):
    """Rows and columns of the terminal."""

    height: Annotated[int, Field(ge=0, le=MOST_SIZE)]
    width: Annotated[int, Field(ge=0, le=MOST_SIZE)]


class InputFrame(Body):
    """One frame; an empty one says only that somebody is there."""

    stdin: InputBody | None = None
    tty_size: SizeBody | None = None

    @property
    def document(self) -> Json:
        """As Nomad takes it."""
        return self.model_dump(exclude_defaults=True)


def check_command(words: Sequence[str]) -> None:
    """UsageError for a command that is too long to be asked for."""
    size = len(quote_plus(json.dumps(list(words))))
    if size > MOST_COMMAND:
        raise UsageError(
            f"the command is too long: {size} bytes as it is sent, of {MOST_COMMAND} at most",
            next_step="Pipe what is longer: `outrider exec SERVICE -- sh -s < FILE`.",
        )


def input_frame(text: str) -> InputFrame:
    """The frame that a text is. UsageError, which repeats nothing of it, for any other."""
    try:
        return InputFrame.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"a frame for the command cannot be read: {place}: {first['msg']}".replace(": :", ":")
        ) from error
