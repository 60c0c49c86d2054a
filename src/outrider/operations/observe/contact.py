"""When a server was last heard, and what it said when it was not."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from outrider_ground.errors import OutriderError, RemoteError

log = logging.getLogger("outrider.observer")

STEPS = ((60, "s"), (60, "min"), (24, "h"))


@dataclass(frozen=True, slots=True)
class ContactState:
    """How old what is known of a server is, in seconds (None: nothing is known), and why it is not of now.

    Without a ``silence`` it is of now, as the server would tell any change.
    """

    age_s: float | None = None
    silence: RemoteError | None = None

    @property
    def problem(self) -> str | None:
        """``as of 40 s ago: Nomad … cannot be reached``; None while the server answers."""
        if self.silence is None:
            return None
        return self.silence.message if self.age_s is None else f"as of {ago(self.age_s)} ago: {self.silence.message}"


class Contact:
    """One server as it is heard, and a bell that rings at every news of it."""

    def __init__(self) -> None:
        self._heard_at: float | None = None
        self._silence: RemoteError | None = None
        self._bell = asyncio.Event()

    @property
    def is_known(self) -> bool:
        """Whether anything was ever heard, be it that it does not answer."""
        return self._heard_at is not None or self._silence is not None

    @property
    def now(self) -> ContactState:
        """What can be said of it at this moment."""
        age = None if self._heard_at is None else time.monotonic() - self._heard_at
        return ContactState(age, self._silence)

    def heard(self) -> None:
        """What is known of it is as of now."""
        self._heard_at, self._silence = time.monotonic(), None
        self._ring()

    def missed(self, silence: RemoteError) -> None:
        """It did not answer; what was known stays."""
        self._silence = silence
        self._ring()

    async def news(self) -> None:
        """Return at the next of both."""
        await self._bell.wait()

    def _ring(self) -> None:
        """Whoever waits now is woken; whoever comes later waits for the next time."""
        self._bell.set()
        self._bell = asyncio.Event()


def silence_of(error: Exception) -> RemoteError:
    """The error as a server's silence; a defect of ours is one too, and goes to the log as a whole."""
    if isinstance(error, RemoteError):
        return error
    if isinstance(error, OutriderError):
        return RemoteError(error.message, next_step=error.next_step)
    log.error("the observer cannot follow", exc_info=error)
    return RemoteError("a defect of Outrider keeps it from following; the portal's log has its traceback")


def ago(seconds: float) -> str:
    """``40 s``, ``3 min``, ``2 h`` or ``5 d``."""
    number = max(0.0, seconds)
    for size, unit in STEPS:
        if number < size:
            return f"{int(number)} {unit}"
        number /= size
    return f"{int(number)} d"
